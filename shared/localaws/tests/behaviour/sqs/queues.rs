//! Queues: created, described, listed, purged, tagged.

use aws_sdk_sqs::types::QueueAttributeName;

use crate::aws::{Aws, unique};
use crate::eventually::eventually;
use crate::refusal::refused;

/// Creating a queue that is there, with the attributes it has, answers with its
/// URL. (CreateQueue)
#[tokio::test]
async fn creating_a_queue_twice_is_one_queue() {
    let aws = Aws::start().await;
    let name = unique("orders");
    let create = || {
        let request = aws.sqs.create_queue().queue_name(&name);
        request.attributes(QueueAttributeName::VisibilityTimeout, "60").send()
    };
    let (first, second) = (create().await.unwrap(), create().await.unwrap());
    assert_eq!(first.queue_url, second.queue_url);
}

/// Creating a queue that is there with another value of an attribute is
/// `QueueNameExists`. (CreateQueue)
#[tokio::test]
async fn a_queue_is_not_created_over_another() {
    let aws = Aws::start().await;
    let name = unique("orders");
    let create = |seconds: &str| {
        let request = aws.sqs.create_queue().queue_name(&name);
        request.attributes(QueueAttributeName::VisibilityTimeout, seconds).send()
    };
    create("60").await.unwrap();
    assert_eq!(refused(create("61").await), "QueueNameExists");
}

/// An attribute out of its range is `InvalidAttributeValue`. (CreateQueue)
#[tokio::test]
async fn an_attribute_has_a_range() {
    let aws = Aws::start().await;
    let request = aws.sqs.create_queue().queue_name(unique("orders"));
    let request = request.attributes(QueueAttributeName::VisibilityTimeout, "43201");
    assert_eq!(refused(request.send().await), "InvalidAttributeValue");
}

/// An attribute that there is none of is `InvalidAttributeName`.
/// (SetQueueAttributes)
#[tokio::test]
async fn an_unknown_attribute_is_refused() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    let request = aws.sqs.set_queue_attributes().queue_url(&queue.url);
    let request = request.attributes(QueueAttributeName::from("Colour"), "red");
    assert_eq!(refused(request.send().await), "InvalidAttributeName");
}

/// A queue that is not there is `QueueDoesNotExist`. (GetQueueUrl)
#[tokio::test]
async fn a_missing_queue_is_said_to_be_missing() {
    let aws = Aws::start().await;
    let request = aws.sqs.get_queue_url().queue_name(unique("nowhere"));
    assert_eq!(refused(request.send().await), "QueueDoesNotExist");
}

/// A queue's defaults: visibility 30 s, retention 4 days, no delay, no waiting,
/// messages of up to 1 MiB. (CreateQueue, Attributes)
#[tokio::test]
async fn a_queue_has_the_documented_defaults() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    for (name, value) in [
        ("VisibilityTimeout", "30"),
        ("MessageRetentionPeriod", "345600"),
        ("DelaySeconds", "0"),
        ("ReceiveMessageWaitTimeSeconds", "0"),
        ("MaximumMessageSize", "1048576"),
    ] {
        assert_eq!(aws.attribute(&queue.url, name).await.as_deref(), Some(value), "{name}");
    }
}

/// The counts of a queue tell visible, hidden and delayed messages apart.
/// (GetQueueAttributes)
#[tokio::test]
async fn messages_are_counted_by_state() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    for body in ["1", "2", "3"] {
        aws.send(&queue, body).await;
    }
    let request = aws.sqs.send_message().queue_url(&queue.url).message_body("4");
    request.delay_seconds(900).send().await.unwrap();
    aws.receive_one(&queue).await;
    for (name, count) in [
        ("ApproximateNumberOfMessages", "2"),
        ("ApproximateNumberOfMessagesNotVisible", "1"),
        ("ApproximateNumberOfMessagesDelayed", "1"),
    ] {
        let (aws, url) = (&aws, &queue.url);
        eventually(
            || async move { aws.attribute(url, name).await.filter(|is| is == count).map(drop) },
        )
        .await;
    }
}

/// Purging deletes all messages of a queue, also those in flight. (PurgeQueue)
#[tokio::test]
async fn a_purge_leaves_nothing() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[("VisibilityTimeout", "1")]).await;
    aws.send(&queue, "1").await;
    aws.receive_one(&queue).await;
    aws.send(&queue, "2").await;
    aws.sqs.purge_queue().queue_url(&queue.url).send().await.unwrap();
    aws.pass(std::time::Duration::from_millis(1500)).await;
    assert!(aws.receive(&queue).await.is_empty());
}

/// A second purge within 60 seconds is `PurgeQueueInProgress`. (PurgeQueue)
#[tokio::test]
async fn a_queue_is_purged_once_a_minute() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    aws.sqs.purge_queue().queue_url(&queue.url).send().await.unwrap();
    let again = aws.sqs.purge_queue().queue_url(&queue.url).send().await;
    assert_eq!(refused(again), "PurgeQueueInProgress");
}

/// A tag with a key that is there already overwrites it; tags can be taken
/// away. (TagQueue, UntagQueue, ListQueueTags)
#[tokio::test]
async fn tags_are_added_overwritten_and_removed() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    for (key, value) in [("team", "a"), ("stage", "test"), ("team", "b")] {
        let request = aws.sqs.tag_queue().queue_url(&queue.url).tags(key, value);
        request.send().await.unwrap();
    }
    let request = aws.sqs.untag_queue().queue_url(&queue.url).tag_keys("stage");
    request.send().await.unwrap();
    let tags = aws.sqs.list_queue_tags().queue_url(&queue.url).send().await.unwrap().tags.unwrap();
    assert_eq!(tags.into_iter().collect::<Vec<_>>(), [("team".to_owned(), "b".to_owned())]);
}

/// Queues are listed by the beginning of their names, in pages of `MaxResults`
/// as long as there is a `NextToken`. (ListQueues)
#[tokio::test]
async fn queues_are_listed_in_pages() {
    let aws = Aws::start().await;
    let prefix = unique("page");
    for number in 0..3 {
        let name = format!("{prefix}-{number}");
        aws.sqs.create_queue().queue_name(name).send().await.unwrap();
    }
    let list = |token: Option<String>| {
        let request = aws.sqs.list_queues().queue_name_prefix(&prefix).max_results(2);
        request.set_next_token(token).send()
    };
    let first = list(None).await.unwrap();
    assert_eq!(first.queue_urls().len(), 2);
    let second = list(first.next_token).await.unwrap();
    assert_eq!((second.queue_urls().len(), second.next_token), (1, None));
}

/// A deleted queue does not exist. (DeleteQueue)
#[tokio::test]
async fn a_deleted_queue_is_gone() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    aws.sqs.delete_queue().queue_url(&queue.url).send().await.unwrap();
    let (aws, url) = (&aws, &queue.url);
    eventually(|| async move {
        let answer = aws.sqs.send_message().queue_url(url).message_body("x").send().await;
        answer.is_err().then(|| assert_eq!(refused(answer), "QueueDoesNotExist"))
    })
    .await;
}
