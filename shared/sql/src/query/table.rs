//! The port through which a query reads whole tables: datasets of the lake, or
//! Parquet files of a folder.

use std::fmt;
use std::io;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::stream::BoxStream;

/// A part of a table that is read or left out as a whole: a file of the lake, say,
/// whose folder tells what a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Names it and its rows: what has other rows has another name.
    pub name: String,
    /// How many rows it has.
    pub rows: u64,
    /// Columns that hold one value in all of its rows, each with that value as text
    /// or none for null.
    pub values: Vec<(String, Option<String>)>,
}

/// A table a query may name.
pub trait Table: fmt::Debug + Send + Sync {
    /// Its name.
    fn name(&self) -> &str;

    /// Its columns: for those of a contract, [`table_schema`](crate::table_schema).
    fn schema(&self) -> SchemaRef;

    /// How many rows it has, as far as that is known without reading them.
    fn rows(&self) -> Option<u64>;

    /// What it is made of, where that is known. Of such a table a query reads only
    /// the parts that can have rows it asks for.
    fn parts(&self) -> &[Part] {
        &[]
    }

    /// Its rows, with the columns at these positions only, in this order.
    fn scan(&self, columns: Vec<usize>) -> BoxStream<'static, io::Result<RecordBatch>>;

    /// The same of the parts at these positions.
    fn scan_parts(
        &self,
        parts: Vec<usize>,
        columns: Vec<usize>,
    ) -> BoxStream<'static, io::Result<RecordBatch>> {
        debug_assert_eq!(parts.len(), self.parts().len(), "a table with parts reads them");
        self.scan(columns)
    }
}
