//! The columns of Parquet files, which say themselves what they hold.

use std::io::Read;

use millrace_contract::{ColumnDef, Dataset, FileFormat};

use crate::bind::{folded, stable_names};
use crate::records::parquet::ParquetFile;
use crate::records::spool;
use crate::source::{Content, Source};
use crate::{FormatError, Inferred, Limits};

/// Takes the columns from the footer; declared ones stand as declared.
pub(super) fn infer(source: impl Read, dataset: &Dataset) -> Result<Inferred, FormatError> {
    let limits = Limits::default();
    let mut source = Source::open_as(source, Content::Binary(FileFormat::Parquet), &limits)?;
    let file = ParquetFile::open(spool(&mut source, FileFormat::Parquet, &limits)?, &limits)?;
    let mut unmet: Vec<_> = dataset.schema.columns.iter().collect();
    let (mut columns, mut notes) = (Vec::new(), Vec::new());
    for (name, (data_type, arrow)) in stable_names(&file.header()).into_iter().zip(file.types()) {
        let met = unmet.iter().position(|column| folded(column.source_name()) == folded(&name));
        let (column, how) = match met {
            Some(met) => (unmet.remove(met).clone(), ", as declared"),
            None => (ColumnDef::new(name, data_type), ""),
        };
        notes.push(format!("{}: {}{how}; {arrow} in the file", column.name, column.data_type));
        columns.push(column);
    }
    notes.extend(unmet.iter().map(|column| format!("{}: not in the file", column.name)));
    columns.extend(unmet.into_iter().cloned());
    Ok(Inferred { columns, rows_sampled: file.rows(), notes })
}
