//! Rows on their way from the connection that reads them to whoever writes them.

use arrow::record_batch::RecordBatch;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use millrace_ledger::DatabaseError;
use tokio::sync::mpsc;

use super::ExtractError;
use super::builder::Filling;

/// Batches that may wait.
const WAITING: usize = 2;

/// Rows that a connection reads, a few batches ahead of whoever takes them.
pub struct Rows(mpsc::Receiver<Result<RecordBatch, ExtractError>>);

impl Rows {
    /// The next batch, which has rows; none behind the last.
    ///
    /// # Errors
    /// [`ExtractError`] if reading failed; nothing comes after it.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>, ExtractError> {
        self.0.recv().await.transpose()
    }
}

/// Where a reader puts its rows.
pub(super) struct Sender(mpsc::Sender<Result<RecordBatch, ExtractError>>);

/// Nobody wants the rows any more.
pub(super) struct Unwanted;

/// A way for rows.
pub(super) fn way() -> (Sender, Rows) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (Sender(sender), Rows(receiver))
}

impl Sender {
    /// Hands on what was filled.
    pub(super) async fn send(&self, filling: &mut Filling) -> Result<(), Unwanted> {
        if filling.is_empty() {
            return Ok(());
        }
        let batch = filling.take();
        let failed = batch.is_err();
        match self.0.send(batch).await {
            Ok(()) if !failed => Ok(()),
            Ok(()) | Err(_) => Err(Unwanted),
        }
    }

    /// Says why there are no more rows.
    pub(super) async fn fail(&self, error: ExtractError) {
        // Whoever is gone does not want to know.
        let _ = self.0.send(Err(error)).await;
    }
}

/// Rows as a driver gives them one by one.
pub(super) type Cursor<'c, R> = BoxStream<'c, Result<R, sqlx::Error>>;

/// The first rows, by which types are found out that nothing says. `at` is the
/// database's name.
pub(super) async fn first<R>(
    rows: &mut Cursor<'_, R>,
    most: usize,
    at: &str,
) -> Result<Vec<R>, ExtractError> {
    let mut first = Vec::new();
    while first.len() < most
        && let Some(row) = rows.next().await
    {
        first.push(row.map_err(|error| DatabaseError::of(at, error))?);
    }
    Ok(first)
}

/// Hands on all rows, in batches, or else why there are no more. `add_row` answers
/// about how many bytes a row takes.
pub(super) async fn hand_on<R>(
    (first, rows, at): (Vec<R>, Cursor<'_, R>, &str),
    add_row: fn(&R, &mut Filling) -> Result<usize, ExtractError>,
    mut filling: Filling,
    sender: &Sender,
) {
    let mut rows = stream::iter(first.into_iter().map(Ok)).chain(rows);
    while let Some(row) = rows.next().await {
        let row = row.map_err(|error| DatabaseError::of(at, error).into());
        match row.and_then(|row| add_row(&row, &mut filling)) {
            Ok(bytes) => {
                if filling.row_added(bytes)
                    && let Err(Unwanted) = sender.send(&mut filling).await
                {
                    return;
                }
            }
            Err(error) => return sender.fail(error).await,
        }
    }
    // Whoever does not want the last rows does not want to know.
    let _ = sender.send(&mut filling).await;
}
