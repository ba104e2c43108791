//! CloudWatch metrics: what callers put, and the depth and age of the queues.
//!
//! SDKs speak one of three protocols to it: CBOR, JSON or Query.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use hyper::Response;
use s3s::Body;
use serde::{Deserialize, Serialize};

use crate::arn::Account;
use crate::clock::Clock;
use crate::kept::Kept;
use crate::query::{self, Form, Namespace, QueryError};
use crate::service::ServiceError;
use crate::sqs::Sqs;

/// The metrics of one endpoint.
#[derive(Debug)]
pub(crate) struct CloudWatch {
    account: Arc<Account>,
    clock: Clock,
    sqs: Arc<Sqs>,
    kept: Kept<State>,
}

/// What there is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct State {}

impl CloudWatch {
    /// Opens the metrics kept in `dir`.
    pub(crate) fn open(
        dir: PathBuf,
        account: Arc<Account>,
        clock: Clock,
        sqs: Arc<Sqs>,
    ) -> io::Result<Self> {
        Ok(Self { account, clock, sqs, kept: Kept::open(dir, "metrics.json")? })
    }

    /// Answers one request in the JSON protocol.
    pub(crate) fn json(&self, operation: &str, _body: &[u8]) -> Response<Body> {
        ServiceError::unknown_operation("CloudWatch", operation).refuse()
    }

    /// Answers one request in the CBOR protocol.
    pub(crate) fn cbor(&self, operation: &str, _body: &[u8]) -> Response<Body> {
        ServiceError::unknown_operation("CloudWatch", operation).refuse()
    }

    /// Answers one request in the Query protocol.
    pub(crate) fn query(&self, form: &Form) -> Response<Body> {
        let message = format!("this endpoint has no CloudWatch operation `{}`", form.action());
        query::refuse(&QueryError::new(Namespace::CLOUDWATCH, 400, "InvalidAction", message))
    }
}
