//! Makes an HTTP request ready for `s3s`, which checks signatures if it sees
//! any: here any credentials are taken, so they are taken off. What depends on
//! them, the expiry of presigned URLs and the `aws-chunked` encoding, is done
//! here instead.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{NaiveDateTime, TimeDelta};
use hyper::body::Incoming;
use hyper::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, HeaderName, HeaderValue, RANGE,
};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Request, Uri};
use s3s::dto::StreamingBlob;
use s3s::{Body, S3Result, s3_error};

use super::chunked::{ChunkedBody, Trailers};
use super::host;
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
    if let Some(region) = signed_region(&parts) {
        parts.extensions.insert(region);
    }
    parts.headers.remove(AUTHORIZATION);
    drop_odd_range(&mut parts.headers);
    read_plus(&mut parts.headers);
    strip_query(&mut parts, now)?;
    let body = match (hyper::body::Body::is_end_stream(&body), is_chunked(&parts.headers)) {
        (_, true) => {
            let body = RequestBody::new(&parts, body);
            decoded(&mut parts, body)?
        }
        (true, false) => Body::empty(),
        (false, false) => plain(&parts, RequestBody::new(&parts, body))?,
    };
    Ok(Request::from_parts(parts, body))
}

/// The region that a request was signed for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SignedRegion(pub(super) String);

/// `Credential=<key>/<date>/<region>/s3/aws4_request`
fn signed_region(parts: &Parts) -> Option<SignedRegion> {
    let authorization = text(&parts.headers, AUTHORIZATION.as_str())?;
    let (_, credential) = authorization.split_once("Credential=")?;
    let scope = credential.split(',').next()?;
    scope.rsplit('/').nth(2).map(|region| SignedRegion(region.to_owned()))
}

/// Refuses requests that expect the bucket to be someone else's.
///
/// # Errors
/// `AccessDenied`.
pub(super) fn check_owner(parts: &Parts, account: &str) -> S3Result<()> {
    let names = ["x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner"];
    let mut expected = names.iter().filter_map(|name| text(&parts.headers, name));
    match expected.all(|owner| owner == account) {
        true => Ok(()),
        false => Err(s3_error!(AccessDenied, "Access Denied")),
    }
}

/// What can be asked of a bucket or an object beside itself, and not deleted.
const LASTING: [&str; 15] = [
    "accelerate",
    "acl",
    "attributes",
    "legal-hold",
    "location",
    "logging",
    "notification",
    "object-lock",
    "policyStatus",
    "requestPayment",
    "retention",
    "torrent",
    "uploads",
    "versioning",
    "versions",
];

/// Refuses methods that S3 does not have, and the deletion of what can't be:
/// `s3s` would delete the bucket or the object itself.
///
/// # Errors
/// `MethodNotAllowed`.
pub(super) fn check_method(parts: &Parts) -> S3Result<()> {
    let methods = [Method::GET, Method::HEAD, Method::PUT, Method::POST, Method::DELETE];
    let query = parts.uri.query().unwrap_or_default();
    let mut names = query.split('&').filter_map(|pair| pair.split('=').next());
    let lasts = parts.method == Method::DELETE && names.any(|name| LASTING.contains(&name));
    let odd_post = parts.method == Method::POST
        && parts.uri.query().is_none()
        && host::address(parts).is_some_and(|(_, key)| !key.is_empty());
    match methods.contains(&parts.method) && !lasts && !odd_post {
        true => Ok(()),
        false => Err(s3_error!(
            MethodNotAllowed,
            "The specified method is not allowed against this resource."
        )),
    }
}

/// A range that is not one, or is more than one, is passed over: the whole
/// object is given then, as RFC 9110, section 14.2, allows.
fn drop_odd_range(headers: &mut HeaderMap) {
    if text(headers, RANGE.as_str()).is_some_and(|range| !is_one_range(range)) {
        headers.remove(RANGE);
    }
}

/// S3 reads `+` in the source of a copy as a space.
fn read_plus(headers: &mut HeaderMap) {
    const SOURCE: &str = "x-amz-copy-source";
    let Some(source) = text(headers, SOURCE).filter(|source| source.contains('+')) else { return };
    if let Ok(read) = HeaderValue::try_from(source.replace('+', "%20")) {
        headers.insert(SOURCE, read);
    }
}

fn is_one_range(range: &str) -> bool {
    let bounds = range.strip_prefix("bytes=").and_then(|bounds| bounds.split_once('-'));
    let Some((first, last)) = bounds else { return false };
    match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) => first <= last,
        (Ok(_), Err(_)) => last.is_empty(),
        (Err(_), Ok(_)) => first.is_empty(),
        (Err(_), Err(_)) => false,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_single_range_is_one() {
        for range in ["bytes=0-1", "bytes=5-", "bytes=-3", "bytes=2-2"] {
            assert!(is_one_range(range), "{range}");
        }
        for range in ["bytes=0-1,4-5", "bytes=5-2", "bytes=-", "lines=0-1", "0-1", "bytes=a-b"] {
            assert!(!is_one_range(range), "{range}");
        }
    }

    #[test]
    fn the_region_stands_in_the_credential() {
        let signed = "AWS4-HMAC-SHA256 Credential=A/20250101/eu-west-1/s3/aws4_request, Sig=0";
        let request = Request::builder().header(AUTHORIZATION, signed).body(()).unwrap();
        let region = signed_region(&request.into_parts().0);
        assert_eq!(region, Some(SignedRegion("eu-west-1".to_owned())));
    }
}
