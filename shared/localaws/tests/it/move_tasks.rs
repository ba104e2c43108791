//! Moving dead letters back to work.

use aws_sdk_sqs::types::ListMessageMoveTasksResultEntry as Task;

use crate::client::{Endpoint, Refusal, bodies, eventually, system};

const ARN: &str = "arn:aws:sqs:us-east-1:000000000000:";

/// A queue that gives up after one receive, and its dead-letter queue with
/// `count` messages in it.
async fn with_dead_letters(endpoint: &Endpoint, count: usize) -> (String, String) {
    let dead = endpoint.queue("dead", &[]).await;
    let policy = format!(r#"{{"deadLetterTargetArn":"{ARN}dead","maxReceiveCount":1}}"#);
    let attributes = [("RedrivePolicy", policy.as_str()), ("VisibilityTimeout", "0")];
    let url = endpoint.queue("orders", &attributes).await;
    for number in 0..count {
        endpoint.send(&url, &number.to_string()).await;
    }
    for _ in 0..=count.div_ceil(10) {
        endpoint.receive(&url).await;
    }
    (url, dead)
}

async fn task(endpoint: &Endpoint) -> Task {
    let list = endpoint.sqs.list_message_move_tasks().source_arn(format!("{ARN}dead"));
    list.send().await.unwrap().results.unwrap_or_default().remove(0)
}

async fn ended(endpoint: &Endpoint) -> Task {
    eventually(|| async {
        let task = task(endpoint).await;
        (task.status() != Some("RUNNING") && task.status() != Some("CANCELLING")).then_some(task)
    })
    .await
}

#[tokio::test]
async fn dead_letters_go_back_to_where_they_came_from() {
    let endpoint = Endpoint::start().await;
    let (url, dead) = with_dead_letters(&endpoint, 3).await;
    let start = endpoint.sqs.start_message_move_task().source_arn(format!("{ARN}dead"));
    assert!(start.send().await.unwrap().task_handle.is_some());
    let task = ended(&endpoint).await;
    assert_eq!(task.status(), Some("COMPLETED"));
    assert_eq!(task.approximate_number_of_messages_moved(), 3);
    assert!(endpoint.receive(&dead).await.is_empty());
    let back = endpoint.receive(&url).await;
    assert_eq!(bodies(&back), ["0", "1", "2"]);
    assert_eq!(system(&back[0], "ApproximateReceiveCount").as_deref(), Some("1"));
    assert_eq!(system(&back[0], "DeadLetterQueueSourceArn"), None);
}

#[tokio::test]
async fn a_slow_task_can_be_cancelled() {
    let endpoint = Endpoint::start().await;
    let (_, dead) = with_dead_letters(&endpoint, 20).await;
    let other = endpoint.queue("other", &[]).await;
    let start = || {
        let start = endpoint.sqs.start_message_move_task().source_arn(format!("{ARN}dead"));
        start.destination_arn(format!("{ARN}other")).max_number_of_messages_per_second(1)
    };
    let handle = start().send().await.unwrap().task_handle.unwrap();
    let second = start().send().await.unwrap_err();
    assert_eq!(Refusal::of(second).code, "AWS.SimpleQueueService.UnsupportedOperation");
    let cancel = || endpoint.sqs.cancel_message_move_task().task_handle(&handle);
    cancel().send().await.unwrap();
    assert_eq!(ended(&endpoint).await.status(), Some("CANCELLED"));
    assert!(cancel().send().await.is_err(), "it has ended");
    let moved = endpoint.receive(&other).await.len();
    let left = endpoint.attribute(&dead, "ApproximateNumberOfMessages").await.unwrap();
    assert_eq!(moved + left.parse::<usize>().unwrap(), 20);
}

#[tokio::test]
async fn only_dead_letter_queues_are_sources() {
    let endpoint = Endpoint::start().await;
    endpoint.queue("orders", &[]).await;
    let start = |arn: String| endpoint.sqs.start_message_move_task().source_arn(arn).send();
    let refused = start(format!("{ARN}orders")).await.unwrap_err();
    assert_eq!(Refusal::of(refused).code, "InvalidParameterValue");
    let error = start(format!("{ARN}none")).await.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_exception(), "{error:?}");
}
