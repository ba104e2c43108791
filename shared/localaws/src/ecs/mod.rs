//! ECS as far as services of workers need it: task definitions, services whose
//! tasks are processes of this machine, and task protection.

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

/// The clusters of one endpoint.
#[derive(Debug)]
pub(crate) struct Ecs {
    account: Arc<Account>,
    clock: Clock,
    background: Background,
    kept: Kept<State>,
}

/// What there is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct State {}

impl Ecs {
    /// Where tasks reach their agent: `<prefix>/<task id>/…`.
    pub(crate) const AGENT: &str = "/_millrace/ecs/";

    /// Opens the clusters kept in `dir`.
    pub(crate) fn open(
        dir: PathBuf,
        account: Arc<Account>,
        clock: Clock,
        background: Background,
    ) -> io::Result<Self> {
        Ok(Self { account, clock, background, kept: Kept::open(dir, "clusters.json")? })
    }

    /// Answers one request.
    pub(crate) async fn call(&self, operation: &str, body: &[u8]) -> Response<Body> {
        match self.answer(operation, body).await {
            Ok(json) => answer::json_1_1(json),
            Err(error) => error.refuse(),
        }
    }

    /// Answers a task that asks its agent.
    pub(crate) async fn agent(&self, head: &Parts, _body: &[u8]) -> Response<Body> {
        ServiceError::unknown_operation("ECS agent", head.uri.path()).refuse_rest()
    }

    async fn answer(&self, operation: &str, _body: &[u8]) -> Result<Bytes, ServiceError> {
        Err(ServiceError::unknown_operation("ECS", operation))
    }
}
