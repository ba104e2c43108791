//! Workers that die in the middle: the file still loads once, complete.

use std::fmt::Write as _;
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;

use crate::journey::PIPELINE;
use crate::stack::{Stack, signal, wait_for};
use crate::warehouse::sqlite;

const ROWS: i64 = 1_200_000;

/// Process ids of the stack's workers of one stage.
pub(crate) fn workers(stack: &Stack, stage: &str) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").expect("/proc").flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/{id}/{file}"));
        let ours = read("status").is_ok_and(|status| {
            status.lines().any(|line| line == format!("PPid:\t{}", stack.id()))
        });
        ours && read("cmdline").is_ok_and(|line| line.contains(&format!("\0{stage}\0")))
    })
    .collect()
}

fn kill(stack: &Stack, stage: &str) {
    let ids = workers(stack, stage);
    assert_eq!(ids.len(), 1, "one {stage} worker");
    signal(ids[0], "KILL");
}

#[tokio::test]
async fn a_file_whose_workers_are_killed_half_way_loads_once_and_whole() {
    let stack = Stack::start(PIPELINE);
    let mut text = String::from("id,total,note\n");
    for id in 1..=ROWS {
        writeln!(text, "{id},{}.25,some words to make the row longer", id % 1000).unwrap();
    }
    let request = stack.s3().await.put_object().bucket("shop-raw").key("orders/de/big.csv");
    request.body(ByteStream::from(text.into_bytes())).send().await.expect("stored");

    for stage in ["transform", "load"] {
        let limit = Duration::from_secs(90);
        wait_for(&format!("{stage} to have the file"), limit, || {
            stack.is_in_flight(stage).then_some(())
        });
        kill(&stack, stage);
    }
    let runs = stack
        .wait_for_runs("the load", |runs| runs.first().is_some_and(|run| run["state"] == "loaded"));
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0]["rows"]["loaded"], ROWS);
    assert_eq!(sqlite(&stack, "SELECT count(*) FROM orders").await, ROWS);
    assert_eq!(sqlite(&stack, "SELECT sum(id) FROM orders").await, ROWS * (ROWS + 1) / 2);
    assert_eq!(sqlite(&stack, "SELECT count(*) FROM millrace_loads").await, 1);
}

#[tokio::test]
async fn workers_end_with_a_stack_that_was_killed() {
    let mut stack = Stack::start(PIPELINE);
    let ids = wait_for("the workers", Duration::from_secs(60), || {
        let stages = ["ingest", "transform", "load"].iter();
        let ids: Vec<u32> = stages.flat_map(|stage| workers(&stack, stage)).collect();
        (ids.len() == 3).then_some(ids)
    });
    stack.kill();
    wait_for("the workers to end", Duration::from_secs(60), || {
        let alive = |id: &u32| {
            std::fs::read_to_string(format!("/proc/{id}/status"))
                .is_ok_and(|status| !status.contains("State:\tZ"))
        };
        (!ids.iter().any(alive)).then_some(())
    });
}
