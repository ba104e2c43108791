//! Delimited text: dialect, rows and fields, header.

mod dialect;
mod mask;
mod quoting;
mod scan;

pub(crate) use dialect::Dialect;
use millrace_contract::FileFormat;
pub(crate) use quoting::Quoting;
pub(crate) use scan::{Scanned, Shape, scan};

/// Whether rows of a format are delimited text.
pub(crate) fn is_delimited(format: FileFormat) -> bool {
    match format {
        FileFormat::Csv | FileFormat::Tsv => true,
        FileFormat::Ndjson
        | FileFormat::Json
        | FileFormat::Fixed
        | FileFormat::Parquet
        | FileFormat::Xlsx => false,
    }
}
