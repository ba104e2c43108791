//! The SQS adapter.

mod admin;
mod entries;
mod fault;
mod inspect;
mod queue;
mod wire;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Builder;

pub use self::inspect::{Permission, QueueFacts};

use self::fault::{fault, patiently};
use self::queue::SqsQueue;
use crate::{Queue, QueueError, Queues};

/// Longer than the longest long poll (20 s), so that an answer is waited for.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

/// SQS, reached as the SDK configuration says: the real one or any endpoint
/// that speaks its protocol.
#[derive(Debug, Clone)]
pub struct Sqs {
    client: Client,
    known: Arc<Mutex<HashMap<String, Arc<SqsQueue>>>>,
}

impl Sqs {
    /// Uses `config`'s credentials, region, endpoint and retries. A timeout per
    /// attempt is added where it has none.
    pub fn new(config: &SdkConfig) -> Self {
        let given = config.timeout_config().cloned();
        let timeouts = match given.as_ref().and_then(TimeoutConfig::operation_attempt_timeout) {
            Some(_) => given,
            None => {
                let builder = given.map_or_else(TimeoutConfig::builder, |given| given.to_builder());
                Some(builder.operation_attempt_timeout(ATTEMPT_TIMEOUT).build())
            }
        };
        let mut builder = Builder::from(config);
        builder.set_timeout_config(timeouts);
        Self { client: Client::from_conf(builder.build()), known: Arc::default() }
    }

    async fn find(&self, name: &str) -> Result<Arc<SqsQueue>, QueueError> {
        if let Some(queue) = self.remembered(name) {
            return Ok(queue);
        }
        let action = "sqs:GetQueueUrl";
        let request = self.client.get_queue_url().queue_name(name).send();
        let found =
            patiently(action, name, request).await?.map_err(|error| fault(action, name, &error))?;
        Ok(self.remember(name, found.queue_url.unwrap_or_default()))
    }

    fn remembered(&self, name: &str) -> Option<Arc<SqsQueue>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn remember(&self, name: &str, url: String) -> Arc<SqsQueue> {
        let made = || Arc::new(SqsQueue::new(self.client.clone(), name.to_owned(), url));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(name.to_owned()).or_insert_with(made))
    }
}

#[async_trait]
impl Queues for Sqs {
    async fn queue(&self, name: &str) -> Result<Arc<dyn Queue>, QueueError> {
        Ok(self.find(name).await?)
    }
}
