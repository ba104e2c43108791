//! Whether a request is signed with one of the configured keys.
//!
//! Source: "Create a signed AWS API request", IAM User Guide, and
//! "Authenticating Requests (AWS Signature Version 4)", Amazon S3 API
//! Reference. The signatures of the pieces of a streamed body are not checked;
//! that of the request, which covers its headers, is.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, NaiveDateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::config::AccessKey;
use crate::hex::hex;

/// How far a request's date may lie from the time it arrives.
const SKEW: Duration = Duration::from_secs(15 * 60);
/// What stays as it is in a canonical request.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The keys that requests have to be signed with; without any, everyone is let
/// in.
#[derive(Debug, Default)]
pub(crate) struct Keys(BTreeMap<String, String>);

/// A request that is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum Denial {
    /// No signature.
    #[error("the request is not signed")]
    Missing,
    /// A signature that can't be read.
    #[error("the signature is not one of AWS Signature Version 4")]
    Malformed,
    /// A key that is not configured.
    #[error("the access key id is not one of this endpoint's keys")]
    UnknownKey,
    /// Not what the secret makes of this request.
    #[error("the signature does not match; check the secret key and what was signed")]
    Mismatch,
    /// Signed too long ago or in the future.
    #[error("the request is dated more than 15 minutes from now")]
    Skewed,
    /// A presigned URL past its time.
    #[error("Request has expired")]
    Expired,
}

impl Denial {
    /// Code of the error in S3 and in the other services.
    pub(crate) fn codes(self) -> (&'static str, &'static str) {
        match self {
            Self::Missing => ("AccessDenied", "MissingAuthenticationToken"),
            Self::Malformed => ("AuthorizationHeaderMalformed", "IncompleteSignature"),
            Self::UnknownKey => ("InvalidAccessKeyId", "UnrecognizedClientException"),
            Self::Mismatch => ("SignatureDoesNotMatch", "InvalidSignatureException"),
            Self::Skewed => ("RequestTimeTooSkewed", "RequestExpired"),
            Self::Expired => ("AccessDenied", "RequestExpired"),
        }
    }
}

/// What a request says of its signature.
struct Signed<'a> {
    key_id: Cow<'a, str>,
    /// `<date>/<region>/<service>/aws4_request`
    scope: String,
    headers: Vec<String>,
    signature: Cow<'a, str>,
    at: String,
    /// Of a presigned URL.
    expires: Option<Duration>,
}

impl Keys {
    /// These keys.
    pub(crate) fn new(keys: &[AccessKey]) -> Self {
        Self(keys.iter().map(|key| (key.id.clone(), key.secret.clone())).collect())
    }

    /// Whether signatures are checked at all.
    pub(crate) fn are_checked(&self) -> bool {
        !self.0.is_empty()
    }

    /// Checks a request. `body` is what it carries; without one the hash that
    /// the request itself names is taken.
    pub(crate) fn check(
        &self,
        head: &Parts,
        body: Option<&[u8]>,
        now: SystemTime,
    ) -> Result<(), Denial> {
        if !self.are_checked() {
            return Ok(());
        }
        let signed = Signed::of(head)?;
        let secret = self.0.get(&*signed.key_id).ok_or(Denial::UnknownKey)?;
        signed.check_time(now)?;
        let to_sign = signed.to_sign(head, body)?;
        let mut signature = signing_key(secret, &signed.scope).ok_or(Denial::Malformed)?;
        signature.update(to_sign.as_bytes());
        let given = decode_hex(&signed.signature).ok_or(Denial::Malformed)?;
        signature.verify_slice(&given).map_err(|_| Denial::Mismatch)
    }
}

impl<'a> Signed<'a> {
    fn of(head: &'a Parts) -> Result<Self, Denial> {
        match head.headers.get(AUTHORIZATION) {
            Some(header) => {
                let header = header.to_str().map_err(|_| Denial::Malformed)?;
                Self::of_header(header, &head.headers).ok_or(Denial::Malformed)
            }
            None => Self::of_query(head.uri.query().unwrap_or_default()),
        }
    }

    fn of_header(header: &'a str, headers: &HeaderMap) -> Option<Self> {
        let fields = header.strip_prefix("AWS4-HMAC-SHA256")?;
        let field = |name: &str| {
            fields.split(',').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='))
        };
        let (key_id, scope) = field("Credential")?.split_once('/')?;
        Some(Self {
            key_id: key_id.into(),
            scope: scope.to_owned(),
            headers: field("SignedHeaders")?.split(';').map(str::to_owned).collect(),
            signature: field("Signature")?.into(),
            at: headers.get("x-amz-date")?.to_str().ok()?.to_owned(),
            expires: None,
        })
    }

    fn of_query(query: &'a str) -> Result<Self, Denial> {
        let parameters: BTreeMap<_, _> = form_urlencoded::parse(query.as_bytes()).collect();
        let get = |name: &str| parameters.get(name).cloned();
        let signature = get("X-Amz-Signature").ok_or(Denial::Missing)?;
        let read = || {
            let credential = get("X-Amz-Credential")?;
            let (key_id, scope) = credential.split_once('/')?;
            let seconds = get("X-Amz-Expires")?.parse().ok()?;
            Some(Self {
                key_id: key_id.to_owned().into(),
                scope: scope.to_owned(),
                headers: get("X-Amz-SignedHeaders")?.split(';').map(str::to_owned).collect(),
                signature,
                at: get("X-Amz-Date")?.into_owned(),
                expires: Some(Duration::from_secs(seconds)),
            })
        };
        read().ok_or(Denial::Malformed)
    }

    fn check_time(&self, now: SystemTime) -> Result<(), Denial> {
        let at = NaiveDateTime::parse_from_str(&self.at, "%Y%m%dT%H%M%SZ");
        let at: DateTime<Utc> = at.map_err(|_| Denial::Malformed)?.and_utc();
        let at = SystemTime::from(at);
        let late = now.duration_since(at).unwrap_or_default();
        let early = at.duration_since(now).unwrap_or_default();
        match self.expires {
            Some(expires) if late > expires => Err(Denial::Expired),
            None if late > SKEW => Err(Denial::Skewed),
            Some(_) | None if early > SKEW => Err(Denial::Skewed),
            Some(_) | None => Ok(()),
        }
    }

    /// The string to sign.
    fn to_sign(&self, head: &Parts, body: Option<&[u8]>) -> Result<String, Denial> {
        let request = self.canonical_request(head, body)?;
        let hash = hex(&Sha256::digest(request.as_bytes()));
        Ok(format!("AWS4-HMAC-SHA256\n{}\n{}\n{hash}", self.at, self.scope))
    }

    fn canonical_request(&self, head: &Parts, body: Option<&[u8]>) -> Result<String, Denial> {
        let mut request = format!("{}\n{}\n", head.method, self.canonical_path(head.uri.path()));
        request.push_str(&canonical_query(head.uri.query().unwrap_or_default()));
        request.push('\n');
        for name in &self.headers {
            let values = head.headers.get_all(name).iter();
            let values: Result<Vec<_>, _> =
                values.map(|value| value.to_str().map(squeezed)).collect();
            let values = values.map_err(|_| Denial::Malformed)?;
            // Writing to a string does not fail.
            let _ = writeln!(request, "{name}:{}", values.join(","));
        }
        let _ = write!(request, "\n{}\n", self.headers.join(";"));
        let named = head.headers.get("x-amz-content-sha256").and_then(|hash| hash.to_str().ok());
        match (named, body) {
            (Some(hash), _) => request.push_str(hash),
            (None, _) if self.expires.is_some() => request.push_str("UNSIGNED-PAYLOAD"),
            (None, body) => request.push_str(&hex(&Sha256::digest(body.unwrap_or_default()))),
        }
        Ok(request)
    }

    /// S3 signs the path as it is sent, the others encode it once more.
    fn canonical_path<'p>(&self, path: &'p str) -> Cow<'p, str> {
        if self.scope.ends_with("/s3/aws4_request") {
            return path.into();
        }
        let parts = path.split('/').map(|part| utf8_percent_encode(part, ENCODED).to_string());
        parts.collect::<Vec<_>>().join("/").into()
    }
}

fn canonical_query(query: &str) -> String {
    let encoded = |text: &str| {
        let text = percent_decode_str(text).collect::<Vec<u8>>();
        percent_encoding::percent_encode(&text, ENCODED).to_string()
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let pairs = pairs.filter(|(name, _)| *name != "X-Amz-Signature");
    let mut pairs: Vec<_> = pairs.map(|(name, value)| (encoded(name), encoded(value))).collect();
    pairs.sort();
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// A header's value as it is signed: trimmed, runs of spaces as one.
fn squeezed(value: &str) -> String {
    value.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The key for one day, region and service.
fn signing_key(secret: &str, scope: &str) -> Option<Hmac<Sha256>> {
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in scope.split('/') {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
        mac.update(part.as_bytes());
        key = mac.finalize().into_bytes().to_vec();
    }
    Hmac::new_from_slice(&key).ok()
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    /// "Authenticating Requests: Using the Authorization Header", example "GET
    /// Object", Amazon S3 API Reference.
    #[test]
    fn the_example_of_the_reference_is_let_in() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let authorization = "AWS4-HMAC-SHA256 \
            Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
            SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,\
            Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
        let request = |range: &str| {
            let request = Request::builder()
                .uri("/test.txt")
                .header("host", "examplebucket.s3.amazonaws.com")
                .header("range", range)
                .header("x-amz-content-sha256", empty)
                .header("x-amz-date", "20130524T000000Z")
                .header("authorization", authorization);
            request.body(()).expect("a request").into_parts().0
        };
        let key = AccessKey {
            id: "AKIAIOSFODNN7EXAMPLE".into(),
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
        };
        let keys = Keys::new(&[key]);
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_369_353_600);
        assert_eq!(keys.check(&request("bytes=0-9"), None, at), Ok(()));
        assert_eq!(keys.check(&request("bytes=0-99"), None, at), Err(Denial::Mismatch));
        let late = at + Duration::from_secs(3600);
        assert_eq!(keys.check(&request("bytes=0-9"), None, late), Err(Denial::Skewed));
        let others = Keys::new(&[AccessKey { id: "other".into(), secret: "s".into() }]);
        assert_eq!(others.check(&request("bytes=0-9"), None, at), Err(Denial::UnknownKey));
    }

    /// "Authenticating Requests: Using Query Parameters", Amazon S3 API
    /// Reference.
    #[test]
    fn the_presigned_example_of_the_reference_is_let_in_for_its_time() {
        let uri = "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=\
            AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
            &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
            &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
        let request = Request::builder().uri(uri).header("host", "examplebucket.s3.amazonaws.com");
        let head = request.body(()).expect("a request").into_parts().0;
        let key = AccessKey {
            id: "AKIAIOSFODNN7EXAMPLE".into(),
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
        };
        let keys = Keys::new(&[key]);
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_369_353_600);
        assert_eq!(keys.check(&head, None, at + Duration::from_secs(86_400)), Ok(()));
        let expired = keys.check(&head, None, at + Duration::from_secs(86_401));
        assert_eq!(expired, Err(Denial::Expired));
    }

    #[test]
    fn an_unsigned_request_is_let_in_only_without_keys() {
        let head = Request::new(()).into_parts().0;
        let now = SystemTime::now();
        assert_eq!(Keys::default().check(&head, None, now), Ok(()));
        let keys = Keys::new(&[AccessKey { id: "a".into(), secret: "b".into() }]);
        assert_eq!(keys.check(&head, None, now), Err(Denial::Missing));
    }
}
