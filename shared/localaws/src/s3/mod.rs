//! The embedded S3: the wire is spoken by `s3s`, everything behind it is here.
//!
//! `design.md` beside this file says how objects are kept, what makes a change
//! durable, and in which order events are sent.

mod acl;
mod api;
mod blob;
mod bucket;
mod bus;
mod checksum;
mod chunked;
mod claims;
mod clock;
mod completion;
mod condition;
mod cors;
mod document;
mod error;
mod etag;
mod event;
mod form;
mod headers;
mod host;
mod incoming;
mod index;
mod journal;
mod lifecycle;
mod listing;
mod message;
mod notification;
mod object;
mod ops;
mod outbox;
mod pack;
mod permit;
mod policy;
mod receive;
mod record;
mod send;
mod settings;
mod store;
mod sweep;
mod wire;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, S3Error, S3Result};
use tokio::sync::OnceCell;

use self::api::Api;
use self::host::Host;
pub(crate) use self::host::address;
use self::incoming::RequestBody;
use self::store::Store;
use self::wire::RequestId;
use crate::background::Background;
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
        background: &Background,
    ) -> io::Result<Self> {
        let store = Arc::new(Store::open(&dir, region, account, clock.clone(), sink)?);
        let mut service = S3ServiceBuilder::new(Api(Arc::clone(&store)));
        service.set_host(Host);
        let caught_up = Arc::default();
        let s3 = Self { service: service.build(), store, caught_up };
        background.spawn_until_stop({
            let s3 = s3.clone();
            async move {
                s3.catch_up().await;
                sweep::run(s3.store, clock).await;
            }
        });
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
        let (parts, body) = request.into_parts();
        let caller = cors::Caller::of(&parts);
        let mut response = self.answer(parts, body, id).await.unwrap_or_else(refused);
        if let Some(caller) = caller {
            caller.mark(&self.store, response.headers_mut());
        }
        identify(response.headers_mut(), id);
        error::complete(&mut response, id);
        response
    }

    async fn answer(
        &self,
        parts: Parts,
        body: Incoming,
        id: RequestId,
    ) -> S3Result<Response<Body>> {
        if parts.method == Method::OPTIONS {
            return cors::preflight(&self.store, &parts);
        }
        if let Some((bucket, boundary)) = form_upload(&parts) {
            let body = RequestBody::new(&parts, body);
            return ops::post::post_object(&self.store, &parts, &bucket, &boundary, body, id).await;
        }
        let now = self.store.sequence.now();
        wire::check_method(&parts)?;
        wire::check_owner(&parts, &self.store.account)?;
        let request = wire::prepare(Request::from_parts(parts, body), id, now)?;
        let answered = self.service.call(request).await;
        Ok(answered.unwrap_or_else(|error| {
            tracing::error!(?error, "a request could not be answered");
            failed()
        }))
    }
}

/// The bucket and the boundary of a form upload.
fn form_upload(parts: &Parts) -> Option<(String, String)> {
    let is_post = parts.method == Method::POST && parts.uri.query().is_none();
    let content_type = parts.headers.get(CONTENT_TYPE).filter(|_| is_post)?.to_str().ok()?;
    let boundary = form::boundary(content_type)?;
    let (bucket, key) = host::address(parts)?;
    key.is_empty().then_some((bucket, boundary))
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
