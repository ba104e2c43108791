//! Secrets Manager: secrets and their versions, by the AWS JSON 1.1 protocol.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use hyper::Response;
use s3s::Body;
use serde::{Deserialize, Serialize};

use crate::answer;
use crate::arn::Account;
use crate::clock::Clock;
use crate::kept::Kept;
use crate::service::ServiceError;

/// The secrets of one endpoint.
#[derive(Debug)]
pub(crate) struct Secrets {
    account: Arc<Account>,
    clock: Clock,
    kept: Kept<State>,
}

/// What there is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct State {}

impl Secrets {
    /// Opens the secrets kept in `dir`.
    pub(crate) fn open(dir: PathBuf, account: Arc<Account>, clock: Clock) -> io::Result<Self> {
        Ok(Self { account, clock, kept: Kept::open(dir, "secrets.json")? })
    }

    /// Answers one request.
    pub(crate) fn call(&self, operation: &str, body: &[u8]) -> Response<Body> {
        match self.answer(operation, body) {
            Ok(json) => answer::json_1_1(json),
            Err(error) => error.refuse(),
        }
    }

    fn answer(&self, operation: &str, _body: &[u8]) -> Result<Bytes, ServiceError> {
        Err(ServiceError::unknown_operation("Secrets Manager", operation))
    }
}
