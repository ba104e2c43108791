//! From where a batch is staged to its object: once, whoever does it.

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use millrace_failpoint::{Point, reach};
use millrace_ledger::{BatchRecord, BatchState};
use millrace_storage::{ObjectRef, StorageError};

use crate::collector::STAGE;
use crate::{Collector, NotCollected};

/// Where a batch lies, and where it belongs.
#[derive(Debug, Clone)]
pub(crate) struct Staged {
    pub(crate) id: String,
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) staged_bucket: String,
    pub(crate) staged_key: String,
}

impl From<BatchRecord> for Staged {
    fn from(batch: BatchRecord) -> Self {
        let BatchRecord { id, bucket, key, staged_bucket, staged_key, .. } = batch;
        Self { id, bucket, key, staged_bucket, staged_key }
    }
}

impl Collector {
    /// Makes a committed batch its object. Of several who do, the first creates
    /// it, and the others find it there.
    pub(crate) async fn publish(&self, batch: &Staged, bytes: Bytes) -> Result<(), NotCollected> {
        match self.storage.put_new(&batch.bucket, &batch.key, bytes).await {
            Ok(_) | Err(StorageError::Exists { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        reach(STAGE, Point::BeforeRecord);
        self.ledger.batch_published(&batch.id).await?;
        reach(STAGE, Point::AfterRecord);
        self.remove_staged(batch).await;
        Ok(())
    }

    /// Publishes a batch that somebody committed, unless it is published.
    pub(crate) async fn ensure_published(&self, id: &str) -> Result<(), NotCollected> {
        let Some(batch) = self.unpublished(id).await? else { return Ok(()) };
        match self.read_staged(&batch).await {
            Ok(bytes) => self.publish(&batch, bytes).await,
            // Whoever published it meanwhile has taken it away.
            Err(StorageError::NotFound { url }) => match self.unpublished(id).await? {
                None => Ok(()),
                Some(_) => Err(NotCollected::contract(format!(
                    "batch `{id}` is committed and not published, and `{url}`, which holds it, is \
                     gone; restore that object, and it is published"
                ))),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// A committed batch, unless it is published.
    async fn unpublished(&self, id: &str) -> Result<Option<Staged>, NotCollected> {
        let found = self.ledger.batches_named(&[id]).await?.pop();
        let found = found.ok_or_else(|| {
            NotCollected::contract(format!(
                "batch `{id}` has messages and is not in the ledger; was the ledger changed?"
            ))
        })?;
        Ok((found.state == BatchState::Committed).then(|| found.into()))
    }

    async fn read_staged(&self, batch: &Staged) -> Result<Bytes, StorageError> {
        let object = ObjectRef::latest(&batch.staged_bucket, &batch.staged_key);
        let download = self.storage.get(&object, 0, None).await?;
        let (size, mut body) = (download.size, download.body);
        let mut bytes = BytesMut::new();
        while let Some(chunk) = body.next().await {
            bytes.extend_from_slice(&chunk?);
        }
        if bytes.len() as u64 != size {
            let detail = format!("{} of {size} bytes came", bytes.len());
            return Err(StorageError::Failed { url: object.url(), detail });
        }
        Ok(bytes.freeze())
    }

    /// Best effort: what remains is removed when the stage is tidied.
    pub(crate) async fn remove_staged(&self, batch: &Staged) {
        if let Err(error) = self.storage.delete(&batch.staged_bucket, &batch.staged_key).await {
            tracing::debug!(key = batch.staged_key, %error, "a staged batch is left to be tidied");
        }
    }
}
