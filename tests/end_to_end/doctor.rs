//! `millrace doctor` against a stack that is well, and against the same stack with
//! things broken on purpose.

use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::Value;

use crate::journey::PIPELINE;
use crate::stack::{Stack, wait_for};

/// Exit code and findings.
pub(crate) fn doctor(stack: &Stack, arguments: &[&str]) -> (Option<i32>, Vec<Value>) {
    let arguments: Vec<&str> = ["doctor", "-o", "json"].iter().chain(arguments).copied().collect();
    let output = stack.run(&arguments);
    let text = String::from_utf8_lossy(&output.stdout);
    let findings = serde_json::from_str(&text).unwrap_or_else(|error| {
        panic!("{error}: {text}{}", String::from_utf8_lossy(&output.stderr))
    });
    (output.status.code(), findings)
}

pub(crate) fn health<'a>(findings: &'a [Value], area: &str, subject: &str) -> Vec<&'a str> {
    let of = |finding: &&Value| finding["area"] == area && finding["subject"] == subject;
    let found = findings.iter().filter(of);
    found.map(|finding| finding["health"].as_str().expect("a text")).collect()
}

#[tokio::test]
async fn a_stack_that_is_well_is_well_in_every_respect() {
    let stack = Stack::start(PIPELINE);
    let (code, findings) = doctor(&stack, &[]);
    assert_eq!(code, Some(0), "{findings:#?}");
    for finding in &findings {
        assert_eq!(finding["health"], "good", "{finding:#}");
    }
    for (area, subject) in [
        ("clock", "this machine"),
        ("bucket", "shop-raw"),
        ("access", "shop-lake"),
        ("queue", "shop-transform"),
        ("access", "shop-load"),
        ("canary", "s3://shop-raw/_millrace/canary"),
    ] {
        assert_eq!(health(&findings, area, subject), ["good"], "{area} {subject}: {findings:#?}");
    }
    // A second canary is noticed, too, though it is the same skip.
    assert_eq!(doctor(&stack, &[]).0, Some(0));
    let status = stack.json(&["status"]);
    assert_eq!(status["skipped"][0]["objects"], 1, "{status:#}");
    let listed = stack.s3().await.list_objects_v2().bucket("shop-raw").send().await.expect("all");
    assert_eq!(listed.key_count(), Some(0), "the canary is cleaned up");

    let output = stack.run(&["doctor", "--no-canary"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("ok     queue shop-load: visibility 5 s"), "{said}");
    assert!(said.contains("checks, all is well"), "{said}");
}

#[tokio::test]
async fn what_is_broken_is_found_with_what_to_do() {
    let mut pipeline = PIPELINE.replace("[stages.ingest]", "[stages.ingest]\nworkers = 0");
    if !pipeline.contains("workers = 0") {
        pipeline.push_str("\n[stages.ingest]\nworkers = 0\n");
    }
    let stack = Stack::start(&pipeline);
    let (sqs, s3) = (stack.sqs().await, stack.s3().await);
    let url = async |name: &str| {
        let found = sqs.get_queue_url().queue_name(name).send().await.expect("a queue");
        found.queue_url.expect("a URL")
    };
    let set = async |name: &str, attribute, value: &str| {
        let request = sqs.set_queue_attributes().queue_url(url(name).await);
        request.attributes(attribute, value).send().await.expect("set");
    };
    set("shop-load", QueueAttributeName::RedrivePolicy, "").await;
    set("shop-transform-dlq", QueueAttributeName::MessageRetentionPeriod, "3600").await;
    let nothing = aws_sdk_s3::types::NotificationConfiguration::builder().build();
    let request = s3.put_bucket_notification_configuration().bucket("shop-raw");
    request.notification_configuration(nothing).send().await.expect("set");

    let (code, findings) = doctor(&stack, &["--wait", "1"]);
    assert_eq!(code, Some(1));
    for (area, subject, remedy) in [
        ("queue", "shop-load", "deadLetterTargetArn"),
        ("queue", "shop-transform", "1209600"),
        ("bucket", "shop-raw", "notification"),
        ("canary", "s3://shop-raw/_millrace/canary", "millrace status"),
    ] {
        assert_eq!(health(&findings, area, subject), ["broken"], "{subject}: {findings:#?}");
        let of = |finding: &&Value| finding["subject"] == subject && finding["area"] == area;
        let finding = findings.iter().find(of).expect("one");
        assert!(finding["remedy"].as_str().expect("a text").contains(remedy), "{finding:#}");
    }
    assert_eq!(health(&findings, "queue", "shop-ingest"), ["good"]);

    sqs.delete_queue().queue_url(url("shop-load").await).send().await.expect("deleted");
    wait_for("the queue to be gone", std::time::Duration::from_secs(70), || {
        let (_, findings) = doctor(&stack, &["--no-canary"]);
        (health(&findings, "queue", "shop-load") == ["broken"]).then_some(())
    });
}

#[tokio::test]
async fn a_permission_that_is_missing_is_named() {
    let faults = r#"
        [[fault]]
        do = "error"
        status = 403
        code = "AccessDenied"
        service = "sqs"
        operation = "DeleteMessageBatch"
        resource = "shop-load"

        [[fault]]
        do = "error"
        status = 403
        code = "AccessDenied"
        service = "s3"
        operation = "PutObject"
        resource = "shop-lake/*"
    "#;
    let stack = Stack::start_with_faults(PIPELINE, faults);
    let (code, findings) = doctor(&stack, &[]);
    assert_eq!(code, Some(1));
    for (subject, permission) in [("shop-load", "sqs:DeleteMessage"), ("shop-lake", "s3:PutObject")]
    {
        let of = |finding: &&Value| finding["area"] == "access" && finding["subject"] == subject;
        let finding = findings.iter().find(of).expect("one");
        assert_eq!(finding["health"], "broken", "{finding:#}");
        assert!(finding["seen"].as_str().expect("a text").contains(permission), "{finding:#}");
    }
    assert_eq!(health(&findings, "access", "shop-ingest"), ["good"]);
}

#[tokio::test]
async fn whom_alerts_and_events_reach_is_found_without_sending_any() {
    let told = "[alerts]\n[events]\n";
    let stack = Stack::start(&format!("{PIPELINE}\n{told}"));
    let (_, findings) = doctor(&stack, &["--no-canary"]);
    assert_eq!(health(&findings, "bus", "default"), ["good"], "{findings:#?}");
    let topic = finding(&findings, "topic", "shop-alerts");
    assert_eq!(topic["health"], "doubtful", "nobody is subscribed: {topic:#}");
    drop(stack);

    let denied = |service: &str, operation: &str| {
        format!(
            "[[fault]]\ndo = \"error\"\nstatus = 403\ncode = \"AccessDenied\"\n\
             service = \"{service}\"\noperation = \"{operation}\"\n"
        )
    };
    let faults = denied("sns", "Publish") + &denied("events", "PutEvents");
    let told = format!("[alerts]\nsubscribe = [\"{}\"]\n[events]\n", crate::telling::OPS);
    let stack = Stack::start_with_faults(&format!("{PIPELINE}\n{told}"), &faults);
    let (code, findings) = doctor(&stack, &["--no-canary"]);
    assert_eq!(code, Some(1));
    for (area, subject, permission) in
        [("topic", "shop-alerts", "sns:Publish"), ("bus", "default", "events:PutEvents")]
    {
        let finding = finding(&findings, area, subject);
        assert_eq!(finding["health"], "broken", "{finding:#}");
        assert!(finding["seen"].as_str().expect("a text").contains(permission), "{finding:#}");
    }
}

fn finding<'a>(findings: &'a [Value], area: &str, subject: &str) -> &'a Value {
    let of = |finding: &&Value| finding["area"] == area && finding["subject"] == subject;
    findings.iter().find(of).unwrap_or_else(|| panic!("no {area} {subject}: {findings:#?}"))
}
