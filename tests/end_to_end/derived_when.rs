//! When datasets are derived: by the clock, by hand, by a message of somebody's, and
//! after the files of a day that belong together.

use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::derived::{ended, wait_for_runs};
use crate::stack::{Stack, wait_for};
use crate::telling::put;

const NIGHTLY: &str = r#"
version = 1
name = "shop"

[datasets.sales]
match = "sales/*.csv"
[datasets.sales.schema]
mode = "strict"
columns = [{ name = "amount", type = "int64", required = true }]

[derived.total]
sql = "select sum(amount) as total from sales"
schedule = "cron(0 HOUR * * ? *)"
"#;

async fn send(stack: &Stack, queue: &str, body: &str) {
    let sqs = stack.sqs().await;
    let url = sqs.get_queue_url().queue_name(queue).send().await.expect("a queue");
    let request = sqs.send_message().queue_url(url.queue_url().expect("a URL")).message_body(body);
    request.send().await.expect("sent");
}

#[tokio::test]
async fn it_is_derived_by_the_clock_by_hand_and_by_a_message_with_a_payload() {
    // Half a day away, whenever this runs.
    let since = SystemTime::UNIX_EPOCH.elapsed().expect("a clock that is right");
    let hour = (since.as_secs() / 3600 + 12) % 24;
    let stack = Stack::start(&NIGHTLY.replace("HOUR", &hour.to_string()));
    put(&stack, "sales/1.csv", "amount\n1\n").await;
    stack.wait_for_runs("the sales", |runs| runs.iter().any(|run| run["state"] == "loaded"));
    stack.wait_until_drained();
    assert!(ended(&stack, "total").is_empty(), "changes alone do nothing");

    send(&stack, "shop-derive", r#"{"registration_date":"2023-01-01","user":"ann"}"#).await;
    let runs = wait_for_runs(&stack, "total", 1);
    assert_eq!((&runs[0]["cause"], &runs[0]["rows"]), (&"asked".into(), &1.into()));

    put(&stack, "sales/2.csv", "amount\n20\n").await;
    stack.wait_until_drained();
    let asked = stack.json(&["schedule", "run", "total"]);
    assert_eq!(asked["queue"], "shop-derive");
    wait_for_runs(&stack, "total", 2);
    // Nothing is other than before.
    stack.json(&["schedule", "run", "total"]);
    stack.wait_until_drained();
    assert_eq!(ended(&stack, "total").len(), 2);

    put(&stack, "sales/3.csv", "amount\n300\n").await;
    stack.wait_until_drained();
    stack.advance("1d");
    let runs = wait_for_runs(&stack, "total", 3);
    assert_eq!(runs[0]["cause"], "scheduled", "{runs:?}");
    let total = stack.json(&["query", "select total from total"]);
    assert_eq!(total, json!([{ "total": 321 }]));
    let listed = stack.json(&["schedule", "list"]);
    assert_eq!(
        (&listed[0]["stage"], &listed[0]["last"]["run"]),
        (&"derive".into(), &3.into()),
        "{listed}"
    );
    let unknown = stack.run(&["schedule", "run", "totl"]);
    let said = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(said.contains("did you mean `total`?"), "{said}");
}

const DAILY: &str = r#"
version = 1
name = "shop"

[datasets.users]
match = "users/{day}/*.csv"
[datasets.users.schema]
mode = "strict"
columns = [{ name = "id", type = "int64", required = true }]

[datasets.sales]
match = "sales/{day}/*.csv"
[datasets.sales.schema]
mode = "strict"
columns = [{ name = "user_id", type = "int64", required = true }]

[derived.sold]
sql = "select s.day, count(u.id) as known from sales s left join users u on u.id = s.user_id and u.day = s.day group by s.day"
partition_by = ["day"]
refresh = "partition"
debounce = "1s"
after = { all = ["users", "sales"], per = "day" }
"#;

#[tokio::test]
async fn a_day_is_derived_once_all_of_its_files_are_there() {
    let stack = Stack::start(DAILY);
    put(&stack, "users/1/a.csv", "id\n1\n2\n").await;
    put(&stack, "sales/1/a.csv", "user_id\n1\n3\n").await;
    wait_for_runs(&stack, "sold", 1);
    let sold = |day: &str| {
        let sql = format!("select known from sold where day = '{day}'");
        stack.json(&["query", &sql])
    };
    assert_eq!(sold("1"), json!([{ "known": 1 }]));
    let before = ended(&stack, "sold").len();
    put(&stack, "sales/2/a.csv", "user_id\n1\n").await;
    stack.wait_for_runs("the sales of the second day", |runs| {
        runs.iter().any(|run| run["key"] == "sales/2/a.csv" && run["state"] == "loaded")
    });
    stack.wait_until_drained();
    assert_eq!(ended(&stack, "sold").len(), before, "its users are not there yet");
    put(&stack, "users/2/a.csv", "id\n1\n").await;
    wait_for("the second day", Duration::from_secs(60), || {
        (ended(&stack, "sold").len() > before).then_some(())
    });
    assert_eq!(sold("2"), json!([{ "known": 1 }]));
    let runs = ended(&stack, "sold");
    assert_eq!(runs[0]["written"], 1, "the first day stays as it is: {runs:?}");
}
