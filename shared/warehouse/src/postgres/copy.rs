//! Streaming batches into one `COPY … FROM STDIN (FORMAT binary)` after another.

use millrace_ledger::DatabaseError;
use sqlx::PgConnection;
use sqlx::postgres::PgCopyIn;

use arrow::record_batch::RecordBatch;

use super::encode::{Encoder, Last, TRAILER};
use crate::batches::Batches;
use crate::column::{Column, LOAD_ID, quote_all, quote_table};
use crate::{LoadError, LoadPlan};

/// Bytes handed to the connection at a time.
const SEND_BYTES: usize = 256 * 1024;

/// Bytes after which a `COPY` is finished and the next begun: the server's
/// objections are heard only at its end.
const COPY_BYTES: usize = 64 * 1024 * 1024;

/// What is copied into: a table, its columns, and the column that is not in the
/// batches.
pub(super) struct Into<'a> {
    pub(super) statement: String,
    pub(super) columns: &'a [Column],
    pub(super) last: Last,
}

impl<'a> Into<'a> {
    /// The target table itself; every row carries its load.
    pub(super) fn table(plan: &LoadPlan<'_>, columns: &'a [Column], load_id: i64) -> Self {
        let statement = statement(&quote_table(plan.target), columns, LOAD_ID);
        Self { statement, columns, last: Last::Constant(load_id) }
    }
}

/// The statement that copies into a table, which is quoted already.
pub(super) fn statement(table: &str, columns: &[Column], last: &str) -> String {
    let names = columns.iter().map(|column| column.name.as_str()).chain([last]);
    format!("COPY {} ({}) FROM STDIN (FORMAT binary)", table, quote_all(names))
}

/// Copies all batches.
pub(super) async fn copy(
    connection: &mut PgConnection,
    at: &str,
    plan: &LoadPlan<'_>,
    into: &Into<'_>,
    batches: &mut Batches<'_>,
) -> Result<(), LoadError> {
    let failed = |error| plan.failed(DatabaseError::of(at, error));
    let mut encoder = Encoder::new(into.last);
    let mut next = batches.next().await?;
    while next.is_some() {
        let mut stream = connection.copy_in_raw(&into.statement).await.map_err(failed)?;
        encoder.begin();
        match copy_some(&mut stream, &mut encoder, into, next, batches).await {
            Ok(rest) => next = rest,
            Err(Stopped::Load(error)) => {
                // The transaction is undone anyway; this frees the connection.
                let _aborted = stream.abort("the load failed").await;
                return Err(error);
            }
            Err(Stopped::Connection(error)) => return Err(failed(error)),
        }
        stream.finish().await.map_err(failed)?;
    }
    Ok(())
}

enum Stopped {
    Load(LoadError),
    Connection(sqlx::Error),
}

/// Copies batches until there are no more or this `COPY` is large enough;
/// returns the batch to go on with.
async fn copy_some(
    stream: &mut PgCopyIn<&mut PgConnection>,
    encoder: &mut Encoder,
    into: &Into<'_>,
    first: Option<RecordBatch>,
    batches: &mut Batches<'_>,
) -> Result<Option<RecordBatch>, Stopped> {
    let mut next = first;
    let mut copied = 0;
    while let Some(batch) = next.take() {
        // The next batch is fetched while this one is sent.
        let (sent, following) =
            tokio::join!(send(stream, encoder, into.columns, &batch), batches.next());
        copied += sent?;
        next = following.map_err(Stopped::Load)?;
        if copied >= COPY_BYTES {
            break;
        }
    }
    encoder.bytes.extend_from_slice(&TRAILER);
    stream.send(encoder.bytes.as_slice()).await.map_err(Stopped::Connection)?;
    encoder.bytes.clear();
    Ok(next)
}

/// Encodes and sends a batch piece by piece; returns the bytes it came to.
async fn send(
    stream: &mut PgCopyIn<&mut PgConnection>,
    encoder: &mut Encoder,
    columns: &[Column],
    batch: &RecordBatch,
) -> Result<usize, Stopped> {
    let cells = crate::cells::cells(batch, columns).map_err(Stopped::Load)?;
    let mut row = 0;
    let mut sent = 0;
    while row < batch.num_rows() {
        row = encoder
            .rows(&cells, columns, row..batch.num_rows(), SEND_BYTES)
            .map_err(Stopped::Load)?;
        sent += encoder.bytes.len();
        stream.send(encoder.bytes.as_slice()).await.map_err(Stopped::Connection)?;
        encoder.bytes.clear();
    }
    Ok(sent)
}
