//! A queue under test: the place where most of what AWS does can be seen.

use std::collections::HashMap;

use aws_sdk_sqs::types::{Message, QueueAttributeName};
use serde_json::Value;

use crate::aws::{Aws, unique};
use crate::eventually::eventually;

/// A queue of one check.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    pub(crate) url: String,
    pub(crate) arn: String,
}

impl Aws {
    /// Creates a queue; it is FIFO if the attributes say so.
    pub(crate) async fn queue(&self, attributes: &[(&str, &str)]) -> Queue {
        let fifo = attributes.contains(&("FifoQueue", "true"));
        let name = format!("{}{}", unique("queue"), if fifo { ".fifo" } else { "" });
        let mut request = self.sqs.create_queue().queue_name(name);
        for (name, value) in attributes {
            request = request.attributes(QueueAttributeName::from(*name), *value);
        }
        let url = request.send().await.unwrap().queue_url.unwrap();
        let arn = self.attribute(&url, "QueueArn").await.unwrap();
        Queue { url, arn }
    }

    /// An attribute of a queue, if it has that.
    pub(crate) async fn attribute(&self, url: &str, name: &str) -> Option<String> {
        let name = QueueAttributeName::from(name);
        let request = self.sqs.get_queue_attributes().queue_url(url).attribute_names("All".into());
        request.send().await.unwrap().attributes.unwrap_or_default().remove(&name)
    }

    /// Sends a message.
    pub(crate) async fn send(&self, queue: &Queue, body: &str) -> String {
        let sent = self.sqs.send_message().queue_url(&queue.url).message_body(body).send().await;
        sent.unwrap().message_id.unwrap()
    }

    /// Receives up to ten messages with all their attributes, at once.
    pub(crate) async fn receive(&self, queue: &Queue) -> Vec<Message> {
        let request = self.sqs.receive_message().queue_url(&queue.url).max_number_of_messages(10);
        let request = request.message_system_attribute_names("All".into());
        let received = request.message_attribute_names("All").send().await;
        received.unwrap().messages.unwrap_or_default()
    }

    /// Receives one message as soon as there is one, with all its attributes.
    pub(crate) async fn receive_one(&self, queue: &Queue) -> Message {
        eventually(|| async {
            let request = self.sqs.receive_message().queue_url(&queue.url);
            let request = request.message_system_attribute_names("All".into());
            let received = request.message_attribute_names("All").send().await;
            received.unwrap().messages.unwrap_or_default().pop()
        })
        .await
    }

    /// Receives messages until there are `count` of them.
    pub(crate) async fn receive_all(&self, queue: &Queue, count: usize) -> Vec<Message> {
        let mut messages = Vec::new();
        while messages.len() < count {
            messages.push(self.receive_one(queue).await);
        }
        messages
    }

    /// The body of the next message, which is JSON.
    pub(crate) async fn receive_json(&self, queue: &Queue) -> Value {
        json(&self.receive_one(queue).await)
    }

    /// Deletes a received message.
    pub(crate) async fn delete(&self, queue: &Queue, message: &Message) {
        let request = self.sqs.delete_message().queue_url(&queue.url);
        request.receipt_handle(handle(message)).send().await.unwrap();
    }

    /// Makes a received message invisible for `seconds` from now.
    pub(crate) async fn hold(&self, queue: &Queue, message: &Message, seconds: i32) {
        let request = self.sqs.change_message_visibility().queue_url(&queue.url);
        let request = request.receipt_handle(handle(message)).visibility_timeout(seconds);
        request.send().await.unwrap();
    }
}

/// The receipt handle of a received message.
pub(crate) fn handle(message: &Message) -> String {
    message.receipt_handle.clone().unwrap()
}

/// The bodies of messages, in their order.
pub(crate) fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.body().unwrap()).collect()
}

/// The body of a message as JSON.
pub(crate) fn json(message: &Message) -> Value {
    serde_json::from_str(message.body().unwrap()).unwrap()
}

/// A system attribute of a received message.
pub(crate) fn system(message: &Message, name: &str) -> Option<String> {
    message.attributes.as_ref()?.get(&name.into()).cloned()
}

/// The text of each message attribute.
pub(crate) fn attributes(message: &Message) -> HashMap<String, String> {
    let attributes = message.message_attributes.clone().unwrap_or_default();
    let text =
        |value: aws_sdk_sqs::types::MessageAttributeValue| value.string_value.unwrap_or_default();
    attributes.into_iter().map(|(name, value)| (name, text(value))).collect()
}
