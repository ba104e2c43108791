//! Workers that are told to stop, killed and frozen while there is plenty to do:
//! what they had in hand is worked on by others, as soon as it may be, and once.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::books::{Books, PIPELINE, Published, visible_after};
use crate::fleet::Fleet;
use crate::stack::{Stack, signal, wait_for};

/// Reads take a while, so that there is always something in hand.
fn slow(delay: &str, resource: &str) -> Value {
    json!({ "fault": [{
        "do": "delay", "service": "s3", "operation": "GetObject",
        "resource": resource, "delay": delay, "random": false,
    }] })
}

/// What waits and what is hidden in the stages' queues.
fn depths(stack: &Stack) -> (u64, u64) {
    let status = stack.json(&["status"]);
    let queues = status["queues"].as_array().expect("queues");
    let sum = |name: &str| queues.iter().map(|queue| queue[name].as_u64().expect("a count")).sum();
    (sum("visible"), sum("in_flight"))
}

/// Messages that were handled more than once by a stage.
const TWICE: &str = "SELECT count(*) FROM (SELECT 1 FROM millrace_hops \
                     GROUP BY file_id, stage HAVING count(*) > 1)";

async fn publish(stack: &Stack, files: u64) -> Published {
    let (s3, mut published) = (stack.s3().await, Published::default());
    for _ in 0..files {
        published.sale(&s3).await;
    }
    published
}

async fn wait_for_loads(stack: &Stack, files: i64) {
    let loaded = "SELECT count(*) FROM millrace_files WHERE state = 'loaded'";
    let deadline = Instant::now() + Duration::from_secs(90);
    while Books::Sqlite.history(stack, loaded).await < files {
        assert!(Instant::now() < deadline, "{}", stack.log_text());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn workers_told_to_stop_under_load_leave_no_message_hidden() {
    let stack = Stack::start(&visible_after("10m"));
    stack.begin_faults(&slow("100ms", "books-raw/*"));
    let fleet = Fleet::start(&stack, 2, &[]);
    let published = publish(&stack, 200).await;
    wait_for_loads(&stack, 20).await;
    let (_, hidden) = depths(&stack);
    assert!(hidden > 0, "there is nothing in hand");
    let told = Instant::now();
    fleet.stop();
    // A poll that is under way is let end, and what it brings is handed back.
    assert!(told.elapsed() < Duration::from_secs(15), "{:?}", told.elapsed());
    let (waiting, hidden) = depths(&stack);
    assert_eq!(hidden, 0, "of {waiting}:\n{}", stack.log_text());
    assert!(waiting > 0, "there was no load to stop under");

    let fleet = Fleet::start(&stack, 1, &[]);
    stack.end_faults();
    stack.wait_until_drained();
    fleet.stop();
    published.assert_exact(&Books::Sqlite, &stack).await;
    Books::Sqlite.expect_history(&stack, TWICE, 0).await;
    let again = "SELECT count(*) FROM millrace_failures";
    Books::Sqlite.expect_history(&stack, again, 0).await;
}

#[tokio::test]
async fn work_that_outlasts_the_stop_timeout_is_back_at_once() {
    let stack = Stack::start(&visible_after("10m"));
    stack.begin_faults(&slow("5m", "books-raw/*"));
    let fleet = Fleet::start(&stack, 1, &[]);
    let published = publish(&stack, 1).await;
    let limit = Duration::from_secs(30);
    wait_for("the file to be in hand", limit, || stack.is_in_flight("transform").then_some(()));
    let told = Instant::now();
    fleet.stop();
    let took = told.elapsed();
    assert!((Duration::from_secs(25)..Duration::from_secs(30)).contains(&took), "{took:?}");
    assert_eq!(depths(&stack), (1, 0), "{}", stack.log_text());
    stack.end_faults();
    let fleet = Fleet::start(&stack, 1, &[]);
    wait_for_loads(&stack, 1).await;
    fleet.stop();
    published.assert_exact(&Books::Sqlite, &stack).await;
}

#[tokio::test]
async fn what_a_killed_worker_had_is_back_after_the_visibility_timeout_and_once() {
    const VISIBILITY: Duration = Duration::from_secs(6);
    let stack = Stack::start(&visible_after("6s"));
    stack.begin_faults(&slow("5m", "books-raw/*"));
    let fleet = Fleet::start(&stack, 1, &[]);
    let published = publish(&stack, 1).await;
    let limit = Duration::from_secs(30);
    wait_for("the file to be in hand", limit, || stack.is_in_flight("transform").then_some(()));
    // Long enough that only heartbeats can have kept it hidden.
    let held = Instant::now();
    while held.elapsed() < VISIBILITY + Duration::from_secs(1) {
        assert!(stack.is_in_flight("transform"), "the heartbeat does not hold it");
    }
    stack.end_faults();
    let killed = Instant::now();
    (0..fleet.len()).for_each(|worker| fleet.kill(worker));
    wait_for_loads(&stack, 1).await;
    let took = killed.elapsed();
    // A heartbeat every third of it: the last was at most two seconds before.
    let hidden = VISIBILITY - VISIBILITY / 3 - Duration::from_secs(1)..VISIBILITY * 2;
    assert!(hidden.contains(&took), "{took:?}");
    fleet.stop();
    let attempt = "SELECT max(attempt) FROM millrace_hops WHERE stage = 'transform'";
    Books::Sqlite.expect_history(&stack, attempt, 2).await;
    published.assert_exact(&Books::Sqlite, &stack).await;
}

/// Each in turn sleeps for longer than its messages stay hidden, wherever it is in
/// its work; others have them meanwhile.
#[tokio::test]
async fn workers_frozen_under_load_lose_their_leases_and_load_nothing_twice() {
    let stack = Stack::start(PIPELINE);
    stack.begin_faults(&slow("100ms", "books-*/*"));
    let fleet = Fleet::start(&stack, 2, &[]);
    let published = publish(&stack, 150).await;
    wait_for_loads(&stack, 5).await;
    let (first, second): (Vec<_>, Vec<_>) =
        fleet.ids().chunks(2).map(|two| (two[0], two[1])).unzip();
    for workers in [first, second] {
        workers.iter().for_each(|id| signal(*id, "STOP"));
        let frozen = Instant::now();
        // Twice as long as their messages stay hidden.
        while frozen.elapsed() < Duration::from_secs(4) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        workers.iter().for_each(|id| signal(*id, "CONT"));
    }
    stack.wait_until_drained();
    assert_eq!(fleet.deaths(), 0);
    fleet.stop();
    let lost = stack.log_text().matches("outcome=\"lease_lost\"").count();
    assert!(lost > 0, "nobody had anything in hand:\n{}", stack.log_text());
    published.assert_exact(&Books::Sqlite, &stack).await;
    Books::Sqlite.assert_unlocked(&stack).await;
}
