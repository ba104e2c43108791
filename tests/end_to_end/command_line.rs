//! The commands as people call them: what they print and how they exit.

use std::net::TcpListener;
use std::process::{Command, Output};

use crate::journey::PIPELINE;
use crate::stack::{Stack, millrace};

fn run(folder: &std::path::Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(millrace());
    command.args(arguments).current_dir(folder).env("NO_COLOR", "1");
    command.output().expect("millrace runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn check_prints_every_problem_with_its_line_and_exits_2() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = PIPELINE
        .replace("version = 1", "version = 7")
        .replace("mode = \"strict\"", "mode = \"stern\"")
        .replace("visibility = \"5s\"", "visibilty = \"5s\"");
    std::fs::write(folder.path().join("millrace.toml"), wrong).unwrap();
    let output = run(folder.path(), &["check"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for part in ["millrace.toml:2:", "stern", "visibilty", "visibility"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    std::fs::write(folder.path().join("millrace.toml"), PIPELINE).unwrap();
    let output = run(folder.path(), &["check"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn check_finds_an_expectation_that_does_not_fit_its_columns() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = PIPELINE.replace("total >= 0", "totl >= 0");
    std::fs::write(folder.path().join("millrace.toml"), wrong).unwrap();
    let output = run(folder.path(), &["check", "-o", "json"]);
    assert_eq!(output.status.code(), Some(2));
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(said["problems"][0]["message"].as_str().unwrap().contains("totl"), "{said:#}");
}

#[test]
fn a_port_in_use_is_said_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("millrace.toml"), PIPELINE).unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = run(folder.path(), &["dev", "--port", &port]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&port) && said.contains("in use"), "{said}");
}

#[test]
fn publish_follows_its_files_and_status_shows_them() {
    let stack = Stack::start(PIPELINE);
    let folder = stack.folder().join("orders/de");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("a.csv"), "id,total,note\n1,1,\n").unwrap();
    let published = stack.json(&["publish", "orders", "--wait"]);
    assert_eq!(published[0]["result"]["state"], "loaded", "{published:#}");
    assert_eq!(published[0]["url"], "s3://shop-raw/orders/de/a.csv");
    let table = stack.run(&["status"]);
    let said = text(&table.stdout);
    assert!(said.contains("shop-transform") && said.contains("loaded"), "{said}");
    let trace = stack.json(&["trace", "s3://shop-raw/orders/de/a.csv"]);
    let hops = trace["versions"][0]["hops"].as_array().expect("hops");
    let stages: Vec<_> = hops.iter().map(|hop| hop["stage"].as_str().unwrap()).collect();
    assert_eq!(stages, ["ingest", "transform", "load"]);
}

#[test]
fn dev_until_idle_ends_by_itself_when_all_is_drained() {
    let mut stack = Stack::start(PIPELINE);
    let path = stack.folder().join("a.csv");
    std::fs::write(&path, "id,total,note\n1,1,\n").unwrap();
    let path = path.to_str().unwrap().to_owned();
    let output = stack.run(&["publish", &path, "--dataset", "orders", "--set", "country=de"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    stack.down();
    let output = stack.run(&["dev", "--port", "0", "--until-idle"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let runs = stack.json(&["runs"]);
    assert_eq!(runs[0]["state"], "loaded", "{runs:#}");
}

#[test]
fn the_demo_ends_well_twice_and_leaves_nothing_running() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let output = run(folder.path(), &["demo"]);
        let said = text(&output.stdout);
        assert!(output.status.success(), "{said}\n{}", text(&output.stderr));
        for part in ["expenses", "incomes", "finance-transform-dlq", "millrace.toml", "warehouse"] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
    let left = std::fs::read_dir("/proc").unwrap().flatten().filter(|entry| {
        let line = std::fs::read_to_string(entry.path().join("environ")).unwrap_or_default();
        line.contains(&format!("MILLRACE_DATA={}", folder.path().display()))
    });
    assert_eq!(left.count(), 0);
}
