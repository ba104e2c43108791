//! Rows made of rows: the port through which a dataset's SQL stands between the
//! decoders and the encoder.
//!
//! It is a conversation with no queue in it: the caller takes what is ready until
//! nothing is, and only then hands over more. So neither side can wait for the
//! other, and no more rows are in memory than the last ones handed over and what
//! the other side keeps by its own limit.

use std::io;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use thiserror::Error;

/// Makes other rows of a file's good rows.
pub trait Reshape: Send + Sync {
    /// What it does, as it is written in the pipeline file.
    fn text(&self) -> &str;

    /// Schema of the rows it makes: what is written, the columns that files are
    /// partitioned by among them.
    fn schema(&self) -> SchemaRef;

    /// Starts on a file.
    ///
    /// # Errors
    /// [`ReshapeError`] if it cannot start.
    fn start(&self) -> Result<Box<dyn Reshaping>, ReshapeError>;
}

/// The rows of one file being made into others.
pub trait Reshaping: Send {
    /// The next rows that are ready; `None` asks for more, or says that these
    /// were all if there are no more.
    ///
    /// # Errors
    /// [`ReshapeError`]; nothing may be asked of it after one.
    fn next(&mut self) -> Result<Option<RecordBatch>, ReshapeError>;

    /// Hands over rows, whose columns are those of
    /// [`arrow_schema`](crate::arrow_schema), once `next` has asked for more.
    ///
    /// # Errors
    /// As for `next`.
    fn push(&mut self, rows: RecordBatch) -> Result<(), ReshapeError>;

    /// Says that there are no more rows; the rest comes by `next`.
    fn end(&mut self);
}

/// Why no rows could be made.
#[derive(Debug, Error)]
pub enum ReshapeError {
    /// It cannot be done with these rows, now or ever.
    #[error("{0}")]
    Refused(String),
    /// Something else that it reads could not be read.
    #[error("{0}")]
    Source(#[source] io::Error),
    /// Its temporary files could not be written or read.
    #[error("{0}")]
    Disk(#[source] io::Error),
}
