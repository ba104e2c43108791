//! What a request asks for, as AWS would name it: service, operation and
//! resource. Faults are aimed by it.
//!
//! Source of S3's names: the request syntax of each operation, Amazon S3 API
//! Reference.

use hyper::Method;
use hyper::http::request::Parts;
use serde_json::Value;

use crate::query::Form;
use crate::route::{QueryService, Route};
use crate::s3;

/// A request by its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    /// As in `s3`.
    pub(crate) service: &'static str,
    /// As in `PutObject`.
    pub(crate) operation: String,
    /// Name of the queue, topic, …, `<bucket>` or `<bucket>/<key>`; empty if
    /// there is none or it is not told.
    pub(crate) resource: String,
}

impl Call {
    /// The call of a request that is routed to S3.
    pub(crate) fn of_s3(head: &Parts) -> Self {
        let resource = s3_resource(head);
        let operation = s3_operation(head, &resource);
        Self { service: "s3", operation, resource }
    }

    /// The call of any other request; `None` for what is not of AWS.
    pub(crate) fn of(route: &Route, head: &Parts, body: &[u8]) -> Option<Self> {
        let (service, operation, resource) = match route {
            Route::Json { target, operation } => {
                (json_service(target)?, operation.clone(), json_resource(body))
            }
            Route::CloudWatch { operation } => ("cloudwatch", operation.clone(), String::new()),
            Route::Query(service) => {
                let form = Form::parse(head.uri.query().unwrap_or_default(), body);
                (query_service(*service), form.action().to_owned(), query_resource(&form))
            }
            Route::Scheduler => {
                let name = head.uri.path().rsplit('/').next().unwrap_or_default();
                ("scheduler", head.method.to_string(), name.to_owned())
            }
            Route::S3 => return Some(Self::of_s3(head)),
            Route::EcsAgent | Route::Control | Route::Health => return None,
        };
        Some(Self { service, operation, resource })
    }
}

fn json_service(target: &str) -> Option<&'static str> {
    match target {
        "AmazonSQS" => Some("sqs"),
        "AWSEvents" => Some("events"),
        "AmazonEC2ContainerServiceV20141113" => Some("ecs"),
        "secretsmanager" => Some("secretsmanager"),
        "AWSGlue" => Some("glue"),
        "GraniteServiceVersion20100801" => Some("cloudwatch"),
        _ => None,
    }
}

fn query_service(service: QueryService) -> &'static str {
    match service {
        QueryService::CloudWatch => "cloudwatch",
        QueryService::Sns | QueryService::Unknown => "sns",
        QueryService::Sts => "sts",
    }
}

/// The first of the parameters that name a resource, without what stands before
/// its name in a URL or ARN.
fn json_resource(body: &[u8]) -> String {
    const NAMES: [&str; 10] = [
        "QueueUrl",
        "QueueName",
        "service",
        "cluster",
        "SecretId",
        "Rule",
        "EventBusName",
        "TableName",
        "Name",
        "DatabaseName",
    ];
    let Ok(Value::Object(parameters)) = serde_json::from_slice(body) else { return String::new() };
    let named = NAMES.iter().find_map(|name| parameters.get(*name)?.as_str());
    named.map(last_part).unwrap_or_default().to_owned()
}

fn query_resource(form: &Form) -> String {
    let named = ["TopicArn", "TargetArn", "SubscriptionArn", "Name", "RoleArn"];
    let named = named.iter().find_map(|name| form.get(name));
    named.map(last_part).unwrap_or_default().to_owned()
}

/// `a` of `http://h/1/a` and of `arn:aws:sns:r:1:a`.
pub(crate) fn last_part(name: &str) -> &str {
    name.rsplit(['/', ':']).next().unwrap_or(name)
}

/// `<bucket>/<key>`, decoded; empty for the service itself.
fn s3_resource(head: &Parts) -> String {
    match s3::address(head) {
        Some((bucket, key)) if key.is_empty() => bucket,
        Some((bucket, key)) => format!("{bucket}/{key}"),
        None => String::new(),
    }
}

fn s3_operation(head: &Parts, resource: &str) -> String {
    let query = head.uri.query().unwrap_or_default();
    let has = |name: &str| {
        query.split('&').any(|pair| pair.split_once('=').map_or(pair, |(key, _)| key) == name)
    };
    let copies = head.headers.contains_key("x-amz-copy-source");
    let on_key = resource.contains('/');
    let name = match (&head.method, resource.is_empty(), on_key) {
        (&Method::GET, true, _) => "ListBuckets",
        (&Method::HEAD, _, true) => "HeadObject",
        (&Method::HEAD, _, false) => "HeadBucket",
        (&Method::GET, _, true) if has("uploadId") => "ListParts",
        (&Method::GET, _, true) if has("attributes") => "GetObjectAttributes",
        (&Method::GET, _, false) if has("list-type") => "ListObjectsV2",
        (&Method::GET, _, false) if has("versions") => "ListObjectVersions",
        (&Method::GET, _, false) if has("uploads") => "ListMultipartUploads",
        (&Method::PUT, _, true) if has("partNumber") && copies => "UploadPartCopy",
        (&Method::PUT, _, true) if has("partNumber") => "UploadPart",
        (&Method::PUT, _, true) if copies => "CopyObject",
        (&Method::DELETE, _, true) if has("uploadId") => "AbortMultipartUpload",
        (&Method::POST, _, true) if has("uploads") => "CreateMultipartUpload",
        (&Method::POST, _, true) if has("uploadId") => "CompleteMultipartUpload",
        (&Method::POST, _, false) if has("delete") => "DeleteObjects",
        (&Method::POST, _, _) => "PostObject",
        (method, _, on_key) => return of_subresource(method, query, on_key),
    };
    name.to_owned()
}

/// As in `PutBucketVersioning` for `PUT /bucket?versioning`.
fn of_subresource(method: &Method, query: &str, on_key: bool) -> String {
    const PARTS: [(&str, &str); 21] = [
        ("accelerate", "AccelerateConfiguration"),
        ("acl", "Acl"),
        ("cors", "Cors"),
        ("encryption", "Encryption"),
        ("legal-hold", "LegalHold"),
        ("lifecycle", "LifecycleConfiguration"),
        ("location", "Location"),
        ("logging", "Logging"),
        ("notification", "NotificationConfiguration"),
        ("object-lock", "ObjectLockConfiguration"),
        ("ownershipControls", "OwnershipControls"),
        ("policy", "Policy"),
        ("policyStatus", "PolicyStatus"),
        ("publicAccessBlock", "PublicAccessBlock"),
        ("replication", "Replication"),
        ("requestPayment", "RequestPayment"),
        ("restore", "Restore"),
        ("retention", "Retention"),
        ("tagging", "Tagging"),
        ("versioning", "Versioning"),
        ("website", "Website"),
    ];
    let names = || query.split('&').map(|pair| pair.split_once('=').map_or(pair, |(key, _)| key));
    let part = PARTS.iter().find(|(name, _)| names().any(|given| given == *name));
    let of = if on_key { "Object" } else { "Bucket" };
    let verb = match *method {
        Method::GET => "Get",
        Method::PUT => "Put",
        Method::DELETE => "Delete",
        _ => "Options",
    };
    match part {
        Some((_, part)) => format!("{verb}{of}{part}"),
        None if *method == Method::GET && !on_key => "ListObjects".to_owned(),
        None if *method == Method::PUT && !on_key => "CreateBucket".to_owned(),
        None => format!("{verb}{of}"),
    }
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn s3(method: &str, uri: &str, headers: &[(&str, &str)]) -> (String, String) {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let call = Call::of_s3(&request.body(()).expect("a request").into_parts().0);
        (call.operation, call.resource)
    }

    #[test]
    fn s3_requests_have_the_names_of_the_reference() {
        let copy = ("x-amz-copy-source", "/b/k");
        for (method, uri, headers, operation, resource) in [
            ("GET", "/", &[][..], "ListBuckets", ""),
            ("GET", "/b?list-type=2&prefix=versions", &[], "ListObjectsV2", "b"),
            ("GET", "/b/?versions", &[], "ListObjectVersions", "b"),
            ("GET", "/b", &[], "ListObjects", "b"),
            ("GET", "/b?policy", &[], "GetBucketPolicy", "b"),
            ("PUT", "/b", &[], "CreateBucket", "b"),
            ("PUT", "/b/a%20b/c", &[], "PutObject", "b/a b/c"),
            ("PUT", "/b/k", &[copy], "CopyObject", "b/k"),
            ("PUT", "/b/k?partNumber=1&uploadId=u", &[], "UploadPart", "b/k"),
            ("PUT", "/b/k?partNumber=1&uploadId=u", &[copy], "UploadPartCopy", "b/k"),
            ("POST", "/b/k?uploads", &[], "CreateMultipartUpload", "b/k"),
            ("POST", "/b/k?uploadId=u", &[], "CompleteMultipartUpload", "b/k"),
            ("POST", "/b?delete", &[], "DeleteObjects", "b"),
            ("DELETE", "/b/k?uploadId=u", &[], "AbortMultipartUpload", "b/k"),
            ("DELETE", "/b/k?tagging", &[], "DeleteObjectTagging", "b/k"),
            ("DELETE", "/b/k?versionId=v", &[], "DeleteObject", "b/k"),
            ("HEAD", "/b/k", &[], "HeadObject", "b/k"),
            ("GET", "/k", &[("host", "raw.localhost:4566")], "GetObject", "raw/k"),
        ] {
            let expected = (operation.to_owned(), resource.to_owned());
            assert_eq!(s3(method, uri, headers), expected, "{method} {uri}");
        }
    }

    #[test]
    fn resources_are_named_without_their_address() {
        let body = br#"{"MessageBody": "QueueUrl", "QueueUrl": "http://h:1/000000000000/orders"}"#;
        assert_eq!(json_resource(body), "orders");
        assert_eq!(last_part("arn:aws:sns:us-east-1:000000000000:alerts"), "alerts");
        assert_eq!(json_resource(b"no json"), "");
    }
}
