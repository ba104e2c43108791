//! Small objects that several writers agree by: one is replaced only by who knows
//! what it holds, so that of several at once a single one succeeds.
//!
//! Source of the rule: "How to prevent object overwrites with conditional writes"
//! in the Amazon S3 User Guide: `If-None-Match: *` writes where nothing is,
//! `If-Match` over what has that ETag; 412, and 409 for writes that met, say that
//! another was first.

use async_trait::async_trait;
use aws_sdk_s3::error::ProvideErrorMetadata;
use bytes::Bytes;

use crate::s3::{Call, unquote};
use crate::{S3Storage, StorageError};

/// A small object as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// What it holds.
    pub body: Bytes,
    /// Names this state of it.
    pub etag: String,
}

/// Small objects that are compared and replaced.
#[async_trait]
pub trait Markers: Send + Sync + 'static {
    /// Reads a marker; none if it is not there.
    ///
    /// # Errors
    /// [`StorageError`] if that can't be told.
    async fn read_marker(&self, bucket: &str, key: &str) -> Result<Option<Marker>, StorageError>;

    /// Writes a marker over the state that `before` names, or where there is none.
    /// Whether it was written: not if another was first.
    ///
    /// # Errors
    /// [`StorageError`] if that can't be told.
    async fn replace_marker(
        &self,
        bucket: &str,
        key: &str,
        before: Option<&str>,
        body: Bytes,
    ) -> Result<bool, StorageError>;
}

#[async_trait]
impl Markers for S3Storage {
    async fn read_marker(&self, bucket: &str, key: &str) -> Result<Option<Marker>, StorageError> {
        let call = Call::on(bucket, key, "s3:GetObject");
        let request = self.client.get_object().bucket(bucket).key(key);
        let output = match request.send().await.map_err(|error| call.error(error)) {
            Ok(output) => output,
            Err(StorageError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let etag = unquote(output.e_tag());
        let body = output.body.collect().await.map_err(|error| call.failed(&error.to_string()))?;
        Ok(Some(Marker { body: body.into_bytes(), etag }))
    }

    async fn replace_marker(
        &self,
        bucket: &str,
        key: &str,
        before: Option<&str>,
        body: Bytes,
    ) -> Result<bool, StorageError> {
        let request = self.client.put_object().bucket(bucket).key(key).body(body.into());
        let request = match before {
            None => request.if_none_match("*"),
            Some(etag) => request.if_match(format!("\"{etag}\"")),
        };
        let Err(error) = request.send().await else { return Ok(true) };
        if error.code() == Some("ConditionalRequestConflict") {
            return Ok(false);
        }
        match Call::on(bucket, key, "s3:PutObject").error(error) {
            // Gone is another state too.
            StorageError::Changed { .. } | StorageError::NotFound { .. } => Ok(false),
            error => Err(error),
        }
    }
}
