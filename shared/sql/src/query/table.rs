//! The port through which a query reads whole tables: datasets of the lake, or
//! Parquet files of a folder.

use std::fmt;
use std::io;

use arrow::array::RecordBatch;
use futures::stream::BoxStream;
use millrace_contract::ColumnDef;

/// A table a query may name.
pub trait Table: fmt::Debug + Send + Sync {
    /// Its name.
    fn name(&self) -> &str;

    /// Its columns.
    fn columns(&self) -> &[ColumnDef];

    /// How many rows it has, as far as that is known without reading them.
    fn rows(&self) -> Option<u64>;

    /// Its rows, with the columns at these positions only, in this order; their
    /// types are those of [`arrow_type`](millrace_format::arrow_type).
    fn scan(&self, columns: Vec<usize>) -> BoxStream<'static, io::Result<RecordBatch>>;
}
