//! What S3 tells others: event notifications to queues, and events on the bus.

use aws_sdk_eventbridge::types::Target;
use aws_sdk_s3::types::{
    Event, EventBridgeConfiguration, FilterRule, FilterRuleName, NotificationConfiguration,
    NotificationConfigurationFilter, QueueConfiguration, S3KeyFilter,
};
use serde_json::{Value, json};

use crate::aws::{Aws, unique};
use crate::queue::Queue;
use crate::refusal::refused;

fn rule(queue: &Queue, events: &str) -> aws_sdk_s3::types::builders::QueueConfigurationBuilder {
    QueueConfiguration::builder().id("rule").queue_arn(&queue.arn).events(Event::from(events))
}

impl Aws {
    async fn notify(&self, bucket: &str, rule: QueueConfiguration) {
        let rules = NotificationConfiguration::builder().queue_configurations(rule).build();
        let request = self.s3.put_bucket_notification_configuration().bucket(bucket);
        request.notification_configuration(rules).send().await.unwrap();
    }

    /// The next event record on a queue, past what S3 sent as a test.
    async fn record(&self, queue: &Queue) -> Value {
        loop {
            let message = self.receive_one(queue).await;
            self.delete(queue, &message).await;
            if let Some(record) = crate::queue::json(&message)["Records"].get(0) {
                return record.clone();
            }
        }
    }
}

/// Setting notifications to a queue sends it a test message with the event
/// `s3:TestEvent` and the bucket. (PutBucketNotificationConfiguration; User
/// Guide, Event notification types and destinations)
#[tokio::test]
async fn a_test_event_comes_first() {
    let aws = Aws::start().await;
    let (bucket, queue) = (aws.bucket().await, aws.queue(&[]).await);
    aws.notify(&bucket, rule(&queue, "s3:ObjectCreated:*").build().unwrap()).await;
    let test = aws.receive_json(&queue).await;
    assert_eq!((&test["Event"], &test["Bucket"]), (&json!("s3:TestEvent"), &json!(bucket)));
    assert_eq!(test["Service"], "Amazon S3");
}

/// A stored object is told as `ObjectCreated:Put` with bucket, size, ETag, the
/// rule's id and event version 2.x. (User Guide, Event message structure)
#[tokio::test]
async fn a_stored_object_is_told() {
    let aws = Aws::start().await;
    let (bucket, queue) = (aws.bucket().await, aws.queue(&[]).await);
    aws.notify(&bucket, rule(&queue, "s3:ObjectCreated:*").build().unwrap()).await;
    aws.put(&bucket, "k", "123456789").await;
    let record = aws.record(&queue).await;
    assert_eq!(record["eventName"], "ObjectCreated:Put");
    assert_eq!(record["eventSource"], "aws:s3");
    assert!(record["eventVersion"].as_str().unwrap().starts_with("2."), "{record}");
    assert_eq!(record["s3"]["configurationId"], "rule");
    assert_eq!(record["s3"]["bucket"]["arn"], format!("arn:aws:s3:::{bucket}"));
    assert_eq!(record["s3"]["object"]["size"], 9);
    assert_eq!(record["s3"]["object"]["eTag"], "25f9e794323b453885f5181f1b624d0b");
}

/// The key in an event record is URL-encoded, with `+` for a space. (User Guide,
/// Event message structure)
#[tokio::test]
async fn a_key_is_encoded_in_a_record() {
    let aws = Aws::start().await;
    let (bucket, queue) = (aws.bucket().await, aws.queue(&[]).await);
    aws.notify(&bucket, rule(&queue, "s3:ObjectCreated:*").build().unwrap()).await;
    aws.put(&bucket, "red flower+\u{e9}.jpg", "x").await;
    let record = aws.record(&queue).await;
    assert_eq!(record["s3"]["object"]["key"], "red+flower%2B%C3%A9.jpg");
}

/// Of two events on a key the later has the greater sequencer, as hexadecimal
/// numbers. (User Guide, Event message structure)
#[tokio::test]
async fn sequencers_tell_the_order() {
    let aws = Aws::start().await;
    let (bucket, queue) = (aws.bucket().await, aws.queue(&[]).await);
    aws.notify(&bucket, rule(&queue, "s3:ObjectCreated:*").build().unwrap()).await;
    let mut sequencers = Vec::new();
    for body in ["1", "2", "3"] {
        aws.put(&bucket, "k", body).await;
        let record = aws.record(&queue).await;
        let sequencer = record["s3"]["object"]["sequencer"].as_str().unwrap().to_owned();
        sequencers.push(u128::from_str_radix(&sequencer, 16).unwrap());
    }
    assert!(sequencers.is_sorted_by(|a, b| a < b), "{sequencers:?}");
}

/// In a bucket that keeps versions a record tells the version. (User Guide,
/// Event message structure)
#[tokio::test]
async fn a_record_tells_the_version() {
    let aws = Aws::start().await;
    let (bucket, queue) = (aws.versioned().await, aws.queue(&[]).await);
    aws.notify(&bucket, rule(&queue, "s3:ObjectCreated:*").build().unwrap()).await;
    let version = aws.put(&bucket, "k", "x").await.version_id.unwrap();
    assert_eq!(aws.record(&queue).await["s3"]["object"]["versionId"], version);
}

/// A rule with a prefix and a suffix is for the keys that have both. (User Guide,
/// Configuring event notifications using object key name filtering)
#[tokio::test]
async fn a_rule_filters_by_prefix_and_suffix() {
    let aws = Aws::start().await;
    let (bucket, queue) = (aws.bucket().await, aws.queue(&[]).await);
    let filter = |name, value| FilterRule::builder().name(name).value(value).build();
    let key = S3KeyFilter::builder()
        .filter_rules(filter(FilterRuleName::Prefix, "in/"))
        .filter_rules(filter(FilterRuleName::Suffix, ".csv"))
        .build();
    let filter = NotificationConfigurationFilter::builder().key(key).build();
    let rule = rule(&queue, "s3:ObjectCreated:*").filter(filter).build().unwrap();
    aws.notify(&bucket, rule).await;
    for key in ["in/a.txt", "out/a.csv", "in/a.csv"] {
        aws.put(&bucket, key, "x").await;
    }
    // The guide does not say whether a slash is encoded.
    let key = aws.record(&queue).await["s3"]["object"]["key"].as_str().unwrap().to_owned();
    assert_eq!(key.replace("%2F", "/"), "in/a.csv");
}

/// A delete is told as `ObjectRemoved:Delete`; in a bucket that keeps versions
/// as `ObjectRemoved:DeleteMarkerCreated`. (User Guide, Supported event types)
#[tokio::test]
async fn a_delete_marker_is_told_apart_from_a_delete() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    for (bucket, name) in [
        (aws.bucket().await, "ObjectRemoved:Delete"),
        (aws.versioned().await, "ObjectRemoved:DeleteMarkerCreated"),
    ] {
        aws.put(&bucket, "k", "x").await;
        aws.notify(&bucket, rule(&queue, "s3:ObjectRemoved:*").build().unwrap()).await;
        aws.delete_object(&bucket, "k").await;
        assert_eq!(aws.record(&queue).await["eventName"], name);
    }
}

/// A copy is told as `ObjectCreated:Copy`. (User Guide, Supported event types)
#[tokio::test]
async fn a_copy_is_told_as_a_copy() {
    let aws = Aws::start().await;
    let (bucket, queue) = (aws.bucket().await, aws.queue(&[]).await);
    aws.put(&bucket, "k", "x").await;
    aws.notify(&bucket, rule(&queue, "s3:ObjectCreated:*").build().unwrap()).await;
    let request = aws.s3.copy_object().bucket(&bucket).key("copy");
    request.copy_source(format!("{bucket}/k")).send().await.unwrap();
    assert_eq!(aws.record(&queue).await["eventName"], "ObjectCreated:Copy");
}

/// Notifications to a queue that is not there are refused as `InvalidArgument`.
/// (PutBucketNotificationConfiguration)
#[tokio::test]
async fn a_missing_queue_cannot_be_notified() {
    let aws = Aws::start().await;
    let (bucket, queue) = (aws.bucket().await, aws.queue(&[]).await);
    let nowhere = Queue { arn: format!("{}-not-there", queue.arn), ..queue };
    let rule = rule(&nowhere, "s3:ObjectCreated:*").build().unwrap();
    let rules = NotificationConfiguration::builder().queue_configurations(rule).build();
    let request = aws.s3.put_bucket_notification_configuration().bucket(&bucket);
    let answer = request.notification_configuration(rules).send().await;
    assert_eq!(refused(answer), "InvalidArgument");
}

/// With EventBridge turned on a stored object is an `Object Created` event of
/// `aws.s3` on the default bus, with the reason and the key as it is, not
/// encoded. (User Guide, EventBridge event message structure)
#[tokio::test]
async fn a_stored_object_is_an_event_on_the_bus() {
    let aws = Aws::start().await;
    let (bucket, queue) = (aws.bucket().await, aws.queue(&[]).await);
    let name = unique("objects");
    let pattern = json!({"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}});
    let request = aws.events.put_rule().name(&name).event_pattern(pattern.to_string());
    request.send().await.unwrap();
    let target = Target::builder().id("queue").arn(&queue.arn).build().unwrap();
    aws.events.put_targets().rule(&name).targets(target).send().await.unwrap();
    let on = EventBridgeConfiguration::builder().build();
    let rules = NotificationConfiguration::builder().event_bridge_configuration(on).build();
    let request = aws.s3.put_bucket_notification_configuration().bucket(&bucket);
    request.notification_configuration(rules).send().await.unwrap();
    aws.put(&bucket, "in/red flower+\u{e9}.jpg", "123456789").await;
    let event = aws.receive_json(&queue).await;
    assert_eq!((&event["detail-type"], &event["version"]), (&json!("Object Created"), &json!("0")));
    assert_eq!(event["resources"], json!([format!("arn:aws:s3:::{bucket}")]));
    assert_eq!(event["detail"]["reason"], "PutObject");
    assert_eq!(event["detail"]["object"]["key"], "in/red flower+\u{e9}.jpg");
    assert_eq!(event["detail"]["object"]["etag"], "25f9e794323b453885f5181f1b624d0b");
}
