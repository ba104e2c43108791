//! The ports: a topic that alerts are published to, a bus that events are put on.

use async_trait::async_trait;
use millrace_retry::RequestError;

use crate::Message;

/// Where alerts are published.
#[async_trait]
pub trait Topic: Send + Sync + 'static {
    /// Publishes an alert to everyone who subscribed.
    ///
    /// # Errors
    /// [`RequestError`], classified.
    async fn publish(&self, message: &Message) -> Result<(), RequestError>;
}

/// An event for other systems.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// `detail-type`, such as `Millrace File Loaded`.
    pub detail_type: String,
    /// `detail`: a [`FileEvent`](millrace_contract::FileEvent) as JSON.
    pub detail: String,
}

/// Where events are put.
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// Puts events on the bus, with an answer for each.
    async fn put(&self, events: &[Event]) -> Vec<Result<(), RequestError>>;
}
