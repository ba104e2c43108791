//! Creates what a pipeline plans, through the same APIs as anybody would:
//! queues with dead-letter queues, buckets, notifications, schedules. Again is
//! fine.

use std::time::Duration;

use anyhow::Context;
use aws_config::SdkConfig;
use millrace_notify::{EventBridge, Sns};
use millrace_pipeline::{Plan, PlannedAlerts, PlannedQueue, Subscription};
use millrace_queue::{QueueSpec, Sqs};
use millrace_storage::{BucketAdmin, Notification, S3Storage};
use millrace_timetable::{ScheduleSpec, Timetable};
use serde_json::json;

/// Creates or updates everything in `plan`.
///
/// # Errors
/// The first thing that can't be created.
pub(crate) async fn provision(plan: &Plan, aws: &SdkConfig) -> anyhow::Result<()> {
    provision_telling(plan, aws).await?;
    let sqs = Sqs::new(aws);
    let buckets = BucketAdmin::new(S3Storage::new(aws));
    for bucket in &plan.buckets {
        buckets.ensure_bucket(&bucket.name).await?;
    }
    for queue in &plan.queues {
        let (source, dead_letters) = specs(queue);
        sqs.ensure_queue(&dead_letters).await?;
        sqs.ensure_queue(&source).await?;
    }
    for bucket in &plan.buckets {
        let mut notifications = Vec::new();
        for planned in plan.notifications.iter().filter(|planned| planned.bucket == bucket.name) {
            let queue_arn = sqs.queue_arn(&planned.queue).await?;
            sqs.set_policy(&planned.queue, &let_s3_send(&queue_arn, &bucket.name)).await?;
            notifications.push(Notification {
                id: format!("millrace-{}", notifications.len() + 1),
                queue_arn,
                prefix: planned.prefix.clone(),
            });
        }
        buckets
            .set_notifications(&bucket.name, &notifications)
            .await
            .with_context(|| format!("notifications of bucket `{}`", bucket.name))?;
    }
    provision_schedules(plan, aws, &sqs).await
}

/// The role that schedules send as, which nobody here asks for.
const ROLE: &str = "arn:aws:iam::000000000000:role/millrace-schedules";

/// The group of schedules that has the pipeline's name.
async fn provision_schedules(plan: &Plan, aws: &SdkConfig, sqs: &Sqs) -> anyhow::Result<()> {
    let mut specs = Vec::with_capacity(plan.schedules.len());
    for planned in &plan.schedules {
        specs.push(ScheduleSpec {
            name: planned.name.clone(),
            expression: planned.expression.clone(),
            timezone: planned.timezone.clone(),
            queue_arn: sqs.queue_arn(&planned.queue).await?,
            role_arn: ROLE.to_owned(),
            input: planned.input.clone(),
        });
    }
    Timetable::new(aws, &plan.pipeline).ensure(&specs).await?;
    Ok(())
}

/// The topic of alerts with its subscribers, and the bus of events, where they are
/// not there already under an ARN.
async fn provision_telling(plan: &Plan, aws: &SdkConfig) -> anyhow::Result<()> {
    if let Some(PlannedAlerts { topic, subscriptions }) = &plan.alerts
        && !topic.starts_with("arn:")
    {
        let sns = Sns::new(aws);
        let arn = sns.ensure_topic(topic).await?;
        for Subscription { protocol, endpoint } in subscriptions {
            let subscribed = sns.subscribe(&arn, protocol, endpoint).await;
            subscribed.with_context(|| format!("alerts to {protocol} `{endpoint}`"))?;
        }
    }
    if let Some(events) = &plan.events {
        EventBridge::new(aws, &events.bus).ensure_bus().await?;
    }
    Ok(())
}

fn specs(queue: &PlannedQueue) -> (QueueSpec, QueueSpec) {
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    let mut source = QueueSpec::new(&queue.name)
        .visibility(seconds(queue.visibility_seconds))
        .redrive(&queue.dead_letter_queue, queue.max_receive_count);
    source.retention = seconds(queue.retention_seconds);
    let mut dead_letters = QueueSpec::new(&queue.dead_letter_queue);
    dead_letters.retention = seconds(queue.dead_letter_retention_seconds);
    (source, dead_letters)
}

/// A queue policy that lets this bucket, and nobody else, send.
fn let_s3_send(queue_arn: &str, bucket: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": format!("s3-{bucket}"),
            "Effect": "Allow",
            "Principal": { "Service": "s3.amazonaws.com" },
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
            "Condition": { "ArnEquals": { "aws:SourceArn": format!("arn:aws:s3:::{bucket}") } },
        }],
    })
    .to_string()
}
