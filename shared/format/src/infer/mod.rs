//! Columns and types from the first bytes of a file.
//!
//! Inference is deterministic, prefers the narrowest of few types, and never
//! picks one that would lose something: `007` stays text, integers are int64,
//! then uint64, then decimal(38,0), and text where no type can hold them.
//!
//! A [`Survey`] is what a file's sample holds. Without columns that are known, they are
//! inferred from it; where some are, it tells what has to be added or widened
//! ([`lattice`]) so that the file can be read with them.

mod dates;
mod delimited;
mod dialect;
mod evolve;
mod guess;
mod inside;
mod lattice;
mod look;
mod numbers;
mod objects;
mod sheets;
mod sniff;
mod values;

use std::collections::HashSet;
use std::io::Read;

use millrace_contract::{ColumnDef, DataType, Dataset, FileFormat, RESCUED};

use crate::bind::{folded, free_name};
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
    Ok(survey(source, dataset)?.infer())
}

/// Looks at the beginning of a file, as much of it as the schema of its dataset
/// says.
///
/// # Errors
/// [`FormatError`] if the sample can't be read as the dataset says.
pub fn survey(source: impl Read, dataset: &Dataset) -> Result<Survey, FormatError> {
    let Dataset { format, csv, fixed, schema, .. } = dataset;
    if *format == FileFormat::Fixed {
        let what = "columns of fixed width have to be declared: their places can't be inferred";
        return Err(FormatError::Plan { what: what.to_owned() });
    }
    let declared = schema.columns.clone();
    match format {
        FileFormat::Parquet => {
            let said = values::infer(source, dataset)?;
            let sampled = Sampled::default();
            return Ok(Survey { sampled, is_exact: false, declared, said: Some(said) });
        }
        FileFormat::Xlsx => {
            let sampled = sheets::sample(source, dataset)?;
            return Ok(Survey { sampled, is_exact: false, declared, said: None });
        }
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
    let is_exact = !is_delimited(*format);
    let look = |splitter: &mut Splitter<_>, bytes| match is_exact {
        true => objects::sample(splitter, dataset, bytes),
        false => delimited::sample(splitter, *format, csv, bytes),
    };
    let mut sampled = look(&mut splitter, schema.sample_bytes)?;
    let mut left = schema.sample_bytes.saturating_sub(sampled.bytes);
    while left > 0 && splitter.member().is_some() && splitter.next_member()? {
        let later = look(&mut splitter, left)?;
        left = left.saturating_sub(later.bytes);
        sampled.merge(later, is_exact);
    }
    if let (true, 0, Some(first)) = (is_exact, sampled.rows, &sampled.malformed.first) {
        let what = format!("no row of the sample is a JSON object; {first}");
        return Err(FormatError::Unreadable { byte: 0, what });
    }
    Ok(Survey { sampled, is_exact, declared, said: None })
}

/// What the beginning of a file holds.
pub struct Survey {
    sampled: Sampled,
    /// Whether names are compared by letter, as keys of JSON objects are.
    is_exact: bool,
    /// The columns that the dataset declares.
    declared: Vec<ColumnDef>,
    /// What the file itself says of its columns, if it does.
    said: Option<Inferred>,
}

impl Survey {
    /// The columns of the file: those that are declared as they are declared.
    pub fn infer(&self) -> Inferred {
        match &self.said {
            Some(said) => said.clone(),
            None => self.sampled.resolve(&self.declared),
        }
    }
}

/// What a sample held.
#[derive(Default)]
struct Sampled {
    columns: Vec<Sample>,
    rows: u64,
    malformed: Malformed,
    /// Bytes that were looked at.
    bytes: u64,
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
    /// Adds what a later member of an archive holds.
    fn merge(&mut self, later: Self, is_exact: bool) {
        for column in later.columns {
            let same = |known: &Sample| match is_exact {
                true => known.source_name() == column.source_name(),
                false => folded(known.source_name()) == folded(column.source_name()),
            };
            match self.columns.iter().position(same) {
                Some(position) => self.columns[position].guess.merge(column.guess),
                None => self.columns.push(column),
            }
        }
        self.rows += later.rows;
        self.malformed.rows += later.malformed.rows;
        self.malformed.first = self.malformed.first.take().or(later.malformed.first);
    }

    fn resolve(&self, declared: &[ColumnDef]) -> Inferred {
        let mut unmet: Vec<_> = declared.iter().collect();
        let mut taken = declared.iter().map(|column| folded(&column.name)).collect();
        let mut columns = Vec::with_capacity(self.columns.len());
        let mut notes = Vec::with_capacity(self.columns.len());
        for sample in &self.columns {
            let source = folded(sample.source_name());
            let met = unmet.iter().position(|column| folded(column.source_name()) == source);
            let column = match met {
                Some(met) => unmet.remove(met).clone(),
                None => sample.column(&mut taken),
            };
            let how = if met.is_some() { ", as declared" } else { "" };
            notes.push(format!("{}{how}", sample.guess.note(&column, self.rows)));
            columns.push(column);
        }
        notes.extend(unmet.iter().map(|column| match column.name.as_str() {
            RESCUED => format!("{RESCUED}: what fits no other column"),
            name => format!("{name}: not in the sample"),
        }));
        columns.extend(unmet.into_iter().cloned());
        if let Some(first) = &self.malformed.first {
            notes.push(format!("{} malformed rows; {first}", self.malformed.rows));
        }
        Inferred { columns, rows_sampled: self.rows, notes }
    }
}

impl Sample {
    /// The name the column has in the source.
    fn source_name(&self) -> &str {
        self.from.as_deref().unwrap_or(&self.name)
    }

    /// A column that may be null, under a name that none of the others has.
    fn column(&self, taken: &mut HashSet<String>) -> ColumnDef {
        let data_type = self.guess.data_type().unwrap_or(DataType::String);
        if taken.insert(folded(&self.name)) {
            return ColumnDef { from: self.from.clone(), ..ColumnDef::new(&self.name, data_type) };
        }
        let name = free_name(&self.name, 2, taken);
        let from = Some(self.source_name().to_owned());
        ColumnDef { from, ..ColumnDef::new(name, data_type) }
    }
}
