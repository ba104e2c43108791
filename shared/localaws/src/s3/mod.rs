//! The embedded S3: the wire is spoken by `s3s`, everything behind it is here.

mod api;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{Request, Response};
use s3s::Body;
use s3s::service::{S3Service, S3ServiceBuilder};

use crate::sink::EventSink;

/// An S3 endpoint over one directory. Clones share it.
#[derive(Clone)]
pub struct S3 {
    service: S3Service,
}

impl S3 {
    /// Opens the store in `dir`, creating it if there is none.
    ///
    /// # Errors
    /// If `dir` can't be created, read or written.
    pub fn open(
        dir: PathBuf,
        region: &str,
        account: &str,
        sink: Arc<dyn EventSink>,
    ) -> io::Result<Self> {
        std::fs::create_dir_all(&dir)?;
        let api = api::Api::new(region, account, sink);
        Ok(Self { service: S3ServiceBuilder::new(api).build() })
    }

    /// Answers one request. Never fails: errors are S3 error responses.
    pub async fn call(&self, request: Request<Incoming>) -> Response<Body> {
        match self.service.call(request.map(Body::from)).await {
            Ok(response) => response,
            Err(_) => Response::new(Body::empty()),
        }
    }
}
