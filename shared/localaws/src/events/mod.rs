//! EventBridge: buses, rules and their targets, by the AWS JSON 1.1 protocol.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use hyper::Response;
use s3s::Body;
use serde::{Deserialize, Serialize};

use crate::answer;
use crate::arn::Account;
use crate::background::Background;
use crate::clock::Clock;
use crate::kept::Kept;
use crate::service::ServiceError;
use crate::sink::{BusEvent, SinkError};
use crate::sns::Sns;
use crate::sqs::Sqs;

/// The event buses of one endpoint.
#[derive(Debug)]
pub(crate) struct EventBridge {
    account: Arc<Account>,
    clock: Clock,
    background: Background,
    sqs: Arc<Sqs>,
    sns: Arc<Sns>,
    kept: Kept<State>,
}

/// What there is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct State {}

impl EventBridge {
    /// Opens the buses kept in `dir`.
    pub(crate) fn open(
        dir: PathBuf,
        account: Arc<Account>,
        clock: Clock,
        background: Background,
        sqs: Arc<Sqs>,
        sns: Arc<Sns>,
    ) -> io::Result<Self> {
        Ok(Self { account, clock, background, sqs, sns, kept: Kept::open(dir, "buses.json")? })
    }

    /// Whether there is a bus of this ARN.
    pub(crate) fn has_bus(&self, arn: &str) -> bool {
        self.account.name_in("events", arn) == Some("event-bus/default")
    }

    /// Takes an event of an AWS service to the default bus.
    pub(crate) async fn put(&self, _event: BusEvent) -> Result<(), SinkError> {
        Ok(())
    }

    /// Answers one request.
    pub(crate) async fn call(&self, operation: &str, body: &[u8]) -> Response<Body> {
        match self.answer(operation, body).await {
            Ok(json) => answer::json_1_1(json),
            Err(error) => error.refuse(),
        }
    }

    async fn answer(&self, operation: &str, _body: &[u8]) -> Result<Bytes, ServiceError> {
        Err(ServiceError::unknown_operation("EventBridge", operation))
    }
}
