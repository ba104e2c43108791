//! All services of one endpoint over one data folder.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::{fmt, io};

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::{Request, Response};
use s3s::Body;

use crate::answer::{self, JsonError};
use crate::arn::Account;
use crate::background::Background;
use crate::clock::Clock;
use crate::deliveries::Deliveries;
use crate::folder::Folder;
use crate::query::{self, Form};
use crate::route::{QueryService, Route, base_url};
use crate::s3::S3;
use crate::sns::Sns;
use crate::sqs::Sqs;
use crate::sts::Sts;
use crate::{Config, StartError};

/// Bytes of a request at most, S3 aside: a batch of 1 MiB, in JSON escapes.
const MAX_REQUEST: usize = 8 << 20;

/// The services.
pub(crate) struct Endpoint {
    url: String,
    sqs: Arc<Sqs>,
    sns: Arc<Sns>,
    sts: Sts,
    s3: S3,
    _folder: Folder,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Endpoint {
    /// Takes the data folder and reads every service's state back.
    pub(crate) fn open(
        config: &Config,
        addr: SocketAddr,
        background: Background,
    ) -> Result<Self, StartError> {
        let folder = Folder::open(&config.data)?;
        let clock = Clock;
        let account =
            Arc::new(Account { id: config.account.clone(), region: config.region.clone() });
        let in_folder = |name| {
            let path: PathBuf = folder.join(name);
            (path.clone(), move |source: io::Error| StartError::Folder { path, source })
        };
        let (path, unusable) = in_folder("sqs");
        let sqs =
            Sqs::open(path, Arc::clone(&account), clock.clone(), background).map_err(unusable)?;
        let sqs = Arc::new(sqs);
        let (path, unusable) = in_folder("sns");
        let sns = Sns::open(path, Arc::clone(&account), clock.clone(), Arc::clone(&sqs));
        let sns = Arc::new(sns.map_err(unusable)?);
        let (path, unusable) = in_folder("s3");
        let url = format!("http://{addr}");
        let sink = Deliveries { sqs: Arc::clone(&sqs), sns: Arc::clone(&sns), url: url.clone() };
        let s3 =
            S3::open(path, &config.region, &config.account, Arc::new(sink)).map_err(unusable)?;
        let sts = Sts::new(account, clock);
        Ok(Self { url, sqs, sns, sts, s3, _folder: folder })
    }

    /// Answers one request.
    pub(crate) async fn call(&self, request: Request<Incoming>) -> Response<Body> {
        let (head, body) = request.into_parts();
        match Route::of(&head) {
            Route::S3 => self.s3.call(Request::from_parts(head, body)).await,
            Route::Health => self.health(),
            Route::Json { target, operation } => match collect(body).await {
                Ok(body) => {
                    let base = base_url(&head.headers, &self.url);
                    self.json(&target, &operation, &base, &body).await
                }
                Err(refusal) => refusal,
            },
            Route::Query(service) => match collect(body).await {
                Ok(body) => {
                    let base = base_url(&head.headers, &self.url);
                    let form = Form::parse(head.uri.query().unwrap_or_default(), &body);
                    self.query(service, &base, &form)
                }
                Err(refusal) => refusal,
            },
        }
    }

    async fn json(&self, target: &str, operation: &str, base: &str, body: &[u8]) -> Response<Body> {
        match target {
            "AmazonSQS" => self.sqs.call(operation, base, body).await,
            _ => answer::json_error(&JsonError {
                status: 400,
                shape: "UnknownOperationException",
                query: "UnknownOperation;Sender",
                message: &format!("this endpoint has no service `{target}`"),
            }),
        }
    }

    fn query(&self, service: QueryService, base: &str, form: &Form) -> Response<Body> {
        match service {
            QueryService::Sns => self.sns.call(base, form),
            QueryService::Sts => self.sts.call(form),
            QueryService::Unknown if Sts::has(form.action()) => self.sts.call(form),
            QueryService::Unknown if Sns::has(form.action()) => self.sns.call(base, form),
            QueryService::Unknown => query::refuse(&query::QueryError::new(
                query::Namespace::NONE,
                400,
                "InvalidAction",
                format!("this endpoint has no operation `{}` in the Query protocol", form.action()),
            )),
        }
    }

    fn health(&self) -> Response<Body> {
        let health = serde_json::json!({
            "status": "ok",
            "version": env!("CARGO_PKG_VERSION"),
            "services": ["s3", "sns", "sqs", "sts"],
        });
        answer::plain_json(health.to_string())
    }
}

async fn collect(body: Incoming) -> Result<Bytes, Response<Body>> {
    match Limited::new(body, MAX_REQUEST).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) => Err(answer::json_error(&JsonError {
            status: 413,
            shape: "RequestEntityTooLarge",
            query: "RequestEntityTooLarge;Sender",
            message: &format!(
                "the request can't be read or is longer than {MAX_REQUEST} bytes: {error}"
            ),
        })),
    }
}
