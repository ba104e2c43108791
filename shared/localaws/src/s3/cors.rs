//! Answers browsers that call from another origin, by a bucket's CORS rules:
//! their preflight requests, and the headers of what they then ask for.

use hyper::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderName,
    HeaderValue, ORIGIN, VARY,
};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use s3s::dto::{CORSConfiguration, CORSRule};
use s3s::{Body, S3Error, S3Result, s3_error};

use super::document::CORS;
use super::error;
use super::host;
use super::store::Store;

const METHODS: [&str; 5] = ["GET", "PUT", "HEAD", "POST", "DELETE"];

/// Checks the rules.
///
/// # Errors
/// `InvalidRequest` or `MalformedXML`.
pub(super) fn check(rules: &CORSConfiguration) -> S3Result<()> {
    for rule in &rules.cors_rules {
        if rule.allowed_methods.is_empty() || rule.allowed_origins.is_empty() {
            return Err(error::malformed_xml());
        }
        let known = |method: &&String| METHODS.contains(&method.as_str());
        if let Some(method) = rule.allowed_methods.iter().find(|method| !known(method)) {
            return Err(s3_error!(
                InvalidRequest,
                "Found unsupported HTTP method in CORS config. Unsupported method is {method}"
            ));
        }
        let crowded = |origin: &&String| origin.matches('*').count() > 1;
        if let Some(origin) = rule.allowed_origins.iter().find(crowded) {
            return Err(s3_error!(
                InvalidRequest,
                "AllowedOrigin \"{origin}\" can not have more than one wildcard."
            ));
        }
    }
    Ok(())
}

/// What a browser says of where it calls from.
#[derive(Debug)]
pub(super) struct Caller {
    bucket: String,
    origin: String,
    method: String,
}

impl Caller {
    /// Reads it, where the request is from another origin.
    pub(super) fn of(parts: &Parts) -> Option<Self> {
        let origin = text(&parts.headers, &ORIGIN)?;
        let (bucket, _) = host::address(parts)?;
        Some(Self { bucket, origin, method: parts.method.as_str().to_owned() })
    }

    /// Lets the browser see the answer, if a rule does.
    pub(super) fn mark(&self, store: &Store, headers: &mut HeaderMap) {
        let Some(rules) = rules(store, &self.bucket) else { return };
        let rule = rules.cors_rules.iter().find(|rule| allows(rule, &self.origin, &self.method));
        if let Some(rule) = rule {
            allow(headers, rule, &self.origin);
        }
    }
}

/// Answers `OPTIONS`.
pub(super) fn preflight(store: &Store, parts: &Parts) -> S3Result<Response<Body>> {
    let Some(origin) = text(&parts.headers, &ORIGIN) else {
        return Err(bad_request("Insufficient information. Origin request header needed."));
    };
    let method = text(&parts.headers, &ACCESS_CONTROL_REQUEST_METHOD);
    let method = method.filter(|method| METHODS.contains(&method.as_str())).ok_or_else(|| {
        bad_request("Invalid Access-Control-Request-Method: it names none that S3 has.")
    })?;
    let asked = text(&parts.headers, &ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or_default();
    let asked: Vec<_> = asked.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let bucket = host::address(parts).map(|(bucket, _)| bucket).unwrap_or_default();
    let rules = rules(store, &bucket)
        .ok_or_else(|| forbidden("CORSResponse: CORS is not enabled for this bucket."))?;
    let rule = rules.cors_rules.iter().find(|rule| {
        allows(rule, &origin, &method) && asked.iter().all(|name| allows_header(rule, name))
    });
    let rule = rule.ok_or_else(|| {
        forbidden(
            "CORSResponse: This CORS request is not allowed. This is usually because the \
             evalution of Origin, request method / Access-Control-Request-Method or \
             Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.",
        )
    })?;
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    allow(headers, rule, &origin);
    if !asked.is_empty() {
        insert(headers, ACCESS_CONTROL_ALLOW_HEADERS, &asked.join(", ").to_lowercase());
    }
    Ok(response)
}

fn rules(store: &Store, bucket: &str) -> Option<CORSConfiguration> {
    store.bucket(bucket).ok()?.read(|index| index.settings.documents.read(CORS))
}

fn allows(rule: &CORSRule, origin: &str, method: &str) -> bool {
    rule.allowed_origins.iter().any(|pattern| fits(pattern, origin))
        && rule.allowed_methods.iter().any(|allowed| allowed == method)
}

fn allows_header(rule: &CORSRule, name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let mut allowed = rule.allowed_headers.iter().flatten();
    allowed.any(|pattern| fits(&pattern.to_ascii_lowercase(), &name))
}

/// Whether a pattern with at most one `*` covers a text.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        Some((before, after)) => {
            text.len() >= before.len() + after.len()
                && text.starts_with(before)
                && text.ends_with(after)
        }
        None => pattern == text,
    }
}

fn allow(headers: &mut HeaderMap, rule: &CORSRule, origin: &str) {
    let everyone = rule.allowed_origins.iter().any(|allowed| allowed == "*");
    if everyone {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    } else {
        insert(headers, ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    insert(headers, ACCESS_CONTROL_ALLOW_METHODS, &rule.allowed_methods.join(", "));
    let exposed = rule.expose_headers.iter().flatten().cloned().collect::<Vec<_>>().join(", ");
    if !exposed.is_empty() {
        insert(headers, ACCESS_CONTROL_EXPOSE_HEADERS, &exposed);
    }
    if let Some(seconds) = rule.max_age_seconds {
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(seconds));
    }
    let vary = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";
    headers.insert(VARY, HeaderValue::from_static(vary));
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn bad_request(message: &'static str) -> S3Error {
    error::custom("BadRequest", StatusCode::BAD_REQUEST, message.to_owned())
}

fn forbidden(message: &'static str) -> S3Error {
    error::custom("AccessForbidden", StatusCode::FORBIDDEN, message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text, expected) in [
            ("*", "https://a", true),
            ("https://*.a.com", "https://x.a.com", true),
            ("https://*.a.com", "https://a.com", false),
            ("https://a.com", "https://a.com", true),
            ("https://a.com", "https://b.com", false),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }
}
