//! Takes what services send to the queues, topics and buses of this endpoint.

use std::sync::Arc;

use async_trait::async_trait;

use crate::events::EventBridge;
use crate::sink::{BusEvent, EventSink, Parcel, SinkError};
use crate::sns::{Publication, Sns};
use crate::sqs::{Delivery, Sqs};

/// What other services can send to.
#[derive(Debug, Clone)]
pub(crate) struct Deliveries {
    /// Queues.
    pub(crate) sqs: Arc<Sqs>,
    /// Topics.
    pub(crate) sns: Arc<Sns>,
    /// Buses.
    pub(crate) events: Arc<EventBridge>,
    /// Base of this endpoint's URLs.
    pub(crate) url: String,
}

#[async_trait]
impl EventSink for Deliveries {
    async fn exists(&self, arn: &str) -> bool {
        self.sqs.has_queue(arn) || self.sns.has_topic(arn) || self.events.has_bus(arn)
    }

    async fn deliver(&self, arn: &str, parcel: Parcel) -> Result<(), SinkError> {
        let refused = |reason: String| SinkError::Refused { arn: arn.to_owned(), reason };
        if self.sqs.has_queue(arn) {
            let Parcel { body, group_id, deduplication_id, .. } = parcel;
            let delivery = Delivery { body, attributes: Vec::new(), group_id, deduplication_id };
            return self.sqs.deliver(arn, delivery).map_err(|error| refused(error.message));
        }
        if self.sns.has_topic(arn) {
            let Parcel { body, subject, group_id, deduplication_id } = parcel;
            let publication =
                Publication { subject, group_id, deduplication_id, ..Publication::plain(body) };
            let published = self.sns.publish_to(arn, publication, &self.url);
            return published.map(drop).map_err(|error| refused(error.message));
        }
        Err(SinkError::NotFound(arn.to_owned()))
    }

    async fn put_event(&self, event: BusEvent) -> Result<(), SinkError> {
        self.events.put(event).await
    }
}
