//! The transform stage on a file of this machine, into a folder: the same plan,
//! rules and books as for an object of a bucket, with no AWS and no ledger.

use std::fs::{File, create_dir_all, remove_dir_all, rename};
use std::io::{self, BufWriter, Read};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use millrace_contract::{Captures, ColumnDef, ContractVersion, Dataset};
use millrace_format::{FormatError, Report, Reshape, Sink, SinkWriter, partition_path};
use millrace_sql::Table;

use crate::TransformError;
use crate::run::{plan, query};

/// Bytes that are collected before they go to the disk.
const BUFFER_BYTES: usize = 1 << 18;

/// How a local file is transformed.
#[derive(Clone)]
pub struct LocalTransform<'a> {
    /// What the file is.
    pub dataset: &'a Dataset,
    /// Its columns: declared, or inferred before.
    pub columns: Vec<ColumnDef>,
    /// Path parts that become columns.
    pub captures: Captures,
    /// What the outputs are named after.
    pub name: String,
    /// Where the file came from, for the outputs' metadata.
    pub source: String,
    /// Tables beside the file that the dataset's SQL may name.
    pub tables: Vec<Arc<dyn Table>>,
    /// When the file was written; the age of its rows is counted from then.
    pub modified: Option<SystemTime>,
    /// Threads for decoding and for encoding; a thread per core unless given.
    pub threads: Option<NonZeroUsize>,
    /// Stop behind the block in which so many rows are complete: for a look at
    /// a long file.
    pub sample_rows: Option<u64>,
}

/// What a local file came to.
#[derive(Debug, Clone)]
pub struct LocalOutcome {
    /// Counts, rejects and schema.
    pub report: Report,
    /// The Parquet files, in the order of the report's outputs.
    pub outputs: Vec<PathBuf>,
    /// The rejected rows as NDJSON, where there are any.
    pub rejects: Option<PathBuf>,
    /// Rules that were not checked, since they look at other datasets.
    pub unchecked: Vec<String>,
}

impl LocalTransform<'_> {
    /// Transforms what `source` reads into files under `folder`:
    /// `PARTITION/NAME-0000.parquet` and `_rejects/NAME.ndjson`. They appear when
    /// all of them are whole; of a file that breaks its contract the rejects
    /// alone do.
    ///
    /// # Errors
    /// [`TransformError::Refused`] if the file breaks its contract, and the
    /// others as for an object.
    pub fn run(
        &self,
        source: impl Read + Send,
        folder: &Path,
    ) -> Result<LocalOutcome, TransformError> {
        let metadata = self.metadata();
        let (mut plan, references) =
            plan(self.dataset, self.columns.clone(), &self.captures, metadata, self.modified)?;
        let query = query(self.dataset, &plan, &self.tables)?;
        plan.reshape = query.map(|query| Box::new(query) as Box<dyn Reshape>);
        let unchecked = references.into_iter().map(|reference| reference.text).collect();
        plan.sample_rows = self.sample_rows;
        if let Some(threads) = self.threads {
            plan.threads = threads;
        }
        let mut sink = StagedFolder::new(folder, &self.name);
        match millrace_format::transform(source, &plan, &mut sink) {
            Ok(report) => {
                let partitions = report.outputs.iter().map(|output| output.partition.as_slice());
                let names = (0..).zip(partitions).map(|(at, values)| sink.output_name(values, at));
                let outputs = names.map(|name| folder.join(name)).collect();
                let rejects =
                    (report.balance.rejected > 0).then(|| folder.join(sink.reject_name()));
                sink.publish().map_err(FormatError::Sink)?;
                Ok(LocalOutcome { report, outputs, rejects, unchecked })
            }
            Err(error) if error.is_contract() => {
                let rejects = sink.publish_rejects().map_err(FormatError::Sink)?;
                let rejects = rejects.map(|path| path.display().to_string());
                Err(TransformError::Refused { error, rejects })
            }
            Err(error) => Err(error.into()),
        }
    }

    fn metadata(&self) -> Vec<(String, String)> {
        vec![
            ("millrace.source".to_owned(), self.source.clone()),
            ("millrace.dataset".to_owned(), self.dataset.name.clone()),
            ("millrace.contract".to_owned(), ContractVersion::of(self.dataset).to_string()),
        ]
    }
}

/// Writes into a hidden folder beside the outputs' places; what is not published
/// goes when this is dropped.
struct StagedFolder {
    folder: PathBuf,
    staging: PathBuf,
    name: String,
    written: Vec<PathBuf>,
}

impl StagedFolder {
    fn new(folder: &Path, name: &str) -> Self {
        let staging = folder.join(format!(".{name}.{}.partial", std::process::id()));
        let (folder, name) = (folder.to_owned(), name.to_owned());
        Self { folder, staging, name, written: Vec::new() }
    }

    fn output_name(&self, partition: &[(String, Option<String>)], ordinal: u32) -> PathBuf {
        Path::new(&partition_path(partition)).join(format!("{}-{ordinal:04}.parquet", self.name))
    }

    fn reject_name(&self) -> PathBuf {
        Path::new("_rejects").join(format!("{}.ndjson", self.name))
    }

    fn create(&mut self, name: PathBuf) -> io::Result<Box<dyn SinkWriter>> {
        let path = self.staging.join(&name);
        create_dir_all(path.parent().unwrap_or(&self.staging))?;
        let file = File::create(path)?;
        self.written.push(name);
        Ok(Box::new(BufWriter::with_capacity(BUFFER_BYTES, file)))
    }

    fn publish(&self) -> io::Result<()> {
        self.written.iter().try_for_each(|name| self.publish_one(name).map(drop))
    }

    fn publish_rejects(&self) -> io::Result<Option<PathBuf>> {
        let rejects = self.reject_name();
        match self.written.contains(&rejects) {
            true => self.publish_one(&rejects).map(Some),
            false => Ok(None),
        }
    }

    fn publish_one(&self, name: &Path) -> io::Result<PathBuf> {
        let place = self.folder.join(name);
        create_dir_all(place.parent().unwrap_or(&self.folder))?;
        rename(self.staging.join(name), &place)?;
        Ok(place)
    }
}

impl Drop for StagedFolder {
    fn drop(&mut self) {
        // What can't be removed is hidden and says `partial`.
        let _ = remove_dir_all(&self.staging);
    }
}

impl Sink for StagedFolder {
    fn output(
        &mut self,
        partition: &[(String, Option<String>)],
        ordinal: u32,
    ) -> io::Result<Box<dyn SinkWriter>> {
        let name = self.output_name(partition, ordinal);
        self.create(name)
    }

    fn rejects(&mut self) -> io::Result<Box<dyn SinkWriter>> {
        let name = self.reject_name();
        self.create(name)
    }
}
