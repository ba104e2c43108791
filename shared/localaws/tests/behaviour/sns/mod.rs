//! Amazon SNS.

mod fifo;
mod filters;
mod publishing;
mod topics;

use crate::aws::{Aws, unique};
use crate::queue::Queue;

impl Aws {
    /// Creates a topic; answers its ARN.
    async fn topic(&self) -> String {
        let created = self.sns.create_topic().name(unique("topic")).send().await;
        created.unwrap().topic_arn.unwrap()
    }

    /// Subscribes a queue to a topic; answers the subscription's ARN.
    async fn subscribe(&self, topic: &str, queue: &Queue, attributes: &[(&str, &str)]) -> String {
        let request = self.sns.subscribe().topic_arn(topic).protocol("sqs").endpoint(&queue.arn);
        let mut request = request.return_subscription_arn(true);
        for (name, value) in attributes {
            request = request.attributes(*name, *value);
        }
        request.send().await.unwrap().subscription_arn.unwrap()
    }
}
