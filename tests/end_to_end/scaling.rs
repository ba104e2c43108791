//! Workers come and go while files are on their way: by `millrace scale`, through
//! ECS, as anybody would.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::books::{Books, Published, visible_after};
use crate::fleet::Fleet;
use crate::stack::{Stack, wait_for};

/// Every read of a raw object takes a moment, so that there is something to share.
const SLOW: &str = r#"
[[fault]]
do = "delay"
service = "s3"
operation = "GetObject"
resource = "books-raw/sales/*"
delay = "60ms"
probability = 1.0
"#;

/// One worker of every stage, kept by ECS.
fn pipeline() -> String {
    visible_after("30s").replace("workers = 0", "workers = 1")
}

fn stage<'a>(status: &'a Value, name: &str) -> &'a Value {
    let mut stages = status["queues"].as_array().expect("stages").iter();
    stages.find(|stage| stage["stage"] == name).expect("the stage")
}

fn wait_for_loaded(stack: &Stack, files: u64) {
    wait_for("files to be loaded", Duration::from_secs(90), || {
        let status = stack.json(&["status"]);
        let counts = status["files"].as_array().expect("counts").iter();
        let loaded = counts.filter(|count| count["state"] == "loaded");
        (loaded.map(|count| count["files"].as_u64().expect("a count")).sum::<u64>() >= files)
            .then_some(())
    });
}

#[tokio::test]
async fn workers_scaled_up_and_down_under_load_go_through_every_file_once() {
    let stack = Stack::start_with_faults(&pipeline(), SLOW);
    let (s3, mut published) = (stack.s3().await, Published::default());
    published.version(&s3, 1).await;
    for _ in 0..500 {
        published.sale(&s3).await;
    }
    let scaled = stack.json(&["scale", "transform=4", "load=2", "--wait"]);
    let expected = [("transform", 4), ("load", 2)].map(|(stage, workers)| {
        json!({
            "stage": stage, "cluster": "books", "service": format!("books-{stage}"),
            "before": 1, "desired": workers, "running": workers, "dry_run": false,
        })
    });
    assert_eq!(scaled, json!(expected));
    wait_for_loaded(&stack, 50);
    let status = stack.json(&["status"]);
    let transform = stage(&status, "transform");
    assert_eq!((&transform["desired"], &transform["running"]), (&json!(4), &json!(4)));
    assert!(transform["files_per_minute"].as_f64() > Some(0.0), "{transform}");
    stack.json(&["scale", "transform=1", "load=1", "--wait"]);
    stack.wait_until_drained();
    published.assert_exact(&Books::Sqlite, &stack).await;
    let twice = "SELECT count(*) FROM (SELECT 1 FROM millrace_hops \
                 GROUP BY file_id, stage HAVING count(*) > 1)";
    Books::Sqlite.expect_history(&stack, twice, 0).await;
}

#[tokio::test]
async fn a_worker_at_long_work_is_left_alone_when_its_service_is_scaled_in() {
    let slow = SLOW.replace("60ms", "4s");
    let stack = Stack::start_with_faults(&pipeline(), &slow);
    let (s3, mut published) = (stack.s3().await, Published::default());
    let ecs = aws_sdk_ecs::Client::new(&stack.sdk().await);
    published.sale(&s3).await;
    let protected = async || {
        let tasks = ecs.list_tasks().cluster("books").service_name("books-transform");
        let tasks = tasks.send().await.expect("tasks").task_arns().to_vec();
        let protection = ecs.get_task_protection().cluster("books").set_tasks(Some(tasks));
        let found = protection.send().await.expect("protection");
        found.protected_tasks().iter().filter(|task| task.protection_enabled()).count()
    };
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while protected().await == 0 {
        assert!(std::time::Instant::now() < deadline, "the task is not protected");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stack.json(&["scale", "transform=0"]);
    let status = stack.json(&["status"]);
    assert_eq!(stage(&status, "transform")["running"], 1, "it works on");
    wait_for_loaded(&stack, 1);
    let attempts = "SELECT count(*) FROM millrace_hops WHERE stage = 'transform'";
    Books::Sqlite.expect_history(&stack, attempts, 1).await;
    // Protection is dropped when there is no more work, and then it goes.
    stack.json(&["scale", "transform=0", "--wait", "--timeout", "60"]);
}

/// All of the flood is there before the others, and before any worker.
#[tokio::test]
async fn a_flood_of_one_dataset_holds_up_no_other() {
    const FLOOD: i64 = 2_000;
    let stack = Stack::start(&visible_after("30s"));
    let (s3, mut published) = (stack.s3().await, Published::default());
    for _ in 0..FLOOD {
        published.sale(&s3).await;
    }
    for key in 0..10 {
        published.version(&s3, key).await;
    }
    let _fleet = Fleet::start(&stack, 1, &[]);
    wait_for_loaded(&stack, 1);
    let loaded = async |dataset: &str| {
        let sql = format!(
            "SELECT count(*) FROM millrace_files WHERE dataset = '{dataset}' AND state = 'loaded'"
        );
        Books::Sqlite.history(&stack, &sql).await
    };
    let deadline = Instant::now() + Duration::from_secs(120);
    while loaded("stock").await < 10 {
        assert!(Instant::now() < deadline, "{}", stack.log_text());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // All of the flood is past ingest, where events come as S3 sends them.
    let registered = "SELECT count(*) FROM millrace_files";
    Books::Sqlite.expect_history(&stack, registered, FLOOD + 10).await;
    let flood = loaded("sales").await;
    eprintln!("{flood} of {FLOOD} came first");
    assert!(flood < FLOOD / 2, "the others came behind {flood} of {FLOOD}");
}

#[tokio::test]
async fn what_cannot_be_scaled_is_said_before_anything_is_changed() {
    let stack = Stack::start(&pipeline());
    for (arguments, code, said) in [
        (["scale", "transfrom=2"], 2, "did you mean `transform`?"),
        (["scale", "load=11"], 2, "raise `max_workers` under [stages.load]"),
    ] {
        let output = stack.run(&arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{error}");
        assert!(error.contains(said), "{error}");
    }
    let dry = stack.json(&["scale", "load=3", "--dry-run"]);
    assert_eq!((&dry[0]["desired"], &dry[0]["dry_run"]), (&json!(3), &json!(true)));
    assert_eq!(stage(&stack.json(&["status"]), "load")["desired"], 1);
    stack.rewrite(&pipeline().replace("name = \"books\"", "name = \"other\""));
    let output = stack.run(&["scale", "load=2"]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("no service `other-load`"), "{error}");
}

#[tokio::test]
async fn a_worker_answers_those_who_watch_it() {
    let stack = Stack::start(&visible_after("30s"));
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let heartbeat = stack.folder().join("heartbeat");
    let well = || stack.command(&["healthcheck"]).env("MILLRACE_HEARTBEAT", &heartbeat).output();
    assert_eq!(well().unwrap().status.code(), Some(1), "nobody is there");
    let mut worker = stack
        .command(&["worker", "ingest", "--stop-on-stdin-end"])
        .args(["--metrics", &format!("127.0.0.1:{port}")])
        .env("MILLRACE_HEARTBEAT", &heartbeat)
        .env("MILLRACE_METRICS_LOG", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::from(std::fs::File::create(stack.folder().join("emf")).unwrap()))
        .stderr(stack.log())
        .spawn()
        .expect("a worker");
    let limit = Duration::from_secs(30);
    wait_for("a heartbeat", limit, || well().unwrap().status.success().then_some(()));
    assert!(get(port, "/live").ends_with("live\n"));
    Published::default().sale(&stack.s3().await).await;
    // S3 sends an event of its own when notifications are set up.
    let done = "millrace_messages_total{stage=\"ingest\",outcome=\"done\",class=\"\"} ";
    wait_for("both to be counted", limit, || {
        let text = get(port, "/metrics");
        let count = text.lines().find_map(|line| line.strip_prefix(done)?.parse::<u64>().ok());
        (count? >= 2).then_some(())
    });
    let lines = wait_for("lines for CloudWatch", limit, || {
        let text = std::fs::read_to_string(stack.folder().join("emf")).unwrap();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let done = lines.map(|line| line["Done"].as_f64().expect("a number")).sum::<f64>();
        (done >= 2.0).then_some(text)
    });
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).expect("JSON");
    assert_eq!((&first["Pipeline"], &first["Stage"]), (&json!("books"), &json!("ingest")));
    drop(worker.stdin.take());
    wait_for("the worker to stop", limit, || worker.try_wait().unwrap());
}

fn get(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the port");
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}
