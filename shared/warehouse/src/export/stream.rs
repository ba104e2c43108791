//! Rows on their way from the connection that reads them to whoever writes them.

use arrow::record_batch::RecordBatch;
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
