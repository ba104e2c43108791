//! The S3 adapter.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::StalledStreamProtectionConfig;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream as SdkBody;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use futures::{StreamExt, stream};
use millrace_retry::{Grant, causes};

use crate::{
    Download, Links, ListedObject, Listing, NewestVersion, ObjectRef, Pin, Storage, StorageError,
    Stored, UploadPart,
};

/// How long a body may come without a byte before its connection counts as broken.
const STALLED: Duration = Duration::from_secs(30);

/// Bodies up to this size are sent without a watch on their throughput, which for
/// them costs more than it tells: one attempt is given [`SMALL_PATIENCE`].
const SMALL_BYTES: usize = 1024 * 1024;

/// How long one attempt of a request with a small body may take.
const SMALL_PATIENCE: Duration = Duration::from_secs(60);

/// S3, or whatever answers at the configured endpoint.
#[derive(Debug, Clone)]
pub struct S3Storage {
    /// Watches the throughput of what it sends.
    pub(crate) client: Client,
    /// For small bodies.
    small: Client,
    stalled: Duration,
}

#[async_trait]
impl Links for S3Storage {
    async fn link(
        &self,
        bucket: &str,
        key: &str,
        lasting: Duration,
    ) -> Result<String, StorageError> {
        let refused = |detail: String| StorageError::Refused {
            url: ObjectRef::latest(bucket, key).url(),
            detail: format!("a link can't be signed: {detail}"),
        };
        let config =
            PresigningConfig::expires_in(lasting).map_err(|error| refused(error.to_string()))?;
        let request = self.client.get_object().bucket(bucket).key(key);
        let signed = request.presigned(config).await.map_err(|error| refused(causes(&error)))?;
        Ok(signed.uri().to_owned())
    }
}

/// How a whole object is stored.
#[derive(Debug, Clone, Copy, Default)]
struct Put<'a> {
    /// Only where there is none yet.
    is_new: bool,
    content_type: Option<&'a str>,
}

impl S3Storage {
    /// Stores an object; a new one only where there is none ("Conditional writes"
    /// in the Amazon S3 User Guide). While another writer of the key is at it, S3
    /// answers 409, after which another attempt finds out what became of it.
    async fn put_whole(
        &self,
        bucket: &str,
        key: &str,
        body: Bytes,
        how: Put<'_>,
    ) -> Result<Stored, StorageError> {
        let client = if body.len() <= SMALL_BYTES { &self.small } else { &self.client };
        let request = client.put_object().bucket(bucket).key(key);
        let output = request
            .set_if_none_match(how.is_new.then(|| "*".to_owned()))
            .set_content_type(how.content_type.map(str::to_owned))
            .body(SdkBody::from(body))
            .send()
            .await
            .map_err(|error| Call::put(bucket, key).error(error))?;
        Ok(Stored {
            etag: unquote(output.e_tag()),
            version_id: output.version_id().map(str::to_owned),
        })
    }

    /// Uses the account, region and endpoint of `config`. A custom endpoint is
    /// spoken to path-style, since `bucket.localhost` rarely resolves.
    pub fn new(config: &SdkConfig) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(3))
            .read_timeout(Duration::from_secs(60));
        // What comes is watched by the reader of the body.
        let watched = StalledStreamProtectionConfig::enabled().download_enabled(false);
        let client = aws_sdk_s3::config::Builder::from(config)
            .force_path_style(config.endpoint_url().is_some())
            .timeout_config(timeouts.clone().build())
            .stalled_stream_protection(watched.build())
            .build();
        let small = client
            .to_builder()
            .timeout_config(timeouts.operation_attempt_timeout(SMALL_PATIENCE).build())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        Self {
            client: Client::from_conf(client),
            small: Client::from_conf(small),
            stalled: STALLED,
        }
    }

    /// With another limit on how long a body may come without a byte before its
    /// connection counts as broken; 30 s unless given.
    #[must_use]
    pub fn stalled_after(mut self, limit: Duration) -> Self {
        self.stalled = limit;
        self
    }
}

#[async_trait]
impl Storage for S3Storage {
    async fn get(
        &self,
        object: &ObjectRef,
        from: u64,
        length: Option<u64>,
    ) -> Result<Download, StorageError> {
        let mut request = self.small.get_object().bucket(&object.bucket).key(&object.key);
        request = match &object.pin {
            Pin::Latest => request,
            Pin::Version(id) => request.version_id(id),
            Pin::ETag(etag) => request.if_match(format!("\"{etag}\"")),
        };
        if let Some(range) = range_header(from, length) {
            request = request.range(range);
        }
        let output = request.send().await.map_err(|error| Call::get(object).error(error))?;
        let size = whole_size(output.content_range(), output.content_length());
        let etag = unquote(output.e_tag());
        let modified = output.last_modified().and_then(|time| SystemTime::try_from(*time).ok());
        let call = Call::get(object);
        let limit = self.stalled;
        let body = stream::unfold((output.body, call), move |(mut body, call)| async move {
            let chunk = match tokio::time::timeout(limit, body.next()).await {
                Ok(chunk) => chunk?.map_err(|error| call.broken(&error)),
                Err(_) => Err(call.failed(&format!("no byte came for {limit:?}"))),
            };
            Some((chunk, (body, call)))
        });
        Ok(Download { size, etag, modified, body: body.boxed() })
    }

    async fn put(&self, bucket: &str, key: &str, body: Bytes) -> Result<Stored, StorageError> {
        self.put_whole(bucket, key, body, Put::default()).await
    }

    async fn put_as(
        &self,
        bucket: &str,
        key: &str,
        body: Bytes,
        content_type: &str,
    ) -> Result<Stored, StorageError> {
        let content_type = Some(content_type);
        self.put_whole(bucket, key, body, Put { is_new: false, content_type }).await
    }

    async fn put_new(&self, bucket: &str, key: &str, body: Bytes) -> Result<Stored, StorageError> {
        match self.put_whole(bucket, key, body, Put { is_new: true, content_type: None }).await {
            Err(StorageError::Changed { url, .. }) => Err(StorageError::Exists { url }),
            stored => stored,
        }
    }

    async fn start_upload(&self, bucket: &str, key: &str) -> Result<String, StorageError> {
        let call = Call::put(bucket, key);
        let request = self.client.create_multipart_upload().bucket(bucket).key(key);
        let output = request.send().await.map_err(|error| call.error(error))?;
        output.upload_id.ok_or_else(|| call.failed("the answer names no upload id"))
    }

    async fn put_part(
        &self,
        bucket: &str,
        key: &str,
        upload: &str,
        number: i32,
        body: Bytes,
    ) -> Result<UploadPart, StorageError> {
        let request = self.client.upload_part().bucket(bucket).key(key).upload_id(upload);
        let output = request
            .part_number(number)
            .body(SdkBody::from(body))
            .send()
            .await
            .map_err(|error| Call::put(bucket, key).error(error))?;
        Ok(UploadPart { number, etag: output.e_tag.unwrap_or_default() })
    }

    async fn complete_upload(
        &self,
        bucket: &str,
        key: &str,
        upload: &str,
        parts: &[UploadPart],
    ) -> Result<Stored, StorageError> {
        let parts = parts.iter().map(|part| {
            CompletedPart::builder().part_number(part.number).e_tag(&part.etag).build()
        });
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.collect())).build();
        let request = self.client.complete_multipart_upload().bucket(bucket).key(key);
        let output = request
            .upload_id(upload)
            .multipart_upload(parts)
            .send()
            .await
            .map_err(|error| Call::put(bucket, key).error(error))?;
        Ok(Stored {
            etag: unquote(output.e_tag()),
            version_id: output.version_id().map(str::to_owned),
        })
    }

    async fn abort_upload(
        &self,
        bucket: &str,
        key: &str,
        upload: &str,
    ) -> Result<(), StorageError> {
        let call = Call::on(bucket, key, "s3:AbortMultipartUpload");
        let request = self.client.abort_multipart_upload().bucket(bucket).key(key);
        request.upload_id(upload).send().await.map_err(|error| call.error(error))?;
        Ok(())
    }

    async fn delete(&self, bucket: &str, key: &str) -> Result<(), StorageError> {
        let call = Call::on(bucket, key, "s3:DeleteObject");
        let request = self.client.delete_object().bucket(bucket).key(key);
        request.send().await.map_err(|error| call.error(error))?;
        Ok(())
    }

    async fn list(
        &self,
        bucket: &str,
        prefix: &str,
        page: Option<String>,
    ) -> Result<Listing, StorageError> {
        let call = Call::on(bucket, prefix, "s3:ListBucket");
        let request = self.client.list_objects_v2().bucket(bucket).prefix(prefix);
        let output =
            request.set_continuation_token(page).send().await.map_err(|error| call.error(error))?;
        let objects = output.contents().iter().filter_map(|object| {
            let size = u64::try_from(object.size().unwrap_or_default()).unwrap_or_default();
            Some((object.key()?.to_owned(), size))
        });
        Ok(Listing { objects: objects.collect(), next: output.next_continuation_token.clone() })
    }

    async fn list_after(
        &self,
        bucket: &str,
        prefix: &str,
        after: &str,
    ) -> Result<Vec<ListedObject>, StorageError> {
        let call = Call::on(bucket, prefix, "s3:ListBucket");
        let request = self.client.list_objects_v2().bucket(bucket).prefix(prefix);
        let after = (!after.is_empty()).then(|| after.to_owned());
        let output =
            request.set_start_after(after).send().await.map_err(|error| call.error(error))?;
        let listed = output.contents().iter().filter_map(|object| {
            Some(ListedObject {
                key: object.key()?.to_owned(),
                size: u64::try_from(object.size().unwrap_or_default()).unwrap_or_default(),
                etag: unquote(object.e_tag()),
                modified: object.last_modified().and_then(|time| SystemTime::try_from(*time).ok()),
            })
        });
        Ok(listed.collect())
    }

    async fn newest(&self, bucket: &str, key: &str) -> Result<Option<NewestVersion>, StorageError> {
        let call = Call::get(&ObjectRef::latest(bucket, key));
        let request = self.small.head_object().bucket(bucket).key(key);
        let output = match request.send().await.map_err(|error| call.error(error)) {
            Ok(output) => output,
            Err(StorageError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        // A bucket without versions calls every one of them `null`.
        let version_id = output.version_id().filter(|id| *id != "null").map(str::to_owned);
        let size = u64::try_from(output.content_length().unwrap_or_default()).unwrap_or_default();
        let object = ListedObject {
            key: key.to_owned(),
            size,
            etag: unquote(output.e_tag()),
            modified: output.last_modified().and_then(|time| SystemTime::try_from(*time).ok()),
        };
        Ok(Some(NewestVersion { version_id, object }))
    }
}

fn range_header(from: u64, length: Option<u64>) -> Option<String> {
    match (from, length) {
        (0, None) => None,
        (from, None) => Some(format!("bytes={from}-")),
        (from, Some(length)) => Some(format!("bytes={from}-{}", from + length.saturating_sub(1))),
    }
}

/// The object's whole size: behind the slash of `Content-Range`, or else the
/// length of the body.
fn whole_size(content_range: Option<&str>, content_length: Option<i64>) -> u64 {
    content_range
        .and_then(|range| range.rsplit('/').next())
        .and_then(|size| size.parse().ok())
        .or_else(|| content_length.and_then(|length| u64::try_from(length).ok()))
        .unwrap_or_default()
}

pub(crate) fn unquote(etag: Option<&str>) -> String {
    etag.unwrap_or_default().trim_matches('"').to_owned()
}

/// What was asked of S3, to say in an error.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    bucket: String,
    key: String,
    permission: &'static str,
    etag: Option<String>,
}

impl Call {
    pub(crate) fn on(bucket: &str, key: &str, permission: &'static str) -> Self {
        Self { bucket: bucket.to_owned(), key: key.to_owned(), permission, etag: None }
    }

    fn get(object: &ObjectRef) -> Self {
        let mut call = Self::on(&object.bucket, &object.key, "s3:GetObject");
        match &object.pin {
            Pin::Latest => {}
            Pin::Version(_) => call.permission = "s3:GetObjectVersion",
            Pin::ETag(etag) => call.etag = Some(etag.clone()),
        }
        call
    }

    fn put(bucket: &str, key: &str) -> Self {
        Self::on(bucket, key, "s3:PutObject")
    }

    fn url(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }

    /// What IAM calls it. The partition is the world's; others have their own.
    fn arn(&self) -> String {
        match self.permission {
            "s3:ListBucket" => format!("arn:aws:s3:::{}", self.bucket),
            _ => format!("arn:aws:s3:::{}/{}", self.bucket, self.key),
        }
    }

    pub(crate) fn failed(&self, detail: &str) -> StorageError {
        StorageError::Failed { url: self.url(), detail: detail.to_owned() }
    }

    fn broken(&self, error: &dyn std::error::Error) -> StorageError {
        self.failed(&causes(error))
    }

    pub(crate) fn error<E>(&self, error: SdkError<E>) -> StorageError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let (url, permission) = (self.url(), self.permission);
        let status = error.raw_response().map(|response| response.status().as_u16());
        let code = error.code().unwrap_or_default().to_owned();
        let detail = match (&error, error.message()) {
            (SdkError::ServiceError(_), Some(message)) => format!("{code}: {message}"),
            _ => causes(&error),
        };
        if let SdkError::DispatchFailure(failure) = &error {
            return match failure.is_io() || failure.is_timeout() {
                true => StorageError::Unreachable { url, detail },
                false => StorageError::Failed { url, detail },
            };
        }
        match (code.as_str(), status) {
            ("NoSuchBucket", _) => StorageError::NoBucket { bucket: self.bucket.clone() },
            ("NoSuchKey" | "NoSuchVersion" | "NotFound", _) | ("", Some(404)) => {
                StorageError::NotFound { url }
            }
            ("PreconditionFailed", _) | (_, Some(412)) => {
                StorageError::Changed { url, etag: self.etag.clone().unwrap_or_default() }
            }
            ("SlowDown" | "ThrottlingException" | "RequestLimitExceeded", _)
            | (_, Some(429 | 503)) => StorageError::Throttled { url, detail },
            // The role's credentials are renewed by themselves.
            (
                "RequestTimeout"
                | "RequestTimeTooSkewed"
                | "OperationAborted"
                | "ExpiredToken"
                | "ConditionalRequestConflict",
                _,
            ) => StorageError::Failed { url, detail },
            (code, _) if code.starts_with("KMS.") => {
                let grant = Grant::of(&detail, kms_action(permission), &self.arn());
                StorageError::Denied { url, grant, detail }
            }
            (_, Some(401 | 403)) => {
                let grant = Grant::of(&detail, permission, &self.arn());
                StorageError::Denied { url, grant, detail }
            }
            (_, Some(400..=499)) => StorageError::Refused { url, detail },
            _ => StorageError::Failed { url, detail },
        }
    }
}

/// What reading or writing an encrypted object takes of its key ("Using
/// server-side encryption with AWS KMS keys" in the Amazon S3 User Guide).
fn kms_action(permission: &str) -> &'static str {
    match permission {
        "s3:PutObject" => "kms:GenerateDataKey",
        _ => "kms:Decrypt",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_inclusive() {
        assert_eq!(range_header(0, None), None);
        assert_eq!(range_header(5, None).as_deref(), Some("bytes=5-"));
        assert_eq!(range_header(5, Some(10)).as_deref(), Some("bytes=5-14"));
    }

    #[test]
    fn the_whole_size_is_read_off_a_partial_answer() {
        assert_eq!(whole_size(Some("bytes 5-14/100"), Some(10)), 100);
        assert_eq!(whole_size(None, Some(10)), 10);
    }
}
