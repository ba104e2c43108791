//! Batches to objects of bounded size, each visible only when it is whole.

use arrow::record_batch::RecordBatch;
use millrace_contract::{Export, ExportObject};
use millrace_format::{FileOptions, FileWriter, FormatError};
use millrace_runtime::{Failed, Lease};
use millrace_storage::ObjectWriter;
use millrace_warehouse::export::Rows;
use std::sync::Arc;

use crate::folder::Folder;

/// What objects are written by.
pub(crate) struct Objects<'a> {
    pub(crate) export: &'a Export,
    pub(crate) folder: &'a Folder,
    pub(crate) options: FileOptions,
    pub(crate) lease: &'a Lease,
}

/// An object that is being written.
struct Open {
    writer: ObjectWriter,
    file: FileWriter,
    rows: u64,
}

impl Objects<'_> {
    /// Writes the rows of one part; answers the objects in order.
    pub(crate) async fn write(
        &self,
        part: Option<usize>,
        mut rows: Rows,
    ) -> Result<Vec<ExportObject>, Failed> {
        let mut written = Vec::new();
        let mut open: Option<Open> = None;
        let ended = self.write_all(part, &mut rows, &mut open, &mut written).await;
        match (ended, open) {
            (Ok(()), Some(open)) => written.push(self.close(open).await?),
            (Ok(()), None) => {}
            (Err(error), open) => {
                abandon(open).await;
                return Err(error);
            }
        }
        Ok(written)
    }

    async fn write_all(
        &self,
        part: Option<usize>,
        rows: &mut Rows,
        open: &mut Option<Open>,
        written: &mut Vec<ExportObject>,
    ) -> Result<(), Failed> {
        while let Some(mut batch) = rows.next().await? {
            while batch.num_rows() > 0 {
                let mut current = match open.take() {
                    Some(current) => current,
                    None => self.start(part, written.len(), &batch)?,
                };
                let room = self.export.object_rows.saturating_sub(current.rows).max(1);
                let now = usize::try_from(room).unwrap_or(usize::MAX).min(batch.num_rows());
                let rest = batch.slice(now, batch.num_rows() - now);
                let (file, bytes) = encode(current.file, batch.slice(0, now)).await?;
                current = Open { file, rows: current.rows + now as u64, writer: current.writer };
                let sent = current.writer.write(&bytes).await;
                let is_full = current.rows >= self.export.object_rows
                    || current.file.size() >= self.export.object_size;
                match (sent, is_full) {
                    (Ok(()), true) => written.push(self.close(current).await?),
                    (sent, _) => {
                        *open = Some(current);
                        sent?;
                    }
                }
                batch = rest;
            }
        }
        Ok(())
    }

    fn start(
        &self,
        part: Option<usize>,
        before: usize,
        first: &RecordBatch,
    ) -> Result<Open, Failed> {
        let ordinal = u32::try_from(before).unwrap_or(u32::MAX);
        let key = self.folder.object(part, ordinal, self.export.format.as_str());
        let storage = Arc::clone(&self.folder.storage);
        let writer = ObjectWriter::new(storage, &self.folder.bucket, &key);
        let file = FileWriter::new(&self.options, first).map_err(Failed::contract)?;
        Ok(Open { writer, file, rows: 0 })
    }

    /// Makes an object visible, if the right to do so is still there.
    async fn close(&self, open: Open) -> Result<ExportObject, Failed> {
        let Open { mut writer, file, rows } = open;
        let rest = blocking(move || file.finish()).await?;
        writer.write(&rest).await?;
        self.lease.check()?;
        let (key, bytes) = (writer.key().to_owned(), writer.size());
        writer.finish().await?;
        Ok(ExportObject { key, rows, bytes })
    }
}

/// Encodes rows, away from what must not wait for it.
async fn encode(mut file: FileWriter, rows: RecordBatch) -> Result<(FileWriter, Vec<u8>), Failed> {
    blocking(move || {
        file.write(&rows)?;
        let bytes = file.take();
        Ok((file, bytes))
    })
    .await
}

/// Rows that can't be encoded are not this attempt's alone.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FormatError> + Send + 'static,
) -> Result<T, Failed> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(FormatError::Encode(format!("encoding ended early: {error}"))))
        .map_err(Failed::contract)
}

/// Frees what was sent. Best effort: the bucket's lifecycle rule for incomplete
/// uploads takes the rest.
async fn abandon(open: Option<Open>) {
    let Some(Open { writer, .. }) = open else { return };
    let key = writer.key().to_owned();
    if let Err(error) = writer.abort().await {
        tracing::debug!(%key, %error, "parts of an abandoned object remain");
    }
}
