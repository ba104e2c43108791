//! Which host names carry a bucket: `<bucket>.localhost` and
//! `<bucket>.s3.<anything>`. All others are path-style.

use hyper::header::HOST;
use hyper::http::request::Parts;
use percent_encoding::percent_decode_str;
use s3s::S3Result;
use s3s::host::{S3Host, VirtualHost};

/// Finds the bucket in a host name.
#[derive(Debug)]
pub(super) struct Host;

impl S3Host for Host {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let virtual_host = VirtualHost::new(host);
        Ok(match bucket(host) {
            Some(bucket) => virtual_host.with_bucket(bucket),
            None => virtual_host,
        })
    }
}

/// The bucket and the key that a request is about, where it is about a bucket;
/// the key is empty where it is about the bucket itself.
pub(crate) fn address(parts: &Parts) -> Option<(String, String)> {
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let path = parts.uri.path().strip_prefix('/').unwrap_or_default();
    let path = percent_decode_str(path).decode_utf8().ok()?.into_owned();
    if let Some(bucket) = host.and_then(bucket) {
        return Some((bucket.to_owned(), path));
    }
    let (bucket, key) = path.split_once('/').unwrap_or((&path, ""));
    (!bucket.is_empty()).then(|| (bucket.to_owned(), key.to_owned()))
}

fn bucket(host: &str) -> Option<&str> {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    };
    let (bucket, _) = name
        .split_once(".s3.")
        .or_else(|| name.split_once(".s3-"))
        .or_else(|| Some((name.strip_suffix(".localhost")?, "")))?;
    (!bucket.is_empty() && bucket != "s3").then_some(bucket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_found_in_host_names() {
        for (host, found) in [
            ("raw.localhost:4566", Some("raw")),
            ("my.raw.s3.localhost:4566", Some("my.raw")),
            ("raw.s3.us-east-1.amazonaws.com", Some("raw")),
            ("s3.localhost", None),
            ("localhost:4566", None),
            ("s3.us-east-1.amazonaws.com", None),
            ("aws.internal:4566", None),
        ] {
            assert_eq!(bucket(host), found, "{host}");
        }
    }
}
