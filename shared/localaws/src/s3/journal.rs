//! A bucket's journal: one JSON record per line, in commit order.
//!
//! A record is written before its change is visible, so what was answered is
//! there after the process is killed. A last line that is cut short was never
//! answered and is dropped. When most records are out of date, the journal is
//! written anew beside the old one and takes its place in one step.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Records a journal may have beyond twice the live ones.
const SLACK: u64 = 1000;

/// An append-only file of records.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    len: u64,
    records: u64,
    line: Vec<u8>,
    /// A failed append could not be taken back: the end is not known any more.
    broken: bool,
}

impl Journal {
    /// Starts an empty journal.
    ///
    /// # Errors
    /// If the file can't be created.
    pub(super) fn create(path: PathBuf) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(&path)?;
        Ok(Self::over(path, file, 0, 0))
    }

    /// Opens a journal and gives every record to `replay`, oldest first.
    ///
    /// # Errors
    /// If the file can't be read, or a record in its midst is not one.
    pub(super) fn open<R: DeserializeOwned>(
        path: PathBuf,
        mut replay: impl FnMut(R),
    ) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).open(&path)?;
        let mut reader = BufReader::with_capacity(256 * 1024, &file);
        let (mut len, mut records, mut line) = (0, 0, Vec::new());
        loop {
            line.clear();
            let read = reader.read_until(b'\n', &mut line)? as u64;
            if line.last() != Some(&b'\n') {
                break;
            }
            records += 1;
            replay(serde_json::from_slice(&line).map_err(|error| damaged(&path, records, &error))?);
            len += read;
        }
        file.set_len(len)?;
        file.seek(SeekFrom::Start(len))?;
        Ok(Self::over(path, file, len, records))
    }

    fn over(path: PathBuf, file: File, len: u64, records: u64) -> Self {
        Self { path, file, len, records, line: Vec::new(), broken: false }
    }

    /// Writes one record.
    ///
    /// # Errors
    /// If it can't be written whole; nothing of it is left then.
    pub(super) fn append(&mut self, record: &impl Serialize) -> io::Result<()> {
        if self.broken {
            return Err(io::Error::other("an earlier write to the journal failed"));
        }
        self.line.clear();
        serde_json::to_writer(&mut self.line, record)?;
        self.line.push(b'\n');
        if let Err(error) = self.file.write_all(&self.line) {
            self.take_back();
            return Err(error);
        }
        self.len += self.line.len() as u64;
        self.records += 1;
        Ok(())
    }

    fn take_back(&mut self) {
        let restored =
            self.file.set_len(self.len).and_then(|()| self.file.seek(SeekFrom::Start(self.len)));
        self.broken = restored.is_err();
    }

    /// Whether it should be rewritten, with `live` records needed.
    pub(super) fn is_bloated(&self, live: u64) -> bool {
        self.records > live * 2 + SLACK
    }

    /// Replaces the records by these.
    ///
    /// # Errors
    /// If they can't be written; the journal is as it was then.
    pub(super) fn rewrite<R: Serialize>(
        &mut self,
        records: impl Iterator<Item = R>,
    ) -> io::Result<()> {
        let new_path = self.path.with_extension("new");
        let rewritten = write_all(&new_path, records);
        let installed = rewritten.and_then(|journal| {
            fs::rename(&new_path, &self.path)?;
            Ok(journal)
        });
        match installed {
            Ok((file, len, records)) => {
                *self = Self::over(std::mem::take(&mut self.path), file, len, records);
                Ok(())
            }
            Err(error) => {
                let _ = fs::remove_file(&new_path);
                Err(error)
            }
        }
    }

    /// Removes the file.
    ///
    /// # Errors
    /// If it can't be removed.
    pub(super) fn remove(&self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}

fn write_all<R: Serialize>(
    path: &Path,
    records: impl Iterator<Item = R>,
) -> io::Result<(File, u64, u64)> {
    let mut writer = BufWriter::with_capacity(256 * 1024, File::create(path)?);
    let mut count = 0;
    for record in records {
        serde_json::to_writer(&mut writer, &record)?;
        writer.write_all(b"\n")?;
        count += 1;
    }
    let mut file = writer.into_inner().map_err(|error| error.into_error())?;
    let len = file.stream_position()?;
    Ok((file, len, count))
}

fn damaged(path: &Path, line: u64, error: &serde_json::Error) -> io::Error {
    let path = path.display();
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("`{path}` is damaged at line {line}: {error}; remove the line or the file"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replayed(path: &Path) -> (Journal, Vec<u32>) {
        let mut records = Vec::new();
        let journal = Journal::open(path.to_owned(), |record: u32| records.push(record)).unwrap();
        (journal, records)
    }

    #[test]
    fn a_line_cut_short_is_dropped_and_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("b.journal");
        Journal::create(path.clone()).unwrap().append(&1).unwrap();
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"23").unwrap();
        let (mut journal, records) = replayed(&path);
        assert_eq!(records, [1]);
        journal.append(&4).unwrap();
        assert_eq!(replayed(&path).1, [1, 4]);
    }

    #[test]
    fn a_rewritten_journal_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("b.journal");
        let mut journal = Journal::create(path.clone()).unwrap();
        (0..10).for_each(|record| journal.append(&record).unwrap());
        journal.rewrite([7, 8].iter()).unwrap();
        journal.append(&9).unwrap();
        assert_eq!(replayed(&path).1, [7, 8, 9]);
        assert!(!path.with_extension("new").exists());
    }

    #[test]
    fn damage_names_file_and_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("b.journal");
        fs::write(&path, "1\nx\n2\n").unwrap();
        let error = Journal::open(path, |_: u32| ()).unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
    }
}
