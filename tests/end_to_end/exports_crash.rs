//! Export workers that die in the middle: nothing says that it is complete before
//! it is, and no row is exported twice or never.

use serde_json::Value;

use crate::exports::{in_warehouse, keys, manifest, run};
use crate::stack::Stack;

const PIPELINE: &str = r#"
version = 1
name = "shop"

[datasets.notes]
match = "notes/*.csv"

[exports.changes]
table = "changes"
to = "exports/changes/{time}/"
format = "csv"
object_rows = 2
incremental = { column = "id" }

[stages.export]
visibility = "5s"
max_receive_count = 20
"#;

async fn rows(stack: &Stack, run: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    for object in manifest(stack, run).await["objects"].as_array().expect("objects") {
        let key = object["key"].as_str().expect("a key");
        let got = stack.s3().await.get_object().bucket("shop-lake").key(key).send().await;
        let bytes = got.expect("an object").body.collect().await.expect("a body").to_vec();
        let text = String::from_utf8(bytes).expect("text");
        lines.extend(text.lines().skip(1).map(str::to_owned));
    }
    lines.sort();
    lines
}

/// Exports once while a worker is killed at the point, and once more.
async fn survive(point: &str) {
    let fired = tempfile::tempdir().expect("a folder");
    let stack = Stack::start_with(
        PIPELINE,
        &[
            ("MILLRACE_FAILPOINTS", &format!("export.{point}=kill")),
            ("MILLRACE_FAILPOINTS_DIR", fired.path().to_str().expect("text")),
        ],
    );
    let table = ["CREATE TABLE changes (id INTEGER)", "INSERT INTO changes VALUES (1), (2), (3)"];
    in_warehouse(&stack, &table).await;
    let first = run(&stack, "changes", "2026-01-31T01:00:00Z", &[]);
    assert!(fired.path().join(format!("export.{point}")).exists(), "{point} did not fire");
    assert_eq!(first["rows"], 3, "{point}: {first}");
    assert_eq!(rows(&stack, &first).await, ["1", "2", "3"], "{point}");
    let folder = "exports/changes/20260131T010000Z/";
    let expected = ["_manifest.json", "part-00000.csv", "part-00001.csv"];
    assert_eq!(keys(&stack, "shop-lake", folder).await, expected, "{point}");
    in_warehouse(&stack, &["INSERT INTO changes VALUES (4)"]).await;
    let second = run(&stack, "changes", "2026-01-31T02:00:00Z", &[]);
    assert_eq!(rows(&stack, &second).await, ["4"], "{point}: {second}");
}

#[tokio::test]
async fn killed_before_anything_is_written_it_is_exported_once() {
    survive("began").await;
}

#[tokio::test]
async fn killed_before_the_manifest_it_is_exported_once() {
    survive("after_rows").await;
}

#[tokio::test]
async fn killed_before_the_watermark_it_is_exported_once() {
    survive("before_commit").await;
}

#[tokio::test]
async fn killed_when_it_is_done_it_is_exported_once() {
    survive("after_commit").await;
}
