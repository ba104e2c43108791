//! Which service a request is for.

use std::sync::Arc;

use async_trait::async_trait;
use hyper::body::Incoming;
use hyper::{Request, Response};
use s3s::Body;
use tokio_util::sync::CancellationToken;

use crate::folder::Folder;
use crate::s3::S3;
use crate::sink::{EventSink, SinkError};
use crate::{Config, StartError};

/// All services of one endpoint.
pub(crate) struct Endpoint {
    _folder: Folder,
    _stop: CancellationToken,
    s3: S3,
}

struct Nowhere;

#[async_trait]
impl EventSink for Nowhere {
    async fn exists(&self, _arn: &str) -> bool {
        false
    }

    async fn deliver(&self, arn: &str, _body: String) -> Result<(), SinkError> {
        Err(SinkError::NotFound(arn.to_owned()))
    }
}

impl Endpoint {
    /// Reads every service's state back from the data folder.
    pub(crate) fn open(config: &Config, stop: CancellationToken) -> Result<Self, StartError> {
        let folder = Folder::open(&config.data)?;
        let path = folder.join("s3");
        let s3 = S3::open(path.clone(), &config.region, &config.account, Arc::new(Nowhere))
            .map_err(|source| StartError::Folder { path, source })?;
        Ok(Self { _folder: folder, _stop: stop, s3 })
    }

    /// Answers one request.
    pub(crate) async fn call(&self, request: Request<Incoming>) -> Response<Body> {
        self.s3.call(request).await
    }
}
