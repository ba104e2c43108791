//! Which service a request is for.
//!
//! AWS gives each service a host name of its own. Here all share one, so the
//! protocol tells them apart: JSON services name the operation in
//! `X-Amz-Target`, Query services are sent forms, and the credential scope of
//! the signature says which of them is meant. Everything else is S3.

use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use hyper::http::request::Parts;
use hyper::{Method, header};

use crate::ecs::Ecs;

/// Where this endpoint tells how it is.
const HEALTH: &str = "/_millrace/health";
/// Where it is driven from: `/_millrace/control/<what>`.
pub(crate) const CONTROL: &str = "/_millrace/control/";
/// CloudWatch in the RPC v2 CBOR protocol.
const CLOUDWATCH: &str = "/service/GraniteServiceVersion20100801/operation/";

/// What a request asks for, as far as its head tells.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// Whether the endpoint is up.
    Health,
    /// `<target>.<operation>` of a JSON service.
    Json {
        /// As in `AmazonSQS`.
        target: String,
        /// As in `SendMessage`.
        operation: String,
    },
    /// `<operation>` of CloudWatch, in CBOR.
    CloudWatch {
        /// As in `PutMetricData`.
        operation: String,
    },
    /// A Query service; the operation is in the form.
    Query(QueryService),
    /// EventBridge Scheduler; method and path tell the operation.
    Scheduler,
    /// A task of ECS asks its agent.
    EcsAgent,
    /// Whoever drives this endpoint: its clock, its faults.
    Control,
    /// S3.
    S3,
}

/// The services that speak the Query protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QueryService {
    /// CloudWatch.
    CloudWatch,
    /// SNS.
    Sns,
    /// STS.
    Sts,
    /// Not said, or none of these: the operation's name has to tell.
    Unknown,
}

impl Route {
    /// The route of a request with this head.
    pub(crate) fn of(head: &Parts) -> Self {
        match head.uri.path() {
            HEALTH => return Self::Health,
            path if path.starts_with(Ecs::AGENT) => return Self::EcsAgent,
            path if path.starts_with(CONTROL) => return Self::Control,
            path => {
                if let Some(operation) = path.strip_prefix(CLOUDWATCH) {
                    return Self::CloudWatch { operation: operation.to_owned() };
                }
            }
        }
        if let Some((target, operation)) = target(&head.headers) {
            return Self::Json { target: target.to_owned(), operation: operation.to_owned() };
        }
        let service = signed_service(head);
        match service {
            Some("scheduler") => return Self::Scheduler,
            Some("monitoring") => return Self::Query(QueryService::CloudWatch),
            Some("sns") => return Self::Query(QueryService::Sns),
            Some("sts") => return Self::Query(QueryService::Sts),
            _ => {}
        }
        let at_root = head.uri.path() == "/" && service != Some("s3");
        if at_root && (is_form(head) || has_action(head)) {
            return Self::Query(QueryService::Unknown);
        }
        Self::S3
    }
}

fn target(headers: &HeaderMap) -> Option<(&str, &str)> {
    headers.get("x-amz-target")?.to_str().ok()?.split_once('.')
}

/// The service in the credential scope:
/// `Credential=<key>/<date>/<region>/<service>/aws4_request`, in the header or,
/// of a presigned request, in the query string.
fn signed_service(head: &Parts) -> Option<&str> {
    let (credential, separator) = credential(head)?;
    let mut scope = credential.rsplit(separator);
    scope.next()?;
    scope.next()
}

/// The access key that a request is signed with.
pub(crate) fn key_id(head: &Parts) -> Option<String> {
    let (credential, separator) = credential(head)?;
    credential.split(separator).next().map(str::to_owned)
}

/// The credential, and what separates its parts.
fn credential(head: &Parts) -> Option<(&str, &'static str)> {
    let (credential, separator) = match head.headers.get(AUTHORIZATION) {
        Some(header) => (header.to_str().ok()?.split_once("Credential=")?.1, "/"),
        None => (head.uri.query()?.split_once("X-Amz-Credential=")?.1, "%2F"),
    };
    let end = credential.find(['&', ',']).unwrap_or(credential.len());
    Some((&credential[..end], separator))
}

fn is_form(head: &Parts) -> bool {
    let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_form = |value: &str| value.starts_with("application/x-www-form-urlencoded");
    head.method == Method::POST && content_type.is_some_and(is_form)
}

fn has_action(head: &Parts) -> bool {
    let query = head.uri.query().unwrap_or_default();
    query.split('&').any(|pair| pair.starts_with("Action="))
}

/// The base of this endpoint's URLs as the caller knows it.
pub(crate) fn base_url(headers: &HeaderMap, own: &str) -> String {
    match headers.get(header::HOST).and_then(|host| host.to_str().ok()) {
        Some(host) => format!("http://{host}"),
        None => own.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn route(method: &str, uri: &str, headers: &[(&str, &str)]) -> Route {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Route::of(&request.body(()).expect("a request").into_parts().0)
    }

    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");

    fn signed_for(service: &str) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential=AKID/20250101/us-east-1/{service}/aws4_request, \
             SignedHeaders=host, Signature=00"
        )
    }

    #[test]
    fn a_target_names_a_json_service() {
        let expected = Route::Json { target: "AmazonSQS".into(), operation: "SendMessage".into() };
        assert_eq!(route("POST", "/", &[("x-amz-target", "AmazonSQS.SendMessage")]), expected);
    }

    #[test]
    fn the_signature_tells_query_services_apart() {
        for (service, expected) in [("sns", QueryService::Sns), ("sts", QueryService::Sts)] {
            let authorization = signed_for(service);
            let headers = [FORM, ("authorization", authorization.as_str())];
            assert_eq!(route("POST", "/", &headers), Route::Query(expected));
        }
        let presigned =
            "/?Action=GetCallerIdentity&X-Amz-Credential=A%2F2025%2Fr%2Fsts%2Faws4_request&x=1";
        assert_eq!(route("GET", presigned, &[]), Route::Query(QueryService::Sts));
        assert_eq!(route("POST", "/", &[FORM]), Route::Query(QueryService::Unknown));
    }

    #[test]
    fn everything_else_is_s3() {
        let authorization = signed_for("s3");
        let signed = ("authorization", authorization.as_str());
        assert_eq!(route("POST", "/bucket/key?uploads", &[FORM, signed]), Route::S3);
        assert_eq!(route("GET", "/", &[signed]), Route::S3);
        assert_eq!(route("GET", "/", &[]), Route::S3);
        let presigned = "/b/k?X-Amz-Credential=A%2F2025%2Fr%2Fs3%2Faws4_request&X-Amz-Expires=1";
        assert_eq!(route("PUT", presigned, &[]), Route::S3);
    }
}
