//! Envelopes of every shape: our own small ones, real ones where they are to be
//! had, and arbitrary ones that must not panic.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod arbitrary;
mod real;
mod shapes;

use super::*;

/// An S3 notification record; `more` are further members of `s3.object`.
fn record(key: &str, more: &str) -> String {
    format!(
        r#"{{"eventVersion":"2.1","eventSource":"aws:s3","eventTime":"2024-01-31T08:15:30.500Z",
            "eventName":"ObjectCreated:Put","s3":{{"bucket":{{"name":"raw"}},
            "object":{{"key":"{key}"{more}}}}}}}"#
    )
}

fn notification(key: &str, more: &str) -> String {
    format!(r#"{{"Records":[{}]}}"#, record(key, more))
}

fn bridge_event(detail_type: &str, key: &str) -> String {
    format!(
        r#"{{"version":"0","detail-type":"{detail_type}","source":"aws.s3",
            "time":"2024-01-31T08:15:30Z","detail":{{"bucket":{{"name":"raw"}},
            "object":{{"key":"{key}","size":7,"etag":"\"e1\"","version-id":"v1",
            "sequencer":"01"}}}}}}"#
    )
}

fn sns(message: &str) -> String {
    format!(
        r#"{{"Type":"Notification","TopicArn":"arn:aws:sns:eu-west-1:1:t","Message":{}}}"#,
        serde_json::to_string(message).unwrap()
    )
}

fn lambda_sqs(bodies: &[&str]) -> String {
    let record = |body: &&str| {
        format!(r#"{{"eventSource":"aws:sqs","body":{}}}"#, serde_json::to_string(body).unwrap())
    };
    format!(r#"{{"Records":[{}]}}"#, bodies.iter().map(record).collect::<Vec<_>>().join(","))
}

/// The notices in one line each.
fn shown(body: &str) -> Vec<String> {
    decode_event(body).unwrap().iter().map(show).collect()
}

fn show(notice: &Notice) -> String {
    match notice {
        Notice::Object(event) => {
            let hops: Vec<String> = event.via.iter().map(ToString::to_string).collect();
            format!("{:?} {} via {}", event.kind, event.object, hops.join(" > "))
        }
        Notice::TestEvent => "test".to_owned(),
        Notice::Scheduled(scheduled) => {
            format!("schedule {} {}", scheduled.name().unwrap_or("?"), scheduled.detail)
        }
        Notice::Unrelated { what, .. } => format!("unrelated: {what}"),
    }
}
