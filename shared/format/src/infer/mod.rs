//! Columns and types from the first bytes of a file.
//!
//! Inference is deterministic, prefers the narrowest of few types, and never
//! picks one that would lose something: `007` stays text, and so do integers
//! that no type can hold.

mod delimited;
mod dialect;
mod guess;
mod objects;
mod sheets;
mod sniff;
mod values;

use std::io::Read;

use millrace_contract::{ColumnDef, DataType, Dataset, FileFormat};

use crate::bind::folded;
use crate::csv::is_delimited;
use crate::source::encoding_of;
use crate::split::Splitter;
use crate::{FormatError, Inferred, Limits};
use guess::Guess;
pub use sniff::{Sniffed, sniff};

/// Infers the columns of a file of a dataset from its beginning, as much of it
/// as the schema says.
///
/// Declared columns are taken as they are declared, wherever the file has a
/// column of their source name; those it does not have come last. What was found
/// can be read with the columns that come out, except for rows that are
/// malformed.
///
/// # Errors
/// [`FormatError`] if the sample can't be read as the dataset says.
pub fn infer(source: impl Read, dataset: &Dataset) -> Result<Inferred, FormatError> {
    let Dataset { format, csv, fixed, schema, .. } = dataset;
    if *format == FileFormat::Fixed {
        let what = "columns of fixed width have to be declared: their places can't be inferred";
        return Err(FormatError::Plan { what: what.to_owned() });
    }
    match format {
        FileFormat::Parquet => return values::infer(source, dataset),
        FileFormat::Xlsx => return Ok(sheets::sample(source, dataset)?.resolve(&schema.columns)),
        FileFormat::Csv
        | FileFormat::Tsv
        | FileFormat::Ndjson
        | FileFormat::Json
        | FileFormat::Fixed => {}
    }
    let sample = usize::try_from(schema.sample_bytes).unwrap_or(usize::MAX);
    let limits = Limits::default();
    let limits = Limits { block_bytes: limits.block_bytes.min(sample.max(1)), ..limits };
    let mut splitter = Splitter::open(source, encoding_of(*format, csv, fixed), &limits)?;
    let sampled = match is_delimited(*format) {
        true => delimited::sample(&mut splitter, *format, csv, schema.sample_bytes)?,
        false => objects::sample(&mut splitter, dataset)?,
    };
    Ok(sampled.resolve(&schema.columns))
}

/// What a sample held.
struct Sampled {
    columns: Vec<Sample>,
    rows: u64,
    malformed: Malformed,
}

/// One column of a sample.
struct Sample {
    name: String,
    /// Its name in the source, where it differs.
    from: Option<String>,
    guess: Guess,
}

/// Rows that could not be read.
#[derive(Default)]
struct Malformed {
    rows: u64,
    first: Option<String>,
}

impl Malformed {
    fn add(&mut self, said: impl FnOnce() -> String) {
        self.rows += 1;
        self.first.get_or_insert_with(said);
    }
}

impl Sampled {
    fn resolve(self, declared: &[ColumnDef]) -> Inferred {
        let mut unmet: Vec<_> = declared.iter().collect();
        let mut columns = Vec::with_capacity(self.columns.len());
        let mut notes = Vec::with_capacity(self.columns.len());
        for sample in self.columns {
            let source = folded(sample.from.as_ref().unwrap_or(&sample.name));
            let met = unmet.iter().position(|column| folded(column.source_name()) == source);
            let column = match met {
                Some(met) => unmet.remove(met).clone(),
                None => sample.column(),
            };
            let how = if met.is_some() { ", as declared" } else { "" };
            notes.push(format!("{}{how}", sample.guess.note(&column, self.rows)));
            columns.push(column);
        }
        notes.extend(unmet.iter().map(|column| format!("{}: not in the sample", column.name)));
        columns.extend(unmet.into_iter().cloned());
        if let Some(first) = self.malformed.first {
            notes.push(format!("{} malformed rows; {first}", self.malformed.rows));
        }
        Inferred { columns, rows_sampled: self.rows, notes }
    }
}

impl Sample {
    fn column(&self) -> ColumnDef {
        let data_type = self.guess.data_type().unwrap_or(DataType::String);
        ColumnDef { from: self.from.clone(), ..ColumnDef::new(&self.name, data_type) }
    }
}
