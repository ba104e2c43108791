//! Rejected rows as they lie in the lake, read one after the other.

use std::collections::VecDeque;
use std::sync::Arc;

use millrace_contract::Reject;
use millrace_retry::{Classify, FailureClass};
use millrace_storage::{ObjectReader, ObjectRef, Storage, StorageError};
use thiserror::Error;

/// Bytes of one reject; the row it quotes is cut off far below.
const LONGEST_LINE: usize = 16 << 20;

/// Rejects can't be read.
#[derive(Debug, Error)]
pub enum RejectsError {
    /// The object can't be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The object does not list rejects.
    #[error("`{url}` does not list rejected rows: {what}")]
    Unreadable {
        /// The object.
        url: String,
        /// What is wrong with it.
        what: String,
    },
}

impl Classify for RejectsError {
    fn class(&self) -> FailureClass {
        match self {
            Self::Storage(error) => error.class(),
            Self::Unreadable { .. } => FailureClass::Poison,
        }
    }
}

/// The rejected rows of one file, in the order of the file.
pub struct RejectReader {
    url: String,
    object: ObjectReader,
    /// Bytes of a line that is not whole yet.
    pending: Vec<u8>,
    ready: VecDeque<Reject>,
}

impl RejectReader {
    /// Opens an object of rejects (NDJSON, a [`Reject`] a line).
    ///
    /// # Errors
    /// [`RejectsError::Storage`].
    pub async fn open(storage: Arc<dyn Storage>, object: ObjectRef) -> Result<Self, RejectsError> {
        let url = object.url();
        let object = ObjectReader::open(storage, object).await?;
        Ok(Self { url, object, pending: Vec::new(), ready: VecDeque::new() })
    }

    /// The next one; none behind the last.
    ///
    /// # Errors
    /// [`RejectsError`].
    pub async fn next(&mut self) -> Result<Option<Reject>, RejectsError> {
        loop {
            if let Some(reject) = self.ready.pop_front() {
                return Ok(Some(reject));
            }
            let Some(chunk) = self.object.next().await? else {
                return match self.pending.is_empty() {
                    true => Ok(None),
                    false => Err(self.unreadable("its last line has no end")),
                };
            };
            self.pending.extend_from_slice(&chunk);
            self.take_lines()?;
        }
    }

    fn take_lines(&mut self) -> Result<(), RejectsError> {
        let whole = self.pending.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if self.pending.len() - whole > LONGEST_LINE {
            return Err(self.unreadable("a line is longer than any reject"));
        }
        let lines = self.pending[..whole].split(|byte| *byte == b'\n');
        for line in lines.filter(|line| !line.is_empty()) {
            let reject = serde_json::from_slice(line);
            self.ready.push_back(reject.map_err(|error| self.unreadable(&error.to_string()))?);
        }
        self.pending.drain(..whole);
        Ok(())
    }

    fn unreadable(&self, what: &str) -> RejectsError {
        RejectsError::Unreadable { url: self.url.clone(), what: what.to_owned() }
    }
}
