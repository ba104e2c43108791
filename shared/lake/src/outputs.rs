//! The objects a file turns into, or what is made of many: named after an
//! identity, invisible until all of them are whole.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use millrace_contract::{Carried, FileId, LoadTask};
use millrace_format::{Sink, SinkWriter, partition_path};
use millrace_storage::{ObjectWriter, Storage, StorageError};
use tokio::runtime::Handle;

use crate::upload::{FirstError, SinkEnd, SinkWrite};

/// Objects that are made visible at a time.
const FINISHING: usize = 8;

/// Where a file's outputs go, by rules that depend on nothing but its identity:
/// a second attempt writes the same objects again.
#[derive(Debug, Clone)]
pub struct Names {
    dataset: String,
    file_id: FileId,
}

impl Names {
    /// Those of the file, or of the run, `file_id` in the folder of a dataset.
    pub fn new(dataset: &str, file_id: &FileId) -> Self {
        Self { dataset: dataset.to_owned(), file_id: file_id.clone() }
    }

    /// `expenses/year=2024/<file id>-0000.parquet`
    pub fn output(&self, partition: &[(String, Option<String>)], ordinal: u32) -> String {
        let Self { dataset, file_id } = self;
        match partition_path(partition) {
            path if path.is_empty() => format!("{dataset}/{file_id}-{ordinal:04}.parquet"),
            path => format!("{dataset}/{path}/{file_id}-{ordinal:04}.parquet"),
        }
    }

    /// `_rejects/expenses/<file id>.ndjson`
    pub fn rejects(&self) -> String {
        format!("_rejects/{}/{}.ndjson", self.dataset, self.file_id)
    }
}

/// Whole objects by key: those of a file whose outputs are small, all together.
/// Empty for any other file.
#[derive(Debug, Default)]
pub struct SmallObjects(HashMap<String, Bytes>);

impl SmallObjects {
    /// What waits to be sent, if nothing was sent before.
    fn of(writers: &[ObjectWriter], rejects: &str) -> Self {
        let outputs = || writers.iter().filter(|writer| writer.key() != rejects);
        let bytes: u64 = outputs().map(ObjectWriter::size).sum();
        if bytes > Carried::MOST_BYTES as u64 {
            return Self::default();
        }
        let whole = outputs().map(|writer| {
            let bytes = Bytes::copy_from_slice(writer.unsent());
            (writer.key().to_owned(), bytes)
        });
        Self(whole.collect())
    }

    /// Puts the objects into the message.
    pub fn carry(mut self, load: &mut LoadTask) {
        self.carry_into(load);
    }

    /// Puts those objects into the message that are its own.
    pub fn carry_into(&mut self, load: &mut LoadTask) {
        for output in &mut load.outputs {
            output.carried = self.0.remove(&output.key).map(Carried);
        }
    }
}

/// Sends a file's outputs to the lake as they are produced.
pub struct LakeSink {
    storage: Arc<dyn Storage>,
    bucket: String,
    names: Names,
    errors: FirstError,
    runtime: Handle,
    sending: Vec<SinkEnd>,
}

impl LakeSink {
    /// A sink into a bucket. The first storage error is kept in `errors`, since it
    /// would lose its class on the way. To be called on the runtime that shall send.
    pub fn new(storage: Arc<dyn Storage>, bucket: &str, names: Names, errors: FirstError) -> Self {
        let runtime = Handle::current();
        let bucket = bucket.to_owned();
        Self { storage, bucket, names, errors, runtime, sending: Vec::new() }
    }

    fn open(&mut self, key: &str) -> Box<dyn SinkWriter> {
        let writer = ObjectWriter::new(Arc::clone(&self.storage), &self.bucket, key);
        let (write, sending) = SinkWrite::new(writer, self.errors.clone(), self.runtime.clone());
        self.sending.push(sending);
        Box::new(write)
    }

    /// Waits until everything is sent, then makes all objects visible. Answers
    /// those that are small enough to go with a message.
    ///
    /// # Errors
    /// The first [`StorageError`]. Objects that became visible before it are
    /// named by nothing yet, and the next attempt replaces them.
    pub async fn publish(self) -> Result<SmallObjects, StorageError> {
        self.publish_those(|_| true).await
    }

    /// As [`LakeSink::publish`], for the objects with these keys alone; the others
    /// are freed.
    ///
    /// # Errors
    /// As for [`LakeSink::publish`].
    pub async fn publish_those(
        self,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<SmallObjects, StorageError> {
        let expected = self.sending.len();
        let writers: Vec<_> = sent(self.sending).await.into_iter().filter_map(Result::ok).collect();
        if writers.len() < expected {
            return Err(self.errors.take().unwrap_or_else(|| lost(&self.bucket)));
        }
        let (writers, others): (Vec<_>, Vec<_>) =
            writers.into_iter().partition(|writer| wanted(writer.key()));
        for writer in others {
            abandon(writer).await;
        }
        let small = SmallObjects::of(&writers, &self.names.rejects());
        stream::iter(writers)
            .map(|writer| async move { writer.finish().await.map(drop) })
            .buffer_unordered(FINISHING)
            .try_collect::<()>()
            .await?;
        Ok(small)
    }

    /// Makes the rejects visible, and nothing else: the report on a file that
    /// broke its contract. Answers their key, if there are any.
    ///
    /// # Errors
    /// The [`StorageError`] of the rejects.
    pub async fn keep_rejects(self) -> Result<Option<String>, StorageError> {
        let key = self.names.rejects();
        let mut kept = None;
        for writer in sent(self.sending).await.into_iter().filter_map(Result::ok) {
            if writer.key() == key {
                writer.finish().await?;
                kept = Some(key.clone());
            } else {
                abandon(writer).await;
            }
        }
        Ok(kept)
    }

    /// Frees what was sent. Best effort: the bucket's lifecycle rule for
    /// incomplete uploads takes the rest.
    pub async fn discard(self) {
        for writer in sent(self.sending).await {
            abandon(writer.unwrap_or_else(|writer| writer)).await;
        }
    }
}

impl Sink for LakeSink {
    fn output(
        &mut self,
        partition: &[(String, Option<String>)],
        ordinal: u32,
    ) -> io::Result<Box<dyn SinkWriter>> {
        let key = self.names.output(partition, ordinal);
        Ok(self.open(&key))
    }

    fn rejects(&mut self) -> io::Result<Box<dyn SinkWriter>> {
        let key = self.names.rejects();
        Ok(self.open(&key))
    }
}

impl SinkWriter for SinkWrite {
    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.end()
    }
}

async fn sent(sending: Vec<SinkEnd>) -> Vec<Result<ObjectWriter, ObjectWriter>> {
    let mut writers = Vec::with_capacity(sending.len());
    for sink in sending {
        // One that panicked has no writer to give back; `publish` counts.
        writers.extend(sink.sent().await);
    }
    writers
}

async fn abandon(writer: ObjectWriter) {
    let key = writer.key().to_owned();
    if let Err(error) = writer.abort().await {
        tracing::debug!(%key, %error, "parts of an abandoned output remain");
    }
}

fn lost(bucket: &str) -> StorageError {
    StorageError::Failed {
        url: format!("s3://{bucket}"),
        detail: "an output was not sent".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_from_the_file_alone() {
        let names = Names::new("expenses", &FileId::from_text("abc"));
        let partition = [("year".to_owned(), Some("2024".to_owned()))];
        assert_eq!(names.output(&partition, 0), "expenses/year=2024/abc-0000.parquet");
        assert_eq!(names.output(&[], 12), "expenses/abc-0012.parquet");
        assert_eq!(names.rejects(), "_rejects/expenses/abc.ndjson");
    }
}
