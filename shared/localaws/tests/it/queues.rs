//! Queues as wholes: creating, finding, describing, deleting.

use aws_sdk_sqs::operation::create_queue::CreateQueueError;
use aws_sdk_sqs::operation::get_queue_url::GetQueueUrlError;
use aws_sdk_sqs::operation::purge_queue::PurgeQueueError;

use crate::client::{Endpoint, Refusal, a_moment};

#[tokio::test]
async fn a_queue_is_found_by_its_name() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[]).await;
    assert_eq!(url, format!("{}/000000000000/orders", endpoint.server.url()));
    let found = endpoint.sqs.get_queue_url().queue_name("orders").send().await.unwrap();
    assert_eq!(found.queue_url(), Some(url.as_str()));
    let error = endpoint.sqs.get_queue_url().queue_name("none").send().await.unwrap_err();
    let error = error.into_service_error();
    assert!(matches!(error, GetQueueUrlError::QueueDoesNotExist(_)), "{error:?}");
}

#[tokio::test]
async fn creating_again_is_fine_only_with_the_same_attributes() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[("VisibilityTimeout", "60")]).await;
    assert_eq!(endpoint.queue("orders", &[]).await, url);
    assert_eq!(endpoint.queue("orders", &[("VisibilityTimeout", "60")]).await, url);
    let other = endpoint.sqs.create_queue().queue_name("orders");
    let error = other.attributes("VisibilityTimeout".into(), "61").send().await.unwrap_err();
    let error = error.into_service_error();
    assert!(matches!(error, CreateQueueError::QueueNameExists(_)), "{error:?}");
}

#[tokio::test]
async fn a_wrong_name_or_attribute_is_refused() {
    let endpoint = Endpoint::start().await;
    let long = "x".repeat(81);
    for name in ["a b", "a/b", long.as_str()] {
        let refused = endpoint.sqs.create_queue().queue_name(name).send().await.unwrap_err();
        assert_eq!(Refusal::of(refused).code, "InvalidParameterValue", "{name}");
    }
    let create = || endpoint.sqs.create_queue().queue_name("orders");
    let wrong_value = create().attributes("DelaySeconds".into(), "901").send().await.unwrap_err();
    let wrong_value = wrong_value.into_service_error();
    assert!(matches!(wrong_value, CreateQueueError::InvalidAttributeValue(_)), "{wrong_value:?}");
    let wrong_name = create().attributes("Colour".into(), "red").send().await.unwrap_err();
    let wrong_name = wrong_name.into_service_error();
    assert!(matches!(wrong_name, CreateQueueError::InvalidAttributeName(_)), "{wrong_name:?}");
}

#[tokio::test]
async fn queues_are_listed_by_prefix_and_page() {
    let endpoint = Endpoint::start().await;
    for name in ["a-1", "a-2", "a-3", "b-1"] {
        endpoint.queue(name, &[]).await;
    }
    let list = || endpoint.sqs.list_queues().queue_name_prefix("a-").max_results(2);
    let first = list().send().await.unwrap();
    assert_eq!(names(first.queue_urls()), ["a-1", "a-2"]);
    let second = list().set_next_token(first.next_token).send().await.unwrap();
    assert_eq!(names(second.queue_urls()), ["a-3"]);
    assert_eq!(second.next_token, None);
    let all = endpoint.sqs.list_queues().send().await.unwrap();
    assert_eq!(names(all.queue_urls()).len(), 4);
}

fn names(urls: &[String]) -> Vec<&str> {
    urls.iter().filter_map(|url| url.rsplit('/').next()).collect()
}

#[tokio::test]
async fn attributes_have_the_defaults_of_aws_and_can_be_set() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[]).await;
    for (name, value) in [
        ("DelaySeconds", "0"),
        ("MaximumMessageSize", "1048576"),
        ("MessageRetentionPeriod", "345600"),
        ("QueueArn", "arn:aws:sqs:us-east-1:000000000000:orders"),
        ("ReceiveMessageWaitTimeSeconds", "0"),
        ("SqsManagedSseEnabled", "true"),
        ("VisibilityTimeout", "30"),
    ] {
        assert_eq!(endpoint.attribute(&url, name).await.as_deref(), Some(value), "{name}");
    }
    assert_eq!(endpoint.attribute(&url, "Policy").await, None);
    let set = endpoint.sqs.set_queue_attributes().queue_url(&url);
    let set = set.attributes("VisibilityTimeout".into(), "7").attributes("Policy".into(), "{}");
    set.send().await.unwrap();
    assert_eq!(endpoint.attribute(&url, "VisibilityTimeout").await.as_deref(), Some("7"));
    assert_eq!(endpoint.attribute(&url, "Policy").await.as_deref(), Some("{}"));
}

#[tokio::test]
async fn counts_tell_where_the_messages_are() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[]).await;
    endpoint.send(&url, "received").await;
    assert_eq!(endpoint.receive(&url).await.len(), 1);
    endpoint.send(&url, "ready").await;
    let delayed = endpoint.sqs.send_message().queue_url(&url).message_body("delayed");
    delayed.delay_seconds(900).send().await.unwrap();
    for (name, count) in [
        ("ApproximateNumberOfMessages", "1"),
        ("ApproximateNumberOfMessagesDelayed", "1"),
        ("ApproximateNumberOfMessagesNotVisible", "1"),
    ] {
        assert_eq!(endpoint.attribute(&url, name).await.as_deref(), Some(count), "{name}");
    }
}

#[tokio::test]
async fn a_deleted_queue_is_gone_with_its_messages() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[]).await;
    endpoint.send(&url, "lost").await;
    endpoint.sqs.delete_queue().queue_url(&url).send().await.unwrap();
    let refused = endpoint.sqs.receive_message().queue_url(&url).send().await.unwrap_err();
    assert_eq!(Refusal::of(refused).code, "AWS.SimpleQueueService.NonExistentQueue");
    let url = endpoint.queue("orders", &[]).await;
    assert!(endpoint.receive(&url).await.is_empty());
}

#[tokio::test]
async fn a_waiting_receive_learns_that_its_queue_is_deleted() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[]).await;
    let receive = endpoint.sqs.receive_message().queue_url(&url).wait_time_seconds(20);
    let (received, _) = tokio::join!(receive.send(), async {
        a_moment().await;
        endpoint.sqs.delete_queue().queue_url(&url).send().await.unwrap()
    });
    let refusal = Refusal::of(received.unwrap_err());
    assert_eq!(refusal.code, "AWS.SimpleQueueService.NonExistentQueue");
}

#[tokio::test]
async fn a_purge_empties_the_queue_once_a_minute() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[]).await;
    endpoint.send(&url, "a").await;
    endpoint.sqs.purge_queue().queue_url(&url).send().await.unwrap();
    assert!(endpoint.receive(&url).await.is_empty());
    endpoint.send(&url, "b").await;
    assert_eq!(endpoint.receive(&url).await.len(), 1);
    let error = endpoint.sqs.purge_queue().queue_url(&url).send().await.unwrap_err();
    let error = error.into_service_error();
    assert!(matches!(error, PurgeQueueError::PurgeQueueInProgress(_)), "{error:?}");
}

#[tokio::test]
async fn tags_are_kept() {
    let endpoint = Endpoint::start().await;
    let create = endpoint.sqs.create_queue().queue_name("orders").tags("team", "finance");
    let url = create.send().await.unwrap().queue_url.unwrap();
    endpoint.sqs.tag_queue().queue_url(&url).tags("stage", "test").send().await.unwrap();
    endpoint.sqs.untag_queue().queue_url(&url).tag_keys("team").send().await.unwrap();
    let tags = endpoint.sqs.list_queue_tags().queue_url(&url).send().await.unwrap().tags.unwrap();
    assert_eq!(tags.into_iter().collect::<Vec<_>>(), [("stage".to_owned(), "test".to_owned())]);
}
