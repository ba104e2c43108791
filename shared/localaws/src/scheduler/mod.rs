//! EventBridge Scheduler: schedules that invoke targets, by the REST JSON
//! protocol.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use hyper::Response;
use hyper::http::request::Parts;
use s3s::Body;
use serde::{Deserialize, Serialize};

use crate::answer;
use crate::arn::Account;
use crate::background::Background;
use crate::clock::Clock;
use crate::kept::Kept;
use crate::service::ServiceError;
use crate::sink::EventSink;

/// The schedules of one endpoint.
pub(crate) struct Scheduler {
    account: Arc<Account>,
    clock: Clock,
    background: Background,
    sink: Arc<dyn EventSink>,
    kept: Kept<State>,
}

/// What there is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct State {}

impl Scheduler {
    /// Opens the schedules kept in `dir`.
    pub(crate) fn open(
        dir: PathBuf,
        account: Arc<Account>,
        clock: Clock,
        background: Background,
        sink: Arc<dyn EventSink>,
    ) -> io::Result<Self> {
        Ok(Self { account, clock, background, sink, kept: Kept::open(dir, "schedules.json")? })
    }

    /// Answers one request.
    pub(crate) async fn call(&self, head: &Parts, body: &[u8]) -> Response<Body> {
        match self.answer(head, body).await {
            Ok(json) => answer::rest_json(200, json),
            Err(error) => error.refuse_rest(),
        }
    }

    async fn answer(&self, head: &Parts, _body: &[u8]) -> Result<Bytes, ServiceError> {
        Err(ServiceError::unknown_operation("Scheduler", head.uri.path()))
    }
}
