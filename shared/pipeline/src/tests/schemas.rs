//! The JSON Schema and the reader, which go by the same list.

use serde_json::Value;

use crate::{Pipeline, json_schema};

#[test]
fn the_json_schema_is_as_committed() {
    insta::assert_json_snapshot!(json_schema());
}

/// `full.toml` says everything that can be said, so that a key which is listed
/// but never read, or read but not listed, is noticed.
#[test]
fn the_full_example_has_every_key_the_schema_lists() {
    let file: Value = toml::from_str(include_str!("full.toml")).unwrap();
    let mut missing = Vec::new();
    compare(&json_schema(), &[&file], "", &mut missing);
    assert_eq!(
        missing,
        [
            // It goes without subscribers.
            ".alerts.topic",
            ".stages.catalog.connections",
            ".stages.catalog.max_receive_count",
            ".stages.catalog.max_workers",
            ".stages.catalog.memory",
            ".stages.catalog.retention",
            ".stages.catalog.retry",
            ".stages.catalog.visibility",
            ".stages.catalog.workers",
            ".stages.collect.connections",
            ".stages.collect.max_receive_count",
            ".stages.collect.max_workers",
            ".stages.collect.memory",
            ".stages.collect.retention",
            ".stages.collect.retry",
            ".stages.collect.visibility",
            ".stages.collect.workers",
            ".stages.derive.concurrency",
            ".stages.derive.connections",
            ".stages.derive.max_receive_count",
            ".stages.derive.max_workers",
            ".stages.derive.memory",
            ".stages.derive.retention",
            ".stages.derive.retry",
            ".stages.derive.visibility",
            ".stages.export.concurrency",
            ".stages.export.connections",
            ".stages.export.max_receive_count",
            ".stages.export.max_workers",
            ".stages.export.memory",
            ".stages.export.retention",
            ".stages.export.retry",
            ".stages.export.visibility",
            ".stages.ingest.concurrency",
            ".stages.ingest.connections",
            ".stages.ingest.max_receive_count",
            ".stages.ingest.max_workers",
            ".stages.ingest.memory",
            ".stages.ingest.retention",
            ".stages.ingest.retry",
            ".stages.ingest.visibility",
            ".stages.load.concurrency",
            ".stages.load.max_receive_count",
            ".stages.load.memory",
            ".stages.load.retention",
            ".stages.load.visibility",
            ".stages.load.workers",
            ".stages.maintain.concurrency",
            ".stages.maintain.connections",
            ".stages.maintain.max_receive_count",
            ".stages.maintain.memory",
            ".stages.maintain.retention",
            ".stages.maintain.retry",
            ".stages.maintain.visibility",
            ".stages.maintain.workers",
            ".stages.report.concurrency",
            ".stages.report.connections",
            ".stages.report.max_receive_count",
            ".stages.report.max_workers",
            ".stages.report.memory",
            ".stages.report.retention",
            ".stages.report.retry",
            ".stages.report.visibility",
            ".stages.transform.connections",
            ".stages.transform.max_workers",
            ".stages.transform.retry",
        ],
        "the stages are all alike; between them they have every key"
    );
}

/// Collects the keys of `schema` that none of `values` has.
fn compare(schema: &Value, values: &[&Value], path: &str, missing: &mut Vec<String>) {
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        let inner: Vec<&Value> = values.iter().filter_map(|value| value.get(name)).collect();
        if inner.is_empty() {
            missing.push(path);
            continue;
        }
        compare(schema, &inner, &path, missing);
    }
    let members: Vec<&Value> =
        values.iter().filter_map(|value| value.as_object()).flat_map(|map| map.values()).collect();
    if schema["additionalProperties"].is_object() {
        compare(&schema["additionalProperties"], &members, &format!("{path}.*"), missing);
    }
    let items: Vec<&Value> = values.iter().filter_map(|value| value.as_array()).flatten().collect();
    if schema["items"].is_object() {
        compare(&schema["items"], &items, &format!("{path}[]"), missing);
    }
}

#[test]
fn dates_inside_of_lists_have_a_format_and_numbers_have_none() {
    let columns = |kind: &str| {
        let text = format!(
            "version = 1\nname = \"p\"\n[datasets.a]\nmatch = \"*\"\nformat = \"ndjson\"\n\
             [datasets.a.schema]\ncolumns = [{{ name = \"days\", type = \"{kind}\", format = \
             \"%d/%m/%Y\" }}]\n"
        );
        Pipeline::parse(&text).map(|_| ()).map_err(|problems| problems.to_string())
    };
    columns("list<date>").unwrap();
    columns("struct<n: int64, at: list<timestamp>>").unwrap();
    let refused = columns("list<struct<n: int64>>").unwrap_err();
    assert!(refused.contains("only dates and times have a format"), "{refused}");
}
