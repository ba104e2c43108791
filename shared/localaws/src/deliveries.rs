//! Takes S3's events to the queues and topics of this endpoint.

use std::sync::Arc;

use async_trait::async_trait;

use crate::sink::{EventSink, SinkError};
use crate::sns::{Publication, Sns};
use crate::sqs::{Delivery, Sqs};

/// The subject of what S3 publishes to topics.
const SUBJECT: &str = "Amazon S3 Notification";

/// The queues and topics that S3 can send to.
#[derive(Debug)]
pub(crate) struct Deliveries {
    /// Queues.
    pub(crate) sqs: Arc<Sqs>,
    /// Topics.
    pub(crate) sns: Arc<Sns>,
    /// Base of this endpoint's URLs.
    pub(crate) url: String,
}

#[async_trait]
impl EventSink for Deliveries {
    async fn exists(&self, arn: &str) -> bool {
        self.sqs.has_queue(arn) || self.sns.has_topic(arn)
    }

    async fn deliver(&self, arn: &str, body: String) -> Result<(), SinkError> {
        let refused = |reason: String| SinkError::Refused { arn: arn.to_owned(), reason };
        if self.sqs.has_queue(arn) {
            let delivery = Delivery { body, attributes: Vec::new() };
            return self.sqs.deliver(arn, delivery).map_err(|error| refused(error.message));
        }
        if self.sns.has_topic(arn) {
            let subject = Some(SUBJECT.to_owned());
            let publication = Publication { subject, ..Publication::plain(body) };
            let published = self.sns.publish_to(arn, publication, &self.url);
            return published.map(drop).map_err(|error| refused(error.message));
        }
        Err(SinkError::NotFound(arn.to_owned()))
    }
}
