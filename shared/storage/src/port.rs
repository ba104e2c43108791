//! The storage port: what the stages need of an object store, no more.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use millrace_contract::ObjectVersion;

use crate::StorageError;

/// An object's bytes as they arrive.
pub type ByteStream = BoxStream<'static, Result<Bytes, StorageError>>;

/// Which object, and which version of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRef {
    /// Bucket name.
    pub bucket: String,
    /// Object key.
    pub key: String,
    /// The version that is meant.
    pub pin: Pin,
}

/// Which version of an object is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pin {
    /// Whatever is there.
    Latest,
    /// This version id.
    Version(String),
    /// What is there, if it still has this ETag.
    ETag(String),
}

impl ObjectRef {
    /// The newest version of a key.
    pub fn latest(bucket: impl Into<String>, key: impl Into<String>) -> Self {
        Self { bucket: bucket.into(), key: key.into(), pin: Pin::Latest }
    }

    /// The object as an `s3://` URL.
    pub fn url(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }
}

impl From<&ObjectVersion> for ObjectRef {
    fn from(object: &ObjectVersion) -> Self {
        let pin = match &object.version_id {
            Some(id) => Pin::Version(id.clone()),
            None if object.etag.is_empty() => Pin::Latest,
            None => Pin::ETag(object.etag.clone()),
        };
        Self { bucket: object.bucket.clone(), key: object.key.clone(), pin }
    }
}

/// The answer to a GET.
pub struct Download {
    /// Size of the whole object in bytes, whatever part was asked for.
    pub size: u64,
    /// ETag without quotes.
    pub etag: String,
    /// When this version of the object was stored, where the service says so.
    pub modified: Option<SystemTime>,
    /// The bytes from the asked offset on.
    pub body: ByteStream,
}

/// An object that was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// ETag without quotes.
    pub etag: String,
    /// Version id where the bucket is versioned.
    pub version_id: Option<String>,
}

/// A part of a multipart upload that was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadPart {
    /// Part number, from 1.
    pub number: i32,
    /// ETag as the service gave it.
    pub etag: String,
}

/// A page of keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Keys and sizes in key order.
    pub objects: Vec<(String, u64)>,
    /// Pass it on to get the next page; `None` on the last.
    pub next: Option<String>,
}

/// Links to objects that work for whoever has them.
#[async_trait]
pub trait Links: Send + Sync + 'static {
    /// A link to read an object by, for so long: at most seven days, and no longer
    /// than the credentials it is signed with ("Download and upload objects with
    /// presigned URLs", Amazon S3 User Guide). Nothing is asked of the service.
    ///
    /// # Errors
    /// [`StorageError::Refused`] if it can't be signed.
    async fn link(
        &self,
        bucket: &str,
        key: &str,
        lasting: Duration,
    ) -> Result<String, StorageError>;
}

/// An object as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedObject {
    /// Object key.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
    /// ETag without quotes.
    pub etag: String,
    /// When it was stored, where the service says so. Of a multipart upload S3 says
    /// when it was begun.
    pub modified: Option<SystemTime>,
}

/// A key's newest version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewestVersion {
    /// Version id where the bucket is versioned.
    pub version_id: Option<String>,
    /// The object.
    pub object: ListedObject,
}

/// An object store.
#[async_trait]
pub trait Storage: Send + Sync + 'static {
    /// Starts reading an object, `from` bytes into it, at most `length` bytes.
    async fn get(
        &self,
        object: &ObjectRef,
        from: u64,
        length: Option<u64>,
    ) -> Result<Download, StorageError>;

    /// Stores a whole object.
    async fn put(&self, bucket: &str, key: &str, body: Bytes) -> Result<Stored, StorageError>;

    /// Stores a whole object that browsers show as what `content_type` says; where
    /// nobody asks for objects by HTTP, as any other.
    async fn put_as(
        &self,
        bucket: &str,
        key: &str,
        body: Bytes,
        _content_type: &str,
    ) -> Result<Stored, StorageError> {
        self.put(bucket, key, body).await
    }

    /// Stores a whole object where there is none yet: of several writers of a key,
    /// one succeeds, and all others are told so.
    ///
    /// # Errors
    /// [`StorageError::Exists`] if there is one.
    async fn put_new(&self, bucket: &str, key: &str, body: Bytes) -> Result<Stored, StorageError>;

    /// Starts a multipart upload and returns its id.
    async fn start_upload(&self, bucket: &str, key: &str) -> Result<String, StorageError>;

    /// Stores one part of a multipart upload.
    async fn put_part(
        &self,
        bucket: &str,
        key: &str,
        upload: &str,
        number: i32,
        body: Bytes,
    ) -> Result<UploadPart, StorageError>;

    /// Makes the parts one object.
    async fn complete_upload(
        &self,
        bucket: &str,
        key: &str,
        upload: &str,
        parts: &[UploadPart],
    ) -> Result<Stored, StorageError>;

    /// Gives up a multipart upload and frees its parts.
    async fn abort_upload(&self, bucket: &str, key: &str, upload: &str)
    -> Result<(), StorageError>;

    /// Removes an object; one that is not there is no error.
    async fn delete(&self, bucket: &str, key: &str) -> Result<(), StorageError>;

    /// Lists keys under a prefix.
    async fn list(
        &self,
        bucket: &str,
        prefix: &str,
        page: Option<String>,
    ) -> Result<Listing, StorageError>;

    /// Lists up to a thousand objects under a prefix whose keys are greater than
    /// `after`, in key order; empty once there are no more.
    async fn list_after(
        &self,
        bucket: &str,
        prefix: &str,
        after: &str,
    ) -> Result<Vec<ListedObject>, StorageError>;

    /// The newest version of a key; none if there is no object.
    async fn newest(&self, bucket: &str, key: &str) -> Result<Option<NewestVersion>, StorageError>;
}
