//! Dead-letter queues and the way back from them.

use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;

use crate::aws::{Aws, unique};
use crate::eventually::eventually;
use crate::queue::{Queue, system};
use crate::refusal::refused;

fn policy(dead: &Queue, most: u32) -> String {
    format!(r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":"{most}"}}"#, dead.arn)
}

impl Aws {
    /// A queue and its dead-letter queue, to which one message has gone.
    async fn dead_letter(&self) -> (Queue, Queue) {
        let dead = self.queue(&[]).await;
        let source = self.queue(&[("RedrivePolicy", &policy(&dead, 1))]).await;
        self.send(&source, "x").await;
        let message = self.receive_one(&source).await;
        self.hold(&source, &message, 0).await;
        assert!(self.receive(&source).await.is_empty());
        (source, dead)
    }
}

/// A message that was received more than `maxReceiveCount` times goes to the
/// dead-letter queue. (CreateQueue, RedrivePolicy)
#[tokio::test]
async fn a_message_goes_to_the_dead_letter_queue() {
    let aws = Aws::start().await;
    let dead = aws.queue(&[]).await;
    let source = aws.queue(&[("RedrivePolicy", &policy(&dead, 2))]).await;
    aws.send(&source, "x").await;
    for _ in 0..2 {
        let message = aws.receive_one(&source).await;
        aws.hold(&source, &message, 0).await;
    }
    assert!(aws.receive(&source).await.is_empty());
    assert_eq!(aws.receive_one(&dead).await.body(), Some("x"));
}

/// A message in a dead-letter queue tells where it came from as
/// `DeadLetterQueueSourceArn`. (ReceiveMessage, MessageSystemAttributeName)
#[tokio::test]
async fn a_dead_letter_tells_its_source() {
    let aws = Aws::start().await;
    let (source, dead) = aws.dead_letter().await;
    let message = aws.receive_one(&dead).await;
    assert_eq!(system(&message, "DeadLetterQueueSourceArn").as_deref(), Some(&*source.arn));
}

/// For standard queues a message keeps the time it was first sent at when it
/// goes to the dead-letter queue. (SQS Developer Guide, Dead-letter queues)
#[tokio::test]
async fn a_dead_letter_keeps_its_time() {
    let aws = Aws::start().await;
    let dead = aws.queue(&[]).await;
    let source = aws.queue(&[("RedrivePolicy", &policy(&dead, 1))]).await;
    aws.send(&source, "x").await;
    let message = aws.receive_one(&source).await;
    aws.pass(Duration::from_secs(1)).await;
    aws.hold(&source, &message, 0).await;
    assert!(aws.receive(&source).await.is_empty());
    let letter = aws.receive_one(&dead).await;
    assert_eq!(system(&letter, "SentTimestamp"), system(&message, "SentTimestamp"));
}

/// The queues that name a queue as their dead-letter queue are listed by it.
/// (ListDeadLetterSourceQueues)
#[tokio::test]
async fn a_dead_letter_queue_lists_its_sources() {
    let aws = Aws::start().await;
    let dead = aws.queue(&[]).await;
    let source = aws.queue(&[("RedrivePolicy", &policy(&dead, 3))]).await;
    let request = aws.sqs.list_dead_letter_source_queues().queue_url(&dead.url);
    assert_eq!(request.send().await.unwrap().queue_urls, [source.url]);
}

/// A queue whose `RedriveAllowPolicy` is `denyAll` can't be named as a
/// dead-letter queue. (CreateQueue, RedriveAllowPolicy)
#[tokio::test]
async fn a_queue_can_refuse_dead_letters() {
    let aws = Aws::start().await;
    let dead = aws.queue(&[("RedriveAllowPolicy", r#"{"redrivePermission":"denyAll"}"#)]).await;
    let request = aws.sqs.create_queue().queue_name(unique("source"));
    let request = request.attributes(QueueAttributeName::RedrivePolicy, policy(&dead, 1));
    assert_eq!(refused(request.send().await), "InvalidParameterValue");
}

/// With `byQueue` only the queues in `sourceQueueArns` can name a queue as
/// their dead-letter queue. (CreateQueue, RedriveAllowPolicy)
#[tokio::test]
async fn a_queue_can_choose_its_sources() {
    let aws = Aws::start().await;
    let (allowed, other) = (aws.queue(&[]).await, aws.queue(&[]).await);
    let allow =
        format!(r#"{{"redrivePermission":"byQueue","sourceQueueArns":["{}"]}}"#, allowed.arn);
    let dead = aws.queue(&[("RedriveAllowPolicy", &allow)]).await;
    let name = |source: &Queue| {
        let request = aws.sqs.set_queue_attributes().queue_url(&source.url);
        request.attributes(QueueAttributeName::RedrivePolicy, policy(&dead, 1)).send()
    };
    name(&allowed).await.unwrap();
    assert_eq!(refused(name(&other).await), "InvalidParameterValue");
}

/// The dead-letter queue of a standard queue must be a standard queue.
/// (CreateQueue, RedrivePolicy)
#[tokio::test]
async fn a_dead_letter_queue_is_of_the_same_kind() {
    let aws = Aws::start().await;
    let dead = aws.queue(&[("FifoQueue", "true")]).await;
    let request = aws.sqs.create_queue().queue_name(unique("source"));
    let request = request.attributes(QueueAttributeName::RedrivePolicy, policy(&dead, 1));
    assert_eq!(refused(request.send().await), "InvalidParameterValue");
}

/// A move task without a destination moves dead letters back to the queues they
/// came from. (StartMessageMoveTask)
#[tokio::test]
async fn dead_letters_go_back() {
    let aws = Aws::start().await;
    let (source, dead) = aws.dead_letter().await;
    aws.sqs.start_message_move_task().source_arn(&dead.arn).send().await.unwrap();
    assert_eq!(aws.receive_one(&source).await.body(), Some("x"));
}

/// A finished move task is listed as `COMPLETED` with how many messages it
/// moved. (ListMessageMoveTasks)
#[tokio::test]
async fn a_move_task_is_listed_when_it_is_done() {
    let aws = Aws::start().await;
    let (_, dead) = aws.dead_letter().await;
    let elsewhere = aws.queue(&[]).await;
    let request = aws.sqs.start_message_move_task().source_arn(&dead.arn);
    request.destination_arn(&elsewhere.arn).send().await.unwrap();
    let (aws, dead) = (&aws, &dead);
    let task = eventually(|| async move {
        let tasks = aws.sqs.list_message_move_tasks().source_arn(&dead.arn).send().await;
        let task = tasks.unwrap().results.unwrap_or_default().pop()?;
        (task.status() == Some("COMPLETED")).then_some(task)
    })
    .await;
    assert_eq!(task.approximate_number_of_messages_moved, 1);
    assert_eq!(task.destination_arn.unwrap(), elsewhere.arn);
}

/// Only a queue that is another's dead-letter queue can be the source of a move
/// task. (StartMessageMoveTask, SourceArn)
#[tokio::test]
async fn a_move_task_needs_a_dead_letter_queue() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    let answer = aws.sqs.start_message_move_task().source_arn(&queue.arn).send().await;
    assert_eq!(refused(answer), "InvalidParameterValue");
}
