//! The embedded S3: the wire is spoken by `s3s`, everything behind it is here.
//!
//! `design.md` beside this file says how objects are kept, what makes a change
//! durable, and in which order events are sent.

mod api;
mod blob;
mod bucket;
mod checksum;
mod chunked;
mod claims;
mod clock;
mod completion;
mod condition;
mod error;
mod etag;
mod event;
mod host;
mod incoming;
mod index;
mod journal;
mod listing;
mod notification;
mod object;
mod ops;
mod outbox;
mod receive;
mod record;
mod send;
mod store;
mod wire;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderValue};
use hyper::{Request, Response, StatusCode};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, S3Error};
use tokio::sync::OnceCell;

use self::api::Api;
use self::host::Host;
pub(crate) use self::host::bucket as bucket_of_host;
use self::store::Store;
use self::wire::RequestId;
use crate::clock::Clock;
use crate::sink::EventSink;

/// An S3 endpoint over one directory. Clones share it.
#[derive(Clone)]
pub(crate) struct S3 {
    service: S3Service,
    store: Arc<Store>,
    /// Whether the events of the process before this one were delivered.
    caught_up: Arc<OnceCell<()>>,
}

impl S3 {
    /// Opens the store in `dir`, creating it if there is none.
    ///
    /// # Errors
    /// If `dir` can't be created, read or written.
    pub(crate) fn open(
        dir: PathBuf,
        region: &str,
        account: &str,
        clock: Clock,
        sink: Arc<dyn EventSink>,
    ) -> io::Result<Self> {
        let store = Arc::new(Store::open(&dir, region, account, clock, sink)?);
        let mut service = S3ServiceBuilder::new(Api(Arc::clone(&store)));
        service.set_host(Host);
        let caught_up = Arc::default();
        let s3 = Self { service: service.build(), store, caught_up };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let s3 = s3.clone();
            runtime.spawn(async move { s3.catch_up().await });
        }
        Ok(s3)
    }

    /// Waits for older events to be delivered, so that newer ones come after.
    async fn catch_up(&self) {
        self.caught_up.get_or_init(|| self.store.catch_up()).await;
    }

    /// Answers one request. Never fails: errors are S3's error responses.
    pub(crate) async fn call(&self, request: Request<Incoming>) -> Response<Body> {
        self.catch_up().await;
        let id = RequestId::random();
        let mut response = match wire::prepare(request, id) {
            Ok(request) => match self.service.call(request).await {
                Ok(response) => response,
                Err(error) => {
                    tracing::error!(?error, "a request could not be answered");
                    failed()
                }
            },
            Err(error) => refused(error),
        };
        identify(response.headers_mut(), id);
        response
    }
}

fn refused(error: S3Error) -> Response<Body> {
    error.to_http_response().unwrap_or_else(|_| failed())
}

fn failed() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

fn identify(headers: &mut HeaderMap, id: RequestId) {
    let ids = [("x-amz-request-id", id.to_string()), ("x-amz-id-2", id.host_id())];
    for (name, value) in ids {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
}
