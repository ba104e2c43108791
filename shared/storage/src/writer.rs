//! Writing an object as its bytes come, visible only when it is whole.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use crate::{Storage, StorageError, Stored, UploadPart};

/// Size of the first parts, in bytes: the least S3 takes ("Amazon S3 multipart
/// upload limits"), since every open writer may hold as much in memory.
pub const PART_BYTES: usize = 5 * 1024 * 1024;

/// After so many parts the part size doubles, so that S3's limit of 10,000
/// parts is never what ends an object.
const PARTS_A_SIZE: usize = 1_000;

/// Collects bytes into parts and sends them as they fill. Nothing can be seen
/// under the key until [`finish`](Self::finish); dropping the writer without
/// [`abort`](Self::abort) leaves parts that the bucket's lifecycle rule for
/// incomplete uploads removes.
pub struct ObjectWriter {
    storage: Arc<dyn Storage>,
    bucket: String,
    key: String,
    buffer: BytesMut,
    upload: Option<Upload>,
    size: u64,
}

struct Upload {
    id: String,
    parts: Vec<UploadPart>,
}

impl ObjectWriter {
    /// A writer for `key`; sends nothing yet.
    pub fn new(storage: Arc<dyn Storage>, bucket: &str, key: &str) -> Self {
        Self {
            storage,
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            buffer: BytesMut::new(),
            upload: None,
            size: 0,
        }
    }

    /// The key it writes to.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Bytes written so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Bytes that wait in memory: the whole object, until a part is full.
    pub fn unsent(&self) -> &[u8] {
        &self.buffer
    }

    /// Adds bytes; sends a part when one is full.
    ///
    /// # Errors
    /// [`StorageError`] of the part's upload.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = self.part_size() - self.buffer.len();
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.buffer.extend_from_slice(now);
            self.size += now.len() as u64;
            rest = later;
            if self.buffer.len() >= self.part_size() {
                self.flush_part().await?;
            }
        }
        Ok(())
    }

    /// Sends what waits in memory as the last part, so that a writer that is
    /// done but not yet finished holds no memory.
    ///
    /// # Errors
    /// [`StorageError`] of the part's upload.
    pub async fn spill(&mut self) -> Result<(), StorageError> {
        if self.buffer.is_empty() { Ok(()) } else { self.flush_part().await }
    }

    /// Makes the object visible.
    ///
    /// # Errors
    /// [`StorageError`] of the put or of the completion; then nothing is visible.
    pub async fn finish(mut self) -> Result<Stored, StorageError> {
        if self.upload.is_none() {
            let body = self.buffer.split().freeze();
            return self.storage.put(&self.bucket, &self.key, body).await;
        }
        self.spill().await?;
        let Some(Upload { id, parts }) = self.upload.take() else {
            return Err(StorageError::Failed {
                url: format!("s3://{}/{}", self.bucket, self.key),
                detail: "the upload was lost".to_owned(),
            });
        };
        self.storage.complete_upload(&self.bucket, &self.key, &id, &parts).await
    }

    /// Gives up and frees the parts that were sent.
    ///
    /// # Errors
    /// [`StorageError`] of the abort.
    pub async fn abort(mut self) -> Result<(), StorageError> {
        match self.upload.take() {
            Some(upload) => self.storage.abort_upload(&self.bucket, &self.key, &upload.id).await,
            None => Ok(()),
        }
    }

    fn part_size(&self) -> usize {
        let sent = self.upload.as_ref().map_or(0, |upload| upload.parts.len());
        PART_BYTES << (sent / PARTS_A_SIZE).min(9)
    }

    async fn flush_part(&mut self) -> Result<(), StorageError> {
        let body: Bytes = std::mem::take(&mut self.buffer).freeze();
        let upload = match &mut self.upload {
            Some(upload) => upload,
            None => {
                let id = self.storage.start_upload(&self.bucket, &self.key).await?;
                self.upload.insert(Upload { id, parts: Vec::new() })
            }
        };
        let number = i32::try_from(upload.parts.len() + 1).unwrap_or(i32::MAX);
        let part = self.storage.put_part(&self.bucket, &self.key, &upload.id, number, body).await?;
        upload.parts.push(part);
        Ok(())
    }
}
