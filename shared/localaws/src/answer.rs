//! Answers in the two protocols: AWS JSON and AWS Query.

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use rand::RngCore;
use s3s::Body;
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const PROTOCOL: HeaderName = HeaderName::from_static("smithy-protocol");
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");

/// An error in the AWS JSON protocol.
pub(crate) struct JsonError<'a> {
    /// HTTP status.
    pub(crate) status: u16,
    /// `__type`.
    pub(crate) shape: &'a str,
    /// `x-amzn-query-error`: the code of the older protocol and whose fault.
    pub(crate) query: &'a str,
    /// What went wrong.
    pub(crate) message: &'a str,
}

/// A random (version 4) UUID, by the thread's generator: no system call.
pub(crate) fn random_id() -> Uuid {
    let mut bytes = [0; 16];
    rand::rng().fill_bytes(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// A result in the AWS JSON 1.0 protocol.
pub(crate) fn json(body: Bytes) -> Response<Body> {
    answer(StatusCode::OK, "application/x-amz-json-1.0", body)
}

/// A result in the AWS JSON 1.1 protocol.
pub(crate) fn json_1_1(body: Bytes) -> Response<Body> {
    answer(StatusCode::OK, "application/x-amz-json-1.1", body)
}

/// A result of this status in the REST JSON protocol.
pub(crate) fn rest_json(status_code: u16, body: Bytes) -> Response<Body> {
    answer(status(status_code), "application/json", body)
}

/// An error in the AWS JSON 1.0 protocol.
pub(crate) fn json_error(error: &JsonError<'_>) -> Response<Body> {
    let body = serde_json::json!({"__type": error.shape, "message": error.message});
    let mut response = json(body.to_string().into());
    *response.status_mut() = status(error.status);
    name_query_error(&mut response, error.query);
    response
}

/// A document in the RPC v2 CBOR protocol.
pub(crate) fn cbor(status_code: u16, document: Vec<u8>) -> Response<Body> {
    let mut response = answer(status(status_code), "application/cbor", document.into());
    response.headers_mut().insert(PROTOCOL, HeaderValue::from_static("rpc-v2-cbor"));
    response
}

/// An error in the RPC v2 CBOR protocol.
pub(crate) fn cbor_error(status_code: u16, shape: &str, message: &str) -> Response<Body> {
    let mut document = Vec::new();
    let error = serde_json::json!({"__type": shape, "message": message});
    // Writing to memory does not fail.
    let _ = ciborium::into_writer(&error, &mut document);
    cbor(status_code, document)
}

/// Says the code that the older protocol has for an error, and whose fault it is.
pub(crate) fn name_query_error(response: &mut Response<Body>, query: &str) {
    if let Ok(query) = HeaderValue::from_str(query) {
        response.headers_mut().insert(QUERY_ERROR, query);
    }
}

/// A document in the AWS Query protocol, or none.
pub(crate) fn xml(status_code: u16, document: String) -> Response<Body> {
    answer(status(status_code), "text/xml", document.into())
}

/// Plain JSON, of no AWS protocol.
pub(crate) fn plain_json(body: String) -> Response<Body> {
    answer(StatusCode::OK, "application/json", body.into())
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn answer(status: StatusCode, content_type: &'static str, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    let mut id = [0; uuid::fmt::Hyphenated::LENGTH];
    if let Ok(id) = HeaderValue::from_str(random_id().hyphenated().encode_lower(&mut id)) {
        headers.insert(REQUEST_ID, id);
    }
    response
}
