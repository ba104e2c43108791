//! Delimited text: dialect, rows and fields, header.

mod dialect;
mod mask;
mod quoting;
mod scan;

pub(crate) use dialect::Dialect;
use millrace_contract::{CsvOptions, Encoding, FileFormat};
pub(crate) use quoting::Quoting;
pub(crate) use scan::{Scanned, Shape, scan};

/// Whether rows of a format are delimited text.
pub(crate) fn is_delimited(format: FileFormat) -> bool {
    match format {
        FileFormat::Csv | FileFormat::Tsv => true,
        FileFormat::Ndjson | FileFormat::Json => false,
    }
}

/// The encoding that is declared for a file. JSON is UTF-8, unless a byte order
/// mark says otherwise.
pub(crate) fn encoding_of(format: FileFormat, csv: &CsvOptions) -> Encoding {
    if is_delimited(format) { csv.encoding } else { Encoding::Utf8 }
}
