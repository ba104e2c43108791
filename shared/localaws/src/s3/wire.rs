//! Makes an HTTP request ready for `s3s`, which checks signatures if it sees
//! any: here any credentials are taken, so they are taken off. What depends on
//! them, the expiry of presigned URLs and the `aws-chunked` encoding, is done
//! here instead.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{NaiveDateTime, TimeDelta};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Request, Uri};
use s3s::dto::StreamingBlob;
use s3s::{Body, S3Result, s3_error};

use super::chunked::{ChunkedBody, Trailers};
use super::incoming::RequestBody;
use crate::clock::Millis;

/// Names a request in its response, its events and the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestId(u64);

impl RequestId {
    /// A new one.
    pub(super) fn random() -> Self {
        Self(rand::random())
    }

    /// The second id that S3 gives a request.
    pub(super) fn host_id(self) -> String {
        BASE64.encode([self.0.to_be_bytes(), self.0.to_le_bytes()].concat())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", self.0)
    }
}

/// Prepares a request that came at `now`.
///
/// # Errors
/// If it is presigned and expired, or encoded wrongly.
pub(super) fn prepare(
    request: Request<Incoming>,
    id: RequestId,
    now: Millis,
) -> S3Result<Request<Body>> {
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(id);
    parts.headers.remove(AUTHORIZATION);
    strip_query(&mut parts, now)?;
    let body = match (hyper::body::Body::is_end_stream(&body), is_chunked(&parts.headers)) {
        (_, true) => decoded(&mut parts, RequestBody::new(body))?,
        (true, false) => Body::empty(),
        (false, false) => plain(&parts, RequestBody::new(body))?,
    };
    Ok(Request::from_parts(parts, body))
}

fn plain(parts: &Parts, body: RequestBody) -> S3Result<Body> {
    if parts.method == Method::PUT && !parts.headers.contains_key(CONTENT_LENGTH) {
        return Err(s3_error!(
            MissingContentLength,
            "You must provide the Content-Length HTTP header."
        ));
    }
    Ok(Body::from(StreamingBlob::new(body)))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn is_chunked(headers: &HeaderMap) -> bool {
    text(headers, "x-amz-content-sha256").is_some_and(|hash| hash.starts_with("STREAMING-"))
}

/// Takes the `aws-chunked` encoding off, and its traces from the headers.
fn decoded(parts: &mut Parts, body: RequestBody) -> S3Result<Body> {
    let length = text(&parts.headers, "x-amz-decoded-content-length");
    let length: u64 = length.and_then(|length| length.parse().ok()).ok_or_else(|| {
        s3_error!(
            MissingContentLength,
            "You must provide the x-amz-decoded-content-length HTTP header."
        )
    })?;
    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    let encodings = text(&parts.headers, CONTENT_ENCODING.as_str()).unwrap_or_default();
    let mut others = encodings.split(',').map(str::trim).filter(|name| *name != "aws-chunked");
    let others = others.by_ref().collect::<Vec<_>>().join(",");
    match HeaderValue::try_from(others) {
        Ok(others) if !others.is_empty() => parts.headers.insert(CONTENT_ENCODING, others),
        Ok(_) | Err(_) => parts.headers.remove(CONTENT_ENCODING),
    };
    let trailers = Trailers::default();
    parts.extensions.insert(trailers.clone());
    Ok(Body::from(StreamingBlob::new(ChunkedBody::new(body, length, trailers))))
}

/// Takes a signature out of the query, checks when it expires, and moves the
/// headers that a presigned URL may carry to where headers are.
fn strip_query(parts: &mut Parts, now: Millis) -> S3Result<()> {
    let query = parts.uri.query().unwrap_or_default();
    let is_v4 = query.contains("X-Amz-Signature=");
    let is_v2 = query.contains("Signature=") && query.contains("AWSAccessKeyId=");
    if !is_v4 && !is_v2 {
        return Ok(());
    }
    check_expiry(query, is_v4, now)?;
    let mut kept = Vec::new();
    let mut hoisted = Vec::new();
    for pair in query.split('&') {
        let name = pair.split('=').next().unwrap_or_default();
        let signature = match is_v4 {
            true => name.starts_with("X-Amz-"),
            false => ["AWSAccessKeyId", "Signature", "Expires"].contains(&name),
        };
        if name.starts_with("x-amz-") {
            hoisted.extend(form_urlencoded::parse(pair.as_bytes()).into_owned());
        } else if !signature {
            kept.push(pair);
        }
    }
    let path = parts.uri.path();
    let uri = match kept.is_empty() {
        true => path.to_owned(),
        false => format!("{path}?{}", kept.join("&")),
    };
    parts.uri = Uri::try_from(uri).map_err(|_| s3_error!(InvalidURI))?;
    for (name, value) in hoisted {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            parts.headers.entry(name).or_insert(value);
        }
    }
    Ok(())
}

fn check_expiry(query: &str, is_v4: bool, now: Millis) -> S3Result<()> {
    let value = |name: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
    };
    let number = |name: &str| value(name).and_then(|text| text.parse::<i64>().ok());
    let expires = if is_v4 {
        let signed = value("X-Amz-Date")
            .and_then(|date| NaiveDateTime::parse_from_str(&date, "%Y%m%dT%H%M%SZ").ok());
        let lifetime = number("X-Amz-Expires").and_then(TimeDelta::try_seconds);
        signed.zip(lifetime).and_then(|(signed, lifetime)| signed.checked_add_signed(lifetime))
    } else {
        let at = number("Expires").and_then(|at| chrono::DateTime::from_timestamp(at, 0));
        at.map(|at| at.naive_utc())
    };
    let expires = expires.ok_or_else(|| {
        s3_error!(
            AuthorizationQueryParametersError,
            "Query-string authentication requires the date and the expiry of the signature."
        )
    })?;
    let expires = Millis::try_from(expires.and_utc().timestamp_millis()).unwrap_or(0);
    match now > expires {
        true => Err(s3_error!(AccessDenied, "Request has expired")),
        false => Ok(()),
    }
}
