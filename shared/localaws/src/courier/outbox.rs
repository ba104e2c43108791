//! What is not delivered yet, in a file: one line for each thing put in, and
//! one for each taken out.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::folder;

/// Lines after which the file is written anew, if most of them are stale.
const COMPACT_AFTER: usize = 1000;

/// Things by ascending number, on disk as well.
#[derive(Debug)]
pub(super) struct Outbox<T>(Mutex<Inner<T>>);

#[derive(Debug)]
struct Inner<T> {
    path: PathBuf,
    file: File,
    lines: usize,
    open: BTreeMap<u64, T>,
    last: u64,
}

#[derive(Serialize, Deserialize)]
enum Line<T> {
    In(u64, T),
    Out(u64),
}

impl<T: Clone + Serialize + DeserializeOwned> Outbox<T> {
    /// Reads back what is in the file; a line that was not written to its end
    /// was never acknowledged.
    pub(super) fn open(path: &Path) -> io::Result<Outbox<T>> {
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir)?;
        }
        let content = match std::fs::read(path) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let open = replay(&content)?;
        let last = open.keys().next_back().copied().unwrap_or_default();
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let mut inner = Inner { path: path.to_owned(), file, lines: 0, open, last };
        inner.rewrite()?;
        Ok(Self(Mutex::new(inner)))
    }

    /// Puts something in.
    pub(super) fn add(&self, item: T) -> io::Result<u64> {
        self.with(|inner| {
            let id = inner.last + 1;
            inner.put(id, item)?;
            inner.last = id;
            Ok(id)
        })
    }

    /// Puts something in the place of what is there.
    pub(super) fn replace(&self, id: u64, item: T) -> io::Result<()> {
        self.with(|inner| inner.put(id, item))
    }

    /// Takes something out.
    pub(super) fn remove(&self, id: u64) -> io::Result<()> {
        self.with(|inner| {
            inner.write(&Line::<T>::Out(id))?;
            inner.open.remove(&id);
            inner.compact()
        })
    }

    /// Looks at what is in it, by ascending number.
    pub(super) fn look<R>(&self, look: impl FnOnce(&BTreeMap<u64, T>) -> R) -> R {
        look(&self.0.lock().unwrap_or_else(PoisonError::into_inner).open)
    }

    fn with<R>(&self, change: impl FnOnce(&mut Inner<T>) -> io::Result<R>) -> io::Result<R> {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T: Serialize> Inner<T> {
    fn put(&mut self, id: u64, item: T) -> io::Result<()> {
        self.write(&Line::In(id, &item))?;
        self.open.insert(id, item);
        self.compact()
    }

    /// One write for one line, so that a line is there or its end is missing.
    fn write<U: Serialize>(&mut self, line: &Line<U>) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        self.lines += 1;
        self.file.write_all(&bytes)
    }

    fn compact(&mut self) -> io::Result<()> {
        let stale = self.lines - self.open.len().min(self.lines);
        match self.open.is_empty() || (stale > self.open.len() && self.lines > COMPACT_AFTER) {
            true => self.rewrite(),
            false => Ok(()),
        }
    }

    fn rewrite(&mut self) -> io::Result<()> {
        if self.open.is_empty() {
            self.lines = 0;
            return self.file.set_len(0);
        }
        let mut content = Vec::new();
        for (id, item) in &self.open {
            serde_json::to_writer(&mut content, &Line::In(*id, item))?;
            content.push(b'\n');
        }
        folder::replace(&self.path, &content)?;
        self.file = OpenOptions::new().append(true).open(&self.path)?;
        self.lines = self.open.len();
        Ok(())
    }
}

fn replay<T: DeserializeOwned>(content: &[u8]) -> io::Result<BTreeMap<u64, T>> {
    let mut open = BTreeMap::new();
    for line in content.split_inclusive(|byte| *byte == b'\n') {
        let Some(line) = line.strip_suffix(b"\n") else { break };
        match serde_json::from_slice(line)? {
            Line::In(id, item) => {
                open.insert(id, item);
            }
            Line::Out(id) => {
                open.remove(&id);
            }
        }
    }
    Ok(open)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn items(outbox: &Outbox<String>) -> Vec<(u64, String)> {
        outbox.look(|open| open.iter().map(|(id, item)| (*id, item.clone())).collect())
    }

    #[test]
    fn what_was_put_in_is_there_until_it_is_taken_out() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("deep/outbox.log");
        let outbox = Outbox::open(&path).unwrap();
        let [first, second] = ["a", "b"].map(|item| outbox.add(item.to_owned()).unwrap());
        outbox.replace(second, "B".to_owned()).unwrap();
        outbox.remove(first).unwrap();
        drop(outbox);
        // The process ended in the middle of a line.
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"In\":[3,").unwrap();

        let outbox = Outbox::<String>::open(&path).unwrap();
        assert_eq!(items(&outbox), [(second, "B".to_owned())]);
        assert!(outbox.add("c".to_owned()).unwrap() > second);
        items(&outbox).iter().for_each(|(id, _)| outbox.remove(*id).unwrap());
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 0, "an empty outbox is an empty file");
    }

    #[test]
    fn the_file_does_not_grow_with_what_was_taken_out() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("outbox.log");
        let outbox = Outbox::open(&path).unwrap();
        outbox.add("stays".to_owned()).unwrap();
        for _ in 0..COMPACT_AFTER {
            let id = outbox.add("goes".to_owned()).unwrap();
            outbox.remove(id).unwrap();
        }
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines < COMPACT_AFTER + 2, "{lines} lines");
        assert_eq!(items(&Outbox::open(&path).unwrap()).len(), 1);
    }
}
