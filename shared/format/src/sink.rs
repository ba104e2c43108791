//! Where Parquet and rejects go: the port through which the caller supplies
//! writers.

use std::fs::{File, create_dir_all};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use crate::partition_path;

/// Supplies the writers of one file's outputs.
///
/// Nothing may become visible to others before [`transform`](crate::transform)
/// has returned `Ok`; if it returns an error, the caller discards what was
/// written.
pub trait Sink: Send {
    /// Opens the Parquet file of a partition (of no columns, if the dataset is
    /// not partitioned). `ordinal` counts the files from 0 in a stable order.
    ///
    /// # Errors
    /// Any I/O error; it comes back as [`FormatError::Sink`](crate::FormatError::Sink).
    fn output(
        &mut self,
        partition: &[(String, Option<String>)],
        ordinal: u32,
    ) -> io::Result<Box<dyn SinkWriter>>;

    /// Opens the rejects file (NDJSON), at the first reject.
    ///
    /// # Errors
    /// As for [`Sink::output`].
    fn rejects(&mut self) -> io::Result<Box<dyn SinkWriter>>;
}

/// A writer that is told when all has been written. One that is dropped without
/// [`finish`](SinkWriter::finish) holds an abandoned output.
pub trait SinkWriter: Write + Send {
    /// Completes the output.
    ///
    /// # Errors
    /// Any I/O error.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

impl SinkWriter for BufWriter<File> {
    fn finish(self: Box<Self>) -> io::Result<()> {
        self.into_inner().map(drop).map_err(io::IntoInnerError::into_error)
    }
}

/// A sink that writes into a folder: `PARTITION/part-ORDINAL.parquet` and
/// `rejects.ndjson`.
#[derive(Debug, Clone)]
pub struct FolderSink {
    folder: PathBuf,
}

impl FolderSink {
    /// A sink into `folder`, which is created when the first file is.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    fn create(&self, folder: PathBuf, name: &str) -> io::Result<Box<dyn SinkWriter>> {
        create_dir_all(&folder)?;
        Ok(Box::new(BufWriter::with_capacity(1 << 18, File::create(folder.join(name))?)))
    }
}

impl Sink for FolderSink {
    fn output(
        &mut self,
        partition: &[(String, Option<String>)],
        ordinal: u32,
    ) -> io::Result<Box<dyn SinkWriter>> {
        let folder = self.folder.join(partition_path(partition));
        self.create(folder, &format!("part-{ordinal:05}.parquet"))
    }

    fn rejects(&mut self) -> io::Result<Box<dyn SinkWriter>> {
        self.create(self.folder.clone(), "rejects.ndjson")
    }
}
