//! Topics and subscriptions.

use crate::aws::{Aws, unique};

/// Why an email subscription of ours is never pending.
const NO_LINK: &str = "nobody is there to follow the link in an email: it counts as confirmed";

/// Creating a topic of a name that is there answers with its ARN. (CreateTopic)
#[tokio::test]
async fn creating_a_topic_twice_is_one_topic() {
    let aws = Aws::start().await;
    let name = unique("topic");
    let create = || aws.sns.create_topic().name(&name).send();
    assert_eq!(create().await.unwrap().topic_arn, create().await.unwrap().topic_arn);
}

/// Deleting a topic that is not there is no error. (DeleteTopic)
#[tokio::test]
async fn deleting_a_topic_twice_is_no_error() {
    let aws = Aws::start().await;
    let topic = aws.topic().await;
    for _ in 0..2 {
        aws.sns.delete_topic().topic_arn(&topic).send().await.unwrap();
    }
}

/// An email subscription has to be confirmed: until then the answer is
/// `pending confirmation` in place of an ARN. (Subscribe, SubscriptionArn)
#[tokio::test]
async fn an_email_subscription_waits_for_its_confirmation() {
    let aws = Aws::start().await;
    if aws.differs(NO_LINK) {
        return;
    }
    let topic = aws.topic().await;
    let request = aws.sns.subscribe().topic_arn(&topic).protocol("email");
    let answer = request.endpoint("a@example.com").send().await.unwrap();
    assert_eq!(answer.subscription_arn.unwrap().to_lowercase(), "pending confirmation");
    let list = aws.sns.list_subscriptions_by_topic().topic_arn(&topic).send().await.unwrap();
    let listed = &list.subscriptions()[0];
    assert_eq!((listed.protocol(), listed.endpoint()), (Some("email"), Some("a@example.com")));
    assert!(!listed.subscription_arn().unwrap().starts_with("arn:"), "{listed:?}");
}

/// With `ReturnSubscriptionArn` the ARN is answered also before the
/// confirmation, and the subscription says that it is pending. (Subscribe;
/// GetSubscriptionAttributes)
#[tokio::test]
async fn a_pending_subscription_says_so() {
    let aws = Aws::start().await;
    if aws.differs(NO_LINK) {
        return;
    }
    let topic = aws.topic().await;
    let request = aws.sns.subscribe().topic_arn(&topic).protocol("email");
    let request = request.endpoint("a@example.com").return_subscription_arn(true);
    let arn = request.send().await.unwrap().subscription_arn.unwrap();
    assert!(arn.starts_with(&topic), "{arn}");
    let request = aws.sns.get_subscription_attributes().subscription_arn(arn);
    let attributes = request.send().await.unwrap().attributes.unwrap();
    assert_eq!(attributes["PendingConfirmation"], "true");
}

/// A queue that was unsubscribed gets no more. (Unsubscribe)
#[tokio::test]
async fn an_unsubscribed_queue_gets_no_more() {
    let aws = Aws::start().await;
    let (topic, queue) = (aws.topic().await, aws.queue(&[]).await);
    let subscription = aws.subscribe(&topic, &queue, &[]).await;
    aws.sns.unsubscribe().subscription_arn(subscription).send().await.unwrap();
    aws.sns.publish().topic_arn(&topic).message("x").send().await.unwrap();
    assert!(aws.receive(&queue).await.is_empty());
    let list = aws.sns.list_subscriptions_by_topic().topic_arn(&topic).send().await.unwrap();
    assert!(list.subscriptions().is_empty());
}
