//! What the services of the JSON protocols share: reading parameters, writing
//! results, and errors that SDKs know by their code.

use std::io;

use bytes::Bytes;
use hyper::Response;
use hyper::header::{HeaderName, HeaderValue};
use s3s::Body;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::answer;

const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// An error answer of a JSON service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServiceError {
    /// HTTP status.
    pub(crate) status: u16,
    /// The code SDKs know the error by, as in `ResourceNotFoundException`.
    pub(crate) code: &'static str,
    /// What went wrong.
    pub(crate) message: String,
}

impl ServiceError {
    /// The caller's fault.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, code, message: message.into() }
    }

    /// Parameters that break a rule.
    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationException", message)
    }

    /// An operation that this endpoint does not have.
    pub(crate) fn unknown_operation(service: &str, operation: &str) -> Self {
        let message = format!("this endpoint has no {service} operation `{operation}`");
        Self::new("UnknownOperationException", message)
    }

    /// The error in the AWS JSON protocols.
    pub(crate) fn refuse(&self) -> Response<Body> {
        let fault = if self.status < 500 { "Sender" } else { "Receiver" };
        answer::json_error(&answer::JsonError {
            status: self.status,
            shape: self.code,
            query: &format!("{};{fault}", self.code),
            message: &self.message,
        })
    }

    /// The error in the REST JSON protocol.
    pub(crate) fn refuse_rest(&self) -> Response<Body> {
        let body = serde_json::json!({"Message": self.message});
        let mut response = answer::rest_json(self.status, body.to_string().into());
        response.headers_mut().insert(ERROR_TYPE, HeaderValue::from_static(self.code));
        response
    }
}

impl From<io::Error> for ServiceError {
    fn from(error: io::Error) -> Self {
        tracing::error!(%error, "a service's state can't be stored");
        let message = format!("the endpoint can't store its state: {error}");
        Self { status: 500, code: "InternalServerError", message }
    }
}

impl From<serde_json::Error> for ServiceError {
    fn from(error: serde_json::Error) -> Self {
        Self::new(
            "SerializationException",
            format!("the request is not what was expected: {error}"),
        )
    }
}

/// A request's parameters; no body is the same as none of them.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ServiceError> {
    let body = if body.is_empty() { b"{}" } else { body };
    Ok(serde_json::from_slice(body)?)
}

/// A result's bytes.
pub(crate) fn write(result: &impl Serialize) -> Result<Bytes, ServiceError> {
    Ok(serde_json::to_vec(result)?.into())
}

/// A result with nothing in it.
pub(crate) fn empty() -> Result<Bytes, ServiceError> {
    Ok(Bytes::from_static(b"{}"))
}
