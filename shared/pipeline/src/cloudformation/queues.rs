//! A stage's queue and dead-letter queue with their policies, and the topic.

use serde_json::{Map, Value, json};

use super::{Stage, TOPIC, arn, reference, sub};
use crate::plan::Plan;

/// How long SQS goes by one data key.
const DATA_KEY_SECONDS: u32 = 3600;

/// The queues of a stage.
pub(super) fn of(stage: &Stage<'_>) -> Map<String, Value> {
    let queue = stage.queue;
    let dead_letters = stage.id("DeadLetterQueue");
    let resources = [
        (
            stage.id("Queue"),
            queue_of(&json!({
                "QueueName": queue.name,
                "VisibilityTimeout": queue.visibility_seconds,
                "MessageRetentionPeriod": queue.retention_seconds,
                "ReceiveMessageWaitTimeSeconds": 20,
                "RedrivePolicy": {
                    "deadLetterTargetArn": { "Fn::GetAtt": [dead_letters, "Arn"] },
                    "maxReceiveCount": queue.max_receive_count,
                },
            })),
        ),
        (
            dead_letters.clone(),
            queue_of(&json!({
                "QueueName": queue.dead_letter_queue,
                "MessageRetentionPeriod": queue.dead_letter_retention_seconds,
                "RedriveAllowPolicy": {
                    "redrivePermission": "byQueue",
                    "sourceQueueArns": [arn("sqs", &queue.name)],
                },
            })),
        ),
        (stage.id("QueuePolicy"), policy(&stage.id("Queue"), &announcing(stage))),
        (stage.id("DeadLetterQueuePolicy"), policy(&dead_letters, &[])),
    ];
    resources.into_iter().collect()
}

/// The topic of alerts.
pub(super) fn topic(plan: &Plan) -> Map<String, Value> {
    let subscriptions = plan.alerts.iter().flat_map(|alerts| &alerts.subscriptions);
    let subscriptions = subscriptions
        .map(|one| json!({ "Protocol": one.protocol, "Endpoint": one.endpoint }))
        .collect::<Vec<_>>();
    let topic = json!({
        "Type": "AWS::SNS::Topic",
        "Properties": {
            "TopicName": plan.own_topic(),
            "KmsMasterKeyId": reference("KeyArn"),
            "Subscription": subscriptions,
        },
    });
    let policy = json!({
        "Type": "AWS::SNS::TopicPolicy",
        "Properties": {
            "Topics": [reference(TOPIC)],
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [tls_only("sns:Publish", &reference(TOPIC))],
            },
        },
    });
    [(TOPIC.to_owned(), topic), (format!("{TOPIC}Policy"), policy)].into_iter().collect()
}

/// A queue that is encrypted with the pipeline's key, and that outlives the stack:
/// what is in it is in no other place.
fn queue_of(own: &Value) -> Value {
    let mut properties = own.clone();
    properties["KmsMasterKeyId"] = reference("KeyArn");
    properties["KmsDataKeyReusePeriodSeconds"] = DATA_KEY_SECONDS.into();
    json!({
        "Type": "AWS::SQS::Queue",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": properties,
    })
}

fn policy(queue: &str, allowing: &[Value]) -> Value {
    let arn = json!({ "Fn::GetAtt": [queue, "Arn"] });
    let statements: Vec<Value> =
        [tls_only("sqs:*", &arn)].into_iter().chain(allowing.iter().cloned()).collect();
    json!({
        "Type": "AWS::SQS::QueuePolicy",
        "Properties": {
            "Queues": [reference(queue)],
            "PolicyDocument": { "Version": "2012-10-17", "Statement": statements },
        },
    })
}

fn tls_only(action: &str, resource: &Value) -> Value {
    json!({
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": { "AWS": "*" },
        "Action": [action],
        "Resource": resource,
        "Condition": { "Bool": { "aws:SecureTransport": "false" } },
    })
}

/// S3 may send for the buckets that announce to the queue, and nobody else.
fn announcing(stage: &Stage<'_>) -> Vec<Value> {
    let notifications = stage.plan.notifications.iter();
    let buckets: Vec<Value> = notifications
        .filter(|notification| notification.queue == stage.queue.name)
        .map(|notification| sub(format!("arn:${{AWS::Partition}}:s3:::{}", notification.bucket)))
        .collect();
    if buckets.is_empty() {
        return Vec::new();
    }
    vec![json!({
        "Sid": "AnnounceS3",
        "Effect": "Allow",
        "Principal": { "Service": "s3.amazonaws.com" },
        "Action": ["sqs:SendMessage"],
        "Resource": { "Fn::GetAtt": [stage.id("Queue"), "Arn"] },
        "Condition": {
            "StringEquals": { "aws:SourceAccount": reference("AWS::AccountId") },
            "ArnEquals": { "aws:SourceArn": buckets },
        },
    })]
}
