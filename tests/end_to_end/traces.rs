//! A file's way through the stages as one trace, and a worker whose collector is
//! gone.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::Value;

use crate::journey::PIPELINE;
use crate::otlp::{Collector, assert_valid, nanos};
use crate::stack::{Stack, wait_for};
use crate::telling::put;

fn named<'a>(spans: &'a [(String, Value)], service: &str, name: &str) -> Vec<&'a Value> {
    let is_it = |span: &&(String, Value)| span.0 == service && span.1["name"] == name;
    spans.iter().filter(is_it).map(|(_, span)| span).collect()
}

fn attribute<'a>(span: &'a Value, key: &str) -> Option<&'a str> {
    let attributes = span["attributes"].as_array()?;
    let value = &attributes.iter().find(|attribute| attribute["key"] == key)?["value"];
    value["stringValue"].as_str().or_else(|| value["intValue"].as_str())
}

#[tokio::test]
async fn the_stages_of_a_file_share_a_trace_with_the_parts_of_their_work_below() {
    let collector = Collector::start();
    let environment =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.url()), ("OTEL_BSP_SCHEDULE_DELAY", "50")];
    let stack = Stack::start_with(PIPELINE, &environment);
    put(&stack, "orders/de/a.csv", "id,total,note\n1,1,\n").await;
    put(&stack, "orders/de/bad.csv", "id,total,note\nx,1,\n").await;
    let spans = wait_for("the spans of all stages", Duration::from_secs(60), || {
        let spans = collector.spans();
        let loads = named(&spans, "shop-load", "load process").len();
        let transforms = named(&spans, "shop-transform", "transform process").len();
        (loads == 1 && transforms == 2).then_some(spans)
    });
    collector.requests().iter().for_each(assert_valid);

    let load = named(&spans, "shop-load", "load process")[0];
    let of_trace = |span: &&Value| span["traceId"] == load["traceId"];
    let one = |service: &str, name: &str| {
        let found = named(&spans, service, name).into_iter().find(of_trace);
        found.unwrap_or_else(|| panic!("no `{name}` in {spans:#?}"))
    };
    let ingest = one("shop-ingest", "ingest process");
    let transform = one("shop-transform", "transform process");
    assert_eq!(ingest.get("parentSpanId"), None, "S3 begins no trace");
    assert_eq!(transform["parentSpanId"], ingest["spanId"]);
    assert_eq!(load["parentSpanId"], transform["spanId"]);
    for (span, rows) in [(transform, "millrace.rows.read"), (load, "millrace.rows.loaded")] {
        assert_eq!(attribute(span, rows), Some("1"), "{span:#}");
        assert_eq!(attribute(span, "aws.s3.key"), Some("orders/de/a.csv"));
        assert_eq!(attribute(span, "millrace.outcome"), Some("done"));
        assert!(span.get("status").is_none(), "{span:#}");
    }
    let runs = stack.json(&["runs", "--state", "loaded"]);
    assert_eq!(attribute(load, "millrace.file_id"), runs[0]["file_id"].as_str());

    for (service, stage, span, parts) in [
        ("shop-ingest", "ingest", ingest, &["register", "send"][..]),
        ("shop-transform", "transform", transform, &["transform", "record", "send"]),
        ("shop-load", "load", load, &["load", "record"]),
    ] {
        for part in parts {
            let part = one(service, &format!("{stage} {part}"));
            assert_eq!(part["parentSpanId"], span["spanId"], "{part:#}");
            assert!(nanos(&part["startTimeUnixNano"]) >= nanos(&span["startTimeUnixNano"]));
        }
    }

    let failed = named(&spans, "shop-transform", "transform process");
    let failed = failed.into_iter().find(|span| !of_trace(span)).expect("the bad file's");
    assert_eq!(failed["status"]["code"], 2, "{failed:#}");
    assert_eq!(attribute(failed, "error.type"), Some("contract"));
    assert_eq!(attribute(failed, "millrace.outcome"), Some("dead_lettered"));
}

#[tokio::test]
async fn files_are_loaded_while_the_collector_is_gone() {
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", nobody.local_addr().expect("an address"));
    drop(nobody);
    let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*url), ("OTEL_BSP_SCHEDULE_DELAY", "10")];
    let stack = Stack::start_with(PIPELINE, &environment);
    put(&stack, "orders/de/a.csv", "id,total,note\n1,1,\n").await;
    let loaded = |runs: &[Value]| runs.first().is_some_and(|run| run["state"] == "loaded");
    stack.wait_for_runs("the file to be loaded", loaded);
    wait_for("the loss to be told", Duration::from_secs(20), || {
        stack.log_text().contains("spans are not exported").then_some(())
    });
}
