//! The EventBridge adapter.

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::config::Builder;
use aws_sdk_eventbridge::error::ProvideErrorMetadata;
use aws_sdk_eventbridge::types::{PutEventsRequestEntry, PutEventsResultEntry};
use futures::future::join_all;
use millrace_retry::RequestError;

use crate::probe::unless_invalid;
use crate::{Bus, Event};

/// `source` of every event of ours.
const SOURCE: &str = "millrace";

const CREATE: &str = "events:CreateEventBus";
const PUT: &str = "events:PutEvents";

/// Entries of one request ("PutEvents" in the Amazon EventBridge API Reference).
const MOST: usize = 10;

/// How long a request may take, retries included: nobody waits for it.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// One event bus.
#[derive(Debug, Clone)]
pub struct EventBridge {
    client: Client,
    bus: String,
}

impl EventBridge {
    /// A bus by name or ARN, reached as the SDK configuration says.
    pub fn new(config: &SdkConfig, bus: &str) -> Self {
        let timeouts = TimeoutConfig::builder().operation_timeout(PATIENCE).build();
        let config = Builder::from(config).timeout_config(timeouts).build();
        Self { client: Client::from_conf(config), bus: bus.to_owned() }
    }

    /// Creates the bus if it is not there. One that is named by its ARN is there,
    /// and so is the default one.
    ///
    /// # Errors
    /// [`RequestError`] if the service refuses.
    pub async fn ensure_bus(&self) -> Result<(), RequestError> {
        if self.bus == "default" || self.bus.starts_with("arn:") {
            return Ok(());
        }
        match self.client.create_event_bus().name(&self.bus).send().await {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("ResourceAlreadyExistsException") => Ok(()),
            Err(error) => Err(RequestError::of(CREATE, &self.what(), &error)),
        }
    }

    /// Whether events may be put on the bus, found out by one without a detail type,
    /// which no rule sees: `Detail`, `DetailType` and `Source` are required, and
    /// EventBridge fails an entry without them, or the whole request if no entry has
    /// them (`PutEventsRequestEntry` in the Amazon EventBridge API Reference).
    ///
    /// # Errors
    /// [`RequestError`], unless what is refused is the event.
    pub async fn may_put(&self) -> Result<(), RequestError> {
        let entry = PutEventsRequestEntry::builder().source(SOURCE).event_bus_name(&self.bus);
        let request = self.client.put_events().entries(entry.detail("{}").build());
        let answer = match request.send().await {
            Ok(output) => self.answer(output.entries().first()),
            Err(error) => Err(RequestError::of(PUT, &self.what(), &error)),
        };
        unless_invalid(answer)
    }

    async fn put_some(&self, events: &[Event]) -> Vec<Result<(), RequestError>> {
        let entries = events.iter().map(|event| self.entry(event)).collect();
        match self.client.put_events().set_entries(Some(entries)).send().await {
            Ok(output) => {
                let mut answers = output.entries().iter();
                events.iter().map(|_| self.answer(answers.next())).collect()
            }
            Err(error) => {
                let error = RequestError::of(PUT, &self.what(), &error);
                events.iter().map(|_| Err(error.clone())).collect()
            }
        }
    }

    fn what(&self) -> String {
        format!("event bus `{}`", self.bus)
    }

    fn entry(&self, event: &Event) -> PutEventsRequestEntry {
        PutEventsRequestEntry::builder()
            .source(SOURCE)
            .event_bus_name(&self.bus)
            .detail_type(&event.detail_type)
            .detail(&event.detail)
            .build()
    }

    /// What the bus says of one entry: an id, or why it did not take it.
    fn answer(&self, entry: Option<&PutEventsResultEntry>) -> Result<(), RequestError> {
        let Some(entry) = entry else {
            let reason = "no answer for the event".to_owned();
            return Err(RequestError::Unavailable { action: PUT, what: self.what(), reason });
        };
        match entry.error_code() {
            None => Ok(()),
            Some(code) => {
                let reason = entry.error_message().unwrap_or(code).to_owned();
                Err(RequestError::of_answer(code, 400, PUT, self.what(), reason))
            }
        }
    }
}

#[async_trait]
impl Bus for EventBridge {
    async fn put(&self, events: &[Event]) -> Vec<Result<(), RequestError>> {
        let requests = events.chunks(MOST).map(|events| self.put_some(events));
        join_all(requests).await.into_iter().flatten().collect()
    }
}
