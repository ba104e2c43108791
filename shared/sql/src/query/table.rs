//! The port through which a query reads whole tables: datasets of the lake, or
//! Parquet files of a folder.

use std::fmt;
use std::io;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::stream::BoxStream;

/// A table a query may name.
pub trait Table: fmt::Debug + Send + Sync {
    /// Its name.
    fn name(&self) -> &str;

    /// Its columns: for those of a contract, [`table_schema`](crate::table_schema).
    fn schema(&self) -> SchemaRef;

    /// How many rows it has, as far as that is known without reading them.
    fn rows(&self) -> Option<u64>;

    /// Its rows, with the columns at these positions only, in this order.
    fn scan(&self, columns: Vec<usize>) -> BoxStream<'static, io::Result<RecordBatch>>;
}
