//! What S3 operations need. Many are named otherwise in policies than in the
//! API, and an object of a certain version asks for another action.
//!
//! Source: "Required permissions for Amazon S3 API operations", Amazon S3 User
//! Guide.

use hyper::http::request::Parts;
use percent_encoding::percent_decode_str;

use super::Permission;

/// What an operation on `<bucket>` or `<bucket>/<key>` needs.
pub(super) fn permissions(operation: &str, resource: &str, head: &Parts) -> Vec<Permission> {
    let versioned = has_version(head.uri.query().unwrap_or_default());
    let resource = match resource {
        "" => "*".to_owned(),
        name => arn(name),
    };
    let mut needed = vec![Permission { action: action(operation, versioned), resource }];
    if let Some(source) = head.headers.get("x-amz-copy-source").and_then(|from| from.to_str().ok())
    {
        needed.push(read_of(source));
    }
    let target = needed[0].resource.clone();
    let writes = needed[0].action == "s3:PutObject";
    for (header, action) in WITH_HEADERS {
        if writes && head.headers.contains_key(*header) {
            needed.push(Permission { action: (*action).to_owned(), resource: target.clone() });
        }
    }
    needed
}

/// What a write needs beside `s3:PutObject` where it has such a header.
const WITH_HEADERS: &[(&str, &str)] = &[
    ("x-amz-acl", "s3:PutObjectAcl"),
    ("x-amz-tagging", "s3:PutObjectTagging"),
    ("x-amz-object-lock-mode", "s3:PutObjectRetention"),
    ("x-amz-object-lock-legal-hold", "s3:PutObjectLegalHold"),
];

fn action(operation: &str, versioned: bool) -> String {
    let of_version = |of_latest: &'static str, of_version: &'static str| match versioned {
        true => of_version,
        false => of_latest,
    };
    let action = match operation {
        "AbortMultipartUpload" => "AbortMultipartUpload",
        "CompleteMultipartUpload"
        | "CopyObject"
        | "CreateMultipartUpload"
        | "PostObject"
        | "PutObject"
        | "UploadPart"
        | "UploadPartCopy" => "PutObject",
        "DeleteBucketCors" | "PutBucketCors" => "PutBucketCORS",
        "DeleteBucketEncryption" | "PutBucketEncryption" => "PutEncryptionConfiguration",
        "DeleteBucketLifecycleConfiguration" | "PutBucketLifecycleConfiguration" => {
            "PutLifecycleConfiguration"
        }
        "DeleteBucketOwnershipControls" => "PutBucketOwnershipControls",
        "DeleteBucketPublicAccessBlock" => "PutBucketPublicAccessBlock",
        "DeleteBucketReplication" | "PutBucketReplication" => "PutReplicationConfiguration",
        "DeleteBucketTagging" => "PutBucketTagging",
        "DeleteObject" | "DeleteObjects" => of_version("DeleteObject", "DeleteObjectVersion"),
        "DeleteObjectTagging" => of_version("DeleteObjectTagging", "DeleteObjectVersionTagging"),
        "GetBucketAccelerateConfiguration" => "GetAccelerateConfiguration",
        "GetBucketCors" => "GetBucketCORS",
        "GetBucketEncryption" => "GetEncryptionConfiguration",
        "GetBucketLifecycleConfiguration" => "GetLifecycleConfiguration",
        "GetBucketNotificationConfiguration" => "GetBucketNotification",
        "GetBucketObjectLockConfiguration" => "GetBucketObjectLockConfiguration",
        "GetBucketReplication" => "GetReplicationConfiguration",
        "GetObject" | "HeadObject" => of_version("GetObject", "GetObjectVersion"),
        "GetObjectAcl" => of_version("GetObjectAcl", "GetObjectVersionAcl"),
        "GetObjectAttributes" => of_version("GetObjectAttributes", "GetObjectVersionAttributes"),
        "GetObjectTagging" => of_version("GetObjectTagging", "GetObjectVersionTagging"),
        "HeadBucket" | "ListObjects" | "ListObjectsV2" => "ListBucket",
        "ListBuckets" => "ListAllMyBuckets",
        "ListMultipartUploads" => "ListBucketMultipartUploads",
        "ListObjectVersions" => "ListBucketVersions",
        "ListParts" => "ListMultipartUploadParts",
        "PutBucketAccelerateConfiguration" => "PutAccelerateConfiguration",
        "PutBucketNotificationConfiguration" => "PutBucketNotification",
        "PutObjectTagging" => of_version("PutObjectTagging", "PutObjectVersionTagging"),
        other => return format!("s3:{other}"),
    };
    format!("s3:{action}")
}

/// What is needed of the object that is copied: `/<bucket>/<key>?versionId=…`.
fn read_of(source: &str) -> Permission {
    let (path, query) = source.split_once('?').unwrap_or((source, ""));
    let path = percent_decode_str(path.trim_start_matches('/')).decode_utf8_lossy();
    Permission { action: action("GetObject", has_version(query)), resource: arn(&path) }
}

fn has_version(query: &str) -> bool {
    query.split('&').any(|pair| pair.starts_with("versionId="))
}

fn arn(name: &str) -> String {
    format!("arn:aws:s3:::{name}")
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;
    use crate::call::Call;

    fn needed(method: &str, uri: &str, headers: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let head = request.body(()).expect("a request").into_parts().0;
        let call = Call::of_s3(&head);
        let needed = permissions(&call.operation, &call.resource, &head);
        needed.into_iter().map(|needed| (needed.action, needed.resource)).collect()
    }

    #[test]
    fn operations_need_what_the_guide_says() {
        for (method, uri, action, resource) in [
            ("GET", "/b/a%20b?versionId=v", "s3:GetObjectVersion", "arn:aws:s3:::b/a b"),
            ("HEAD", "/b/k", "s3:GetObject", "arn:aws:s3:::b/k"),
            ("HEAD", "/b", "s3:ListBucket", "arn:aws:s3:::b"),
            ("PUT", "/b/k?partNumber=1&uploadId=u", "s3:PutObject", "arn:aws:s3:::b/k"),
            ("DELETE", "/b/k?uploadId=u", "s3:AbortMultipartUpload", "arn:aws:s3:::b/k"),
            ("DELETE", "/b/k?versionId=v", "s3:DeleteObjectVersion", "arn:aws:s3:::b/k"),
            ("GET", "/b?versions", "s3:ListBucketVersions", "arn:aws:s3:::b"),
            ("PUT", "/b?notification", "s3:PutBucketNotification", "arn:aws:s3:::b"),
            ("PUT", "/b?versioning", "s3:PutBucketVersioning", "arn:aws:s3:::b"),
            ("GET", "/", "s3:ListAllMyBuckets", "*"),
        ] {
            let expected = vec![(action.to_owned(), resource.to_owned())];
            assert_eq!(needed(method, uri, &[]), expected, "{method} {uri}");
        }
    }

    #[test]
    fn a_copy_reads_and_a_tag_is_a_permission_of_its_own() {
        let headers = [("x-amz-copy-source", "/a/x%20y?versionId=v"), ("x-amz-tagging", "t=1")];
        let expected = [
            ("s3:PutObject", "arn:aws:s3:::b/k"),
            ("s3:GetObjectVersion", "arn:aws:s3:::a/x y"),
            ("s3:PutObjectTagging", "arn:aws:s3:::b/k"),
        ];
        let expected = expected.map(|(action, of)| (action.to_owned(), of.to_owned()));
        assert_eq!(needed("PUT", "/b/k", &headers), expected);
    }
}
