//! Reading one version of an object from front to back, over cut connections.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use futures::StreamExt;
use millrace_retry::Classify;
use tracing::debug;

use crate::{ByteStream, Download, ObjectRef, Pin, Storage, StorageError};

/// How often a body may break without a byte of progress before it is an error.
const BARREN_ATTEMPTS: u32 = 4;

/// Reads an object in chunks. A connection that breaks in the middle is
/// replaced by a request for the rest of the *same* version, so that a reader
/// never sees bytes of two versions.
pub struct ObjectReader {
    storage: Arc<dyn Storage>,
    object: ObjectRef,
    size: u64,
    modified: Option<SystemTime>,
    offset: u64,
    body: Option<ByteStream>,
    barren: u32,
}

impl ObjectReader {
    /// Opens an object.
    ///
    /// # Errors
    /// Whatever the first GET answers; see [`StorageError`].
    pub async fn open(storage: Arc<dyn Storage>, object: ObjectRef) -> Result<Self, StorageError> {
        let Download { size, etag, modified, body } = storage.get(&object, 0, None).await?;
        let pin = match object.pin {
            Pin::Latest => Pin::ETag(etag),
            pinned => pinned,
        };
        let object = ObjectRef { pin, ..object };
        Ok(Self { storage, object, size, modified, offset: 0, body: Some(body), barren: 0 })
    }

    /// Size of the object in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// When this version of the object was stored, where the service says so.
    pub fn modified(&self) -> Option<SystemTime> {
        self.modified
    }

    /// The next bytes, or `None` at the end.
    ///
    /// # Errors
    /// [`StorageError`] when the version is gone, or the body broke repeatedly.
    pub async fn next(&mut self) -> Result<Option<Bytes>, StorageError> {
        loop {
            if self.offset >= self.size {
                return Ok(None);
            }
            match self.read_some().await {
                Ok(chunk) => {
                    self.offset += chunk.len() as u64;
                    self.barren = 0;
                    return Ok(Some(chunk));
                }
                Err(error) if error.class().is_retryable() && self.barren < BARREN_ATTEMPTS => {
                    debug!(object = %self.object.url(), offset = self.offset, %error, "reading on");
                    self.barren += 1;
                    self.body = None;
                    tokio::time::sleep(std::time::Duration::from_millis(50 << self.barren)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn read_some(&mut self) -> Result<Bytes, StorageError> {
        let mut body = match self.body.take() {
            Some(body) => body,
            None => self.storage.get(&self.object, self.offset, None).await?.body,
        };
        loop {
            let chunk = match body.next().await {
                Some(chunk) => chunk?,
                None => return Err(self.ended_early()),
            };
            if !chunk.is_empty() {
                self.body = Some(body);
                return Ok(chunk);
            }
        }
    }

    fn ended_early(&self) -> StorageError {
        StorageError::Failed {
            url: self.object.url(),
            detail: format!("the body ended at byte {} of {}", self.offset, self.size),
        }
    }
}
