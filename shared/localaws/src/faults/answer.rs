//! An error on purpose, as the service it is injected into would write it.

use hyper::Response;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use s3s::Body;

use super::engine::Refusal;
use crate::answer;
use crate::call::Call;
use crate::query::{self, Namespace, QueryError, Xml};
use crate::route::Route;

/// The answer to a request that is refused on purpose.
pub(crate) fn refusal(route: &Route, call: &Call, refusal: Refusal) -> Response<Body> {
    let (status, code, message) = match refusal {
        Refusal::Error { status, code, message } => (status, code, message),
        Refusal::Throttled => throttled(call.service),
    };
    match route {
        Route::S3 => s3(status, &code, &message, &call.resource),
        Route::Query(_) => query::refuse(&QueryError {
            code: code.into(),
            ..QueryError::new(Namespace::of(call.service), status, "InternalError", message)
        }),
        Route::CloudWatch { .. } => answer::cbor_error(status, &code, &message),
        Route::Json { .. }
        | Route::Scheduler
        | Route::EcsAgent
        | Route::Control
        | Route::Health => {
            let fault = if status < 500 { "Sender" } else { "Receiver" };
            let query = format!("{code};{fault}");
            let error =
                answer::JsonError { status, shape: &code, query: &query, message: &message };
            answer::json_error(&error)
        }
    }
}

/// What a service says when it is asked too often. Source: the common errors
/// and error codes in each service's API reference.
fn throttled(service: &str) -> (u16, String, String) {
    let (status, code, message) = match service {
        "s3" => (503, "SlowDown", "Please reduce your request rate."),
        "sqs" => (403, "RequestThrottled", "The request was denied due to request throttling."),
        "sns" => (400, "Throttled", "Rate exceeded"),
        "cloudwatch" | "sts" => (400, "Throttling", "Rate exceeded"),
        _ => (400, "ThrottlingException", "Rate exceeded"),
    };
    (status, code.to_owned(), message.to_owned())
}

fn s3(status: u16, code: &str, message: &str, resource: &str) -> Response<Body> {
    let mut error = Xml::default();
    error.within("Error", |xml| {
        xml.text("Code", code).text("Message", message).text("Resource", resource);
    });
    let mut response = answer::xml(status, error.document());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    response
}
