//! How a local file is read: as a dataset of the pipeline file, or as its
//! content says.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use millrace_contract::{
    Captures, ColumnDef, CsvOptions, Dataset, FileFormat, FixedOptions, JsonOptions, LimitOptions,
    ParquetOptions, RejectOptions, Schema, SchemaMode, XlsxOptions,
};
use millrace_format::{Inferred, Sniffed};
use millrace_lake::ParquetFolder;
use millrace_pipeline::{KeyError, Pipeline};
use millrace_sql::Table;

use crate::args::{FileArgs, ReadingArgs};
use crate::datasets;
use crate::exit::Usage;
use crate::setup::read_pipeline;

/// A local file and what it is.
pub(super) struct Reading {
    pub(super) path: PathBuf,
    pub(super) dataset: Dataset,
    pub(super) captures: Captures,
    pub(super) columns: Vec<ColumnDef>,
    /// Parquet that the dataset's SQL joins with.
    pub(super) tables: Vec<Arc<dyn Table>>,
    /// What inference found, if it was asked.
    pub(super) inferred: Option<Inferred>,
}

impl Reading {
    /// Finds out how the file is to be read, and its columns.
    pub(super) fn find(args: &FileArgs) -> anyhow::Result<Self> {
        let path = args.file.clone();
        let given: Captures = args.captures.iter().cloned().collect();
        let declared = !args.infer && (args.pipeline.is_some() || args.dataset.is_some());
        let (dataset, captures) = match declared {
            true => declared_dataset(args, given)?,
            false => (sniffed_dataset(&path, &name_of(&path), &args.reading)?, given),
        };
        let (columns, inferred) = columns(&path, &dataset, &captures)?;
        let tables = args.lookups.iter().map(lookup).collect::<anyhow::Result<_>>()?;
        Ok(Self { path, columns, dataset, captures, tables, inferred })
    }

    /// What the outputs are named after: the file's name without its endings.
    pub(super) fn name(&self) -> String {
        name_of(&self.path)
    }
}

fn lookup((name, path): &(String, String)) -> anyhow::Result<Arc<dyn Table>> {
    let folder = ParquetFolder::open(Path::new(path)).map_err(|error| Usage(error.to_string()))?;
    Ok(Arc::new(folder.named(name)))
}

/// A dataset's name for a file: what a pipeline file takes as one.
pub(super) fn dataset_name(path: &Path) -> String {
    let name = name_of(path).to_lowercase();
    let fitting = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    let name: String = name.chars().map(fitting).collect();
    let name = name.trim_matches('_');
    match name.chars().next() {
        Some(first) if first.is_ascii_alphabetic() => name.to_owned(),
        _ => format!("data_{name}").trim_matches('_').to_owned(),
    }
}

/// Opens a local file.
pub(super) fn open(path: &Path) -> anyhow::Result<File> {
    let unreadable = || format!("`{}` can't be read", path.display());
    let file = File::open(path).with_context(unreadable)?;
    if file.metadata().with_context(unreadable)?.is_dir() {
        return Err(Usage(format!("`{}` is a folder; name a file", path.display())).into());
    }
    Ok(file)
}

/// The columns that a dataset's first file would have.
fn columns(
    path: &Path,
    dataset: &Dataset,
    captures: &Captures,
) -> anyhow::Result<(Vec<ColumnDef>, Option<Inferred>)> {
    let evolves = match dataset.schema.mode {
        SchemaMode::Strict => return Ok((dataset.schema.columns.clone(), None)),
        SchemaMode::Infer => false,
        SchemaMode::Evolve => true,
    };
    let survey = millrace_format::survey(open(path)?, dataset)?;
    let inferred = survey.infer();
    let columns = match evolves {
        true => survey.evolve(None, captures)?.columns,
        false => inferred.columns.clone(),
    };
    Ok((columns, Some(inferred)))
}

/// Infers a file's columns.
pub(super) fn infer(path: &Path, dataset: &Dataset) -> anyhow::Result<Inferred> {
    Ok(millrace_format::infer(open(path)?, dataset)?)
}

/// A dataset as the file's content says.
pub(super) fn sniffed_dataset(
    path: &Path,
    name: &str,
    args: &ReadingArgs,
) -> anyhow::Result<Dataset> {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let Sniffed { format, csv } = match args.format {
        Some(format) if !is_delimited(format) => Sniffed { format, csv: CsvOptions::default() },
        Some(format) => {
            let found = millrace_format::sniff(open(path)?, &file)?;
            let csv = if is_delimited(found.format) { found.csv } else { CsvOptions::default() };
            Sniffed { format, csv }
        }
        None => millrace_format::sniff(open(path)?, &file)?,
    };
    Ok(Dataset {
        name: name.to_owned(),
        pattern: format!("raw/{name}/*"),
        description: None,
        format,
        json: JsonOptions::default(),
        fixed: FixedOptions::default(),
        csv: CsvOptions {
            delimiter: args.delimiter.unwrap_or(csv.delimiter),
            header: csv.header && !args.no_header,
            null: csv.null.iter().chain(&args.nulls).cloned().collect(),
            ..csv
        },
        schema: Schema { sample_bytes: u64::from(args.sample) << 20, ..Schema::default() },
        xlsx: XlsxOptions::default(),
        limits: LimitOptions::default(),
        transform: None,
        shared: false,
        filter: None,
        expect: Vec::new(),
        rejects: RejectOptions::default(),
        parquet: ParquetOptions::default(),
        load: None,
    })
}

fn is_delimited(format: FileFormat) -> bool {
    matches!(format, FileFormat::Csv | FileFormat::Tsv)
}

/// The dataset of the pipeline file that was asked for, or the only one that the
/// file's path fits.
fn declared_dataset(args: &FileArgs, given: Captures) -> anyhow::Result<(Dataset, Captures)> {
    if args.reading.is_given() {
        let said = "how a file is written is what its dataset says; leave out --format, \
                    --delimiter, --no-header and --null, or read it with --infer";
        return Err(Usage(said.to_owned()).into());
    }
    let named = args.pipeline.clone();
    let pipeline = read_pipeline(&named.unwrap_or_else(|| PathBuf::from(Pipeline::FILE_NAME)))?;
    let name = match &args.dataset {
        Some(name) => name.clone(),
        None => fitting(&pipeline, &args.file, &given)?,
    };
    let dataset = datasets::named(&pipeline, &name)?;
    let captures = captures(&pipeline, dataset, &args.file, given)?;
    Ok((dataset.clone(), captures))
}

fn fitting(pipeline: &Pipeline, file: &Path, given: &Captures) -> anyhow::Result<String> {
    let path = file.to_string_lossy();
    let fits = |dataset: &&Dataset| pipeline.key_for(&dataset.name, &path, given).is_ok();
    let fitting: Vec<_> = pipeline.datasets.iter().filter(fits).collect();
    let all: Vec<_> = pipeline.datasets.iter().filter(|dataset| !dataset.is_derived()).collect();
    match (fitting.as_slice(), all.as_slice()) {
        ([only], _) | ([], [only]) => Ok(only.name.clone()),
        _ => Err(Usage(format!(
            "{} datasets could take `{path}`; name one with `--dataset`",
            if fitting.is_empty() { all.len() } else { fitting.len() },
        ))
        .into()),
    }
}

/// The path parts of a dataset's pattern, from the file's path or as given.
fn captures(
    pipeline: &Pipeline,
    dataset: &Dataset,
    file: &Path,
    given: Captures,
) -> anyhow::Result<Captures> {
    match pipeline.key_for(&dataset.name, &file.to_string_lossy(), &given) {
        Ok(key) => {
            let route = pipeline.route(&pipeline.lake.raw, &key);
            Ok(route.map_or(given, |route| route.captures))
        }
        Err(error @ KeyError::MissingCapture { .. }) => Err(Usage(error.to_string()).into()),
        // It need not lie where it would be published.
        Err(_) => Ok(given),
    }
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.trim_start_matches('.');
    let stem = name.split('.').next().unwrap_or_default();
    if stem.is_empty() { "file".to_owned() } else { stem.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_named_after_the_file_without_its_endings() {
        assert_eq!(name_of(Path::new("a/flights.csv.gz")), "flights");
        assert_eq!(name_of(Path::new(".hidden")), "hidden");
        assert_eq!(name_of(Path::new("..")), "file");
    }
}
