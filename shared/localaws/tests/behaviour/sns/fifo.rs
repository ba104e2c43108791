//! FIFO topics.

use crate::aws::{Aws, unique};
use crate::queue::{bodies, system};
use crate::refusal::refused;

impl Aws {
    async fn fifo_topic(&self, by_content: &str) -> String {
        let request = self.sns.create_topic().name(format!("{}.fifo", unique("topic")));
        let request = request.attributes("FifoTopic", "true");
        let request = request.attributes("ContentBasedDeduplication", by_content);
        request.send().await.unwrap().topic_arn.unwrap()
    }
}

/// What is published to a group of a FIFO topic comes to a FIFO queue in its
/// order, in its group, once within five minutes. (SNS Developer Guide, Message
/// delivery for FIFO topics)
#[tokio::test]
async fn a_fifo_topic_keeps_order_and_deduplicates() {
    let aws = Aws::start().await;
    let topic = aws.fifo_topic("true").await;
    let queue = aws.queue(&[("FifoQueue", "true")]).await;
    aws.subscribe(&topic, &queue, &[("RawMessageDelivery", "true")]).await;
    for message in ["1", "2", "2", "3"] {
        let request = aws.sns.publish().topic_arn(&topic).message(message);
        request.message_group_id("g").send().await.unwrap();
    }
    let got = aws.receive(&queue).await;
    assert_eq!(bodies(&got), ["1", "2", "3"]);
    assert_eq!(system(&got[0], "MessageGroupId").as_deref(), Some("g"));
}

/// Publishing to a FIFO topic answers with a sequence number, which grows.
/// (Publish, SequenceNumber)
#[tokio::test]
async fn a_fifo_topic_numbers_its_messages() {
    let aws = Aws::start().await;
    let topic = aws.fifo_topic("true").await;
    let mut numbers = Vec::new();
    for message in ["1", "2"] {
        let request = aws.sns.publish().topic_arn(&topic).message(message).message_group_id("g");
        let number = request.send().await.unwrap().sequence_number.unwrap();
        numbers.push(number.parse::<u128>().unwrap());
    }
    assert!(numbers[0] < numbers[1], "{numbers:?}");
}

/// Every message to a FIFO topic must include a group id. (Publish,
/// MessageGroupId)
#[tokio::test]
async fn a_fifo_topic_needs_a_group() {
    let aws = Aws::start().await;
    let topic = aws.fifo_topic("true").await;
    let answer = aws.sns.publish().topic_arn(&topic).message("x").send().await;
    assert_eq!(refused(answer), "InvalidParameter");
}

/// Without content-based deduplication a deduplication id is needed. (Publish,
/// MessageDeduplicationId)
#[tokio::test]
async fn a_fifo_topic_needs_a_deduplication_id() {
    let aws = Aws::start().await;
    let topic = aws.fifo_topic("false").await;
    let request = aws.sns.publish().topic_arn(&topic).message("x").message_group_id("g");
    assert_eq!(refused(request.send().await), "InvalidParameter");
}
