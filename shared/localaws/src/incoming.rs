//! The bodies of requests that fit in memory: read to the end, unpacked, refused
//! where they are too long.

use std::io::{self, Read};

use bytes::Bytes;
use flate2::read::GzDecoder;
use http_body_util::{BodyExt, Limited};
use hyper::Response;
use hyper::body::Incoming;
use hyper::header::CONTENT_ENCODING;
use hyper::http::request::Parts;
use s3s::Body;

use crate::answer::{self, JsonError};

/// Bytes of a request at most, S3 aside: a batch of 1 MiB, in JSON escapes.
const MAX_REQUEST: usize = 8 << 20;

/// The whole body of a request, or the answer to one that can't be read.
pub(crate) async fn collect(head: &Parts, body: Incoming) -> Result<Bytes, Response<Body>> {
    let collected = Limited::new(body, MAX_REQUEST).collect().await;
    let body = collected.map_err(|error| unreadable(&error.to_string()))?.to_bytes();
    match head.headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding == "gzip") {
        true => unpacked(&body).map_err(|error| unreadable(&error.to_string())),
        false => Ok(body),
    }
}

/// SDKs compress what is long, metrics above all.
fn unpacked(body: &[u8]) -> io::Result<Bytes> {
    let mut unpacked = Vec::new();
    let most = MAX_REQUEST as u64 + 1;
    GzDecoder::new(body).take(most).read_to_end(&mut unpacked)?;
    match unpacked.len() > MAX_REQUEST {
        true => Err(io::Error::other("it is too long when unpacked")),
        false => Ok(unpacked.into()),
    }
}

fn unreadable(reason: &str) -> Response<Body> {
    answer::json_error(&JsonError {
        status: 413,
        shape: "RequestEntityTooLarge",
        query: "RequestEntityTooLarge;Sender",
        message: &format!(
            "the request can't be read or is longer than {MAX_REQUEST} bytes: {reason}"
        ),
    })
}
