//! One joined object: the rows of its pieces one after the other, then its place in
//! the ledger.

use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::StreamExt;
use millrace_contract::{Dataset, ExportFormat, ParquetOptions};
use millrace_failpoint::{Point, reach};
use millrace_format::{FileOptions, FileWriter, FormatError};
use millrace_lake::{Missing, batches, object_schema};
use millrace_ledger::{Joined, LedgerError, Part};
use millrace_storage::ObjectWriter;

use super::Compactor;
use super::bins::{Bin, Piece};
use crate::{Permit, STAGE, UpkeepError};

/// An object that is being written.
struct Open {
    writer: ObjectWriter,
    /// Begun with the first rows, which encodings are chosen by.
    file: Option<FileWriter>,
    options: FileOptions,
    rows: u64,
}

impl Compactor {
    /// Joins what is in a bin; answers the object's size in bytes.
    pub(super) async fn join(&self, bin: &Bin, permit: Permit<'_>) -> Result<u64, UpkeepError> {
        reach(STAGE, Point::Began);
        let key = bin.key();
        let storage = Arc::clone(&self.site.storage);
        let mut open = Open {
            writer: ObjectWriter::new(storage, &bin.lake, &key),
            file: None,
            options: self.options(bin).await?,
            rows: 0,
        };
        let (parts, bytes) = match self.write(bin, &mut open).await {
            Ok(parts) => {
                let bytes = open.writer.size();
                reach(STAGE, Point::AfterRows);
                if let Err(lost) = permit.check() {
                    abandon(open.writer).await;
                    return Err(lost);
                }
                open.writer.finish().await?;
                (parts, bytes)
            }
            Err(error) => {
                abandon(open.writer).await;
                return Err(error);
            }
        };
        reach(STAGE, Point::BeforeCommit);
        permit.check()?;
        let joined = Joined {
            id: bin.id(),
            dataset: bin.dataset.clone(),
            bucket: bin.lake.clone(),
            key,
            rows: open.rows,
            bytes,
            parts,
        };
        self.site.ledger.put_joined(&joined).await?;
        reach(STAGE, Point::AfterCommit);
        Ok(bytes)
    }

    /// As the dataset's files are written, but for an order of rows that holds within
    /// each of them only.
    async fn options(&self, bin: &Bin) -> Result<FileOptions, UpkeepError> {
        let unknown = || LedgerError::UnknownContract {
            dataset: bin.dataset.clone(),
            contract: bin.contract.as_str().to_owned(),
        };
        let contract = self.site.ledger.contract(&bin.dataset, &bin.contract).await?;
        let dataset: Dataset = contract.ok_or_else(unknown)?;
        let said = |name: &str, value: String| (name.to_owned(), value);
        Ok(FileOptions {
            format: ExportFormat::Parquet,
            parquet: ParquetOptions { sort_by: Vec::new(), ..dataset.parquet },
            metadata: vec![
                said("millrace.dataset", bin.dataset.clone()),
                said("millrace.joined", bin.id().to_string()),
            ],
        })
    }

    async fn write(&self, bin: &Bin, open: &mut Open) -> Result<Vec<Part>, UpkeepError> {
        let Some(first) = bin.pieces.first() else { return Ok(Vec::new()) };
        let storage = || Arc::clone(&self.site.storage);
        let schema = object_schema(storage(), &bin.lake, &first.output).await?;
        let mut parts = Vec::with_capacity(bin.pieces.len());
        for piece in &bin.pieces {
            let first_row = open.rows;
            let outputs = vec![piece.output.clone()];
            let rows = Arc::clone(&schema);
            let mut rows = batches(storage(), bin.lake.clone(), outputs, rows, Missing::Refuse);
            while let Some(batch) = rows.next().await {
                open.write(batch?).await?;
            }
            check(piece, open.rows - first_row)?;
            parts.push(Part {
                file_id: piece.file_id.clone(),
                output: piece.number,
                first_row,
                from: piece.output.key.clone(),
            });
        }
        open.end().await?;
        Ok(parts)
    }
}

fn check(piece: &Piece, found: u64) -> Result<(), UpkeepError> {
    let expected = piece.output.rows;
    match found == expected {
        true => Ok(()),
        false => Err(UpkeepError::Rows { key: piece.output.key.clone(), expected, found }),
    }
}

impl Open {
    /// Encodes rows, away from what must not wait for it, and sends what is encoded.
    async fn write(&mut self, rows: RecordBatch) -> Result<(), UpkeepError> {
        self.rows += rows.num_rows() as u64;
        let begun = self.file.take();
        let options = self.options.clone();
        let (file, bytes) = blocking(move || {
            let mut file = match begun {
                Some(file) => file,
                None => FileWriter::new(&options, &rows)?,
            };
            file.write(&rows)?;
            let bytes = file.take();
            Ok((file, bytes))
        })
        .await?;
        self.file = Some(file);
        Ok(self.writer.write(&bytes).await?)
    }

    async fn end(&mut self) -> Result<(), UpkeepError> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let rest = blocking(move || file.finish()).await?;
        Ok(self.writer.write(&rest).await?)
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FormatError> + Send + 'static,
) -> Result<T, FormatError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(FormatError::Encode(format!("encoding ended early: {error}"))),
    }
}

/// Frees what was sent. Best effort: the bucket's lifecycle rule for incomplete
/// uploads takes the rest.
async fn abandon(writer: ObjectWriter) {
    let key = writer.key().to_owned();
    if let Err(error) = writer.abort().await {
        tracing::debug!(%key, %error, "parts of an abandoned object remain");
    }
}
