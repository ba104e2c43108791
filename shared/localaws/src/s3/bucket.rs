//! One bucket: its index and its journal, changed together.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use s3s::S3Result;

use super::blob::BlobTable;
use super::clock::Sequence;
use super::error;
use super::index::Index;
use super::journal::Journal;
use super::record::{Record, Settings, Versioning};

/// Keys of one lane have their changes committed and announced one after the
/// other.
const LANES: usize = 64;

/// A bucket.
#[derive(Debug)]
pub(super) struct Bucket {
    /// Its name.
    pub(super) name: Box<str>,
    state: Mutex<State>,
    sequence: Arc<Sequence>,
    lanes: [tokio::sync::Mutex<()>; LANES],
}

#[derive(Debug)]
struct State {
    index: Index,
    journal: Journal,
    deleted: bool,
}

impl Bucket {
    /// Creates a bucket whose journal is in `dir`.
    pub(super) fn create(dir: &Path, name: &str, sequence: &Arc<Sequence>) -> io::Result<Self> {
        let settings = Settings {
            created: sequence.now(),
            versioning: Versioning::default(),
            notification: Default::default(),
            tags: Default::default(),
        };
        let mut journal = Journal::create(journal_path(dir, name))?;
        if let Err(error) = journal.append(&Record::Settings(settings.clone())) {
            journal.remove()?;
            return Err(error);
        }
        Ok(Self::over(name, Index::new(settings), journal, sequence))
    }

    /// Reads a bucket back. None if its journal holds nothing: its creation
    /// was never answered.
    pub(super) fn open(
        dir: &Path,
        name: &str,
        sequence: &Arc<Sequence>,
        blobs: &mut BlobTable,
    ) -> io::Result<Option<Self>> {
        let mut index: Option<Index> = None;
        let journal = Journal::open(journal_path(dir, name), |mut record: Record| {
            record.blobs_mut().into_iter().for_each(|blob| blobs.share(blob));
            sequence.observe(record.sequencer());
            match (&mut index, record) {
                (Some(index), record) => index.apply(record),
                (None, Record::Settings(settings)) => index = Some(Index::new(settings)),
                (None, _) => {}
            }
        })?;
        match index {
            Some(index) => Ok(Some(Self::over(name, index, journal, sequence))),
            None => journal.remove().map(|()| None),
        }
    }

    fn over(name: &str, index: Index, journal: Journal, sequence: &Arc<Sequence>) -> Self {
        Self {
            name: name.into(),
            state: Mutex::new(State { index, journal, deleted: false }),
            sequence: Arc::clone(sequence),
            lanes: std::array::from_fn(|_| tokio::sync::Mutex::new(())),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the index.
    pub(super) fn read<T>(&self, look: impl FnOnce(&Index) -> T) -> T {
        look(&self.lock().index)
    }

    /// Changes the bucket: `decide` sees the index as it is and says what is to
    /// be recorded, if anything; the record is on disk when this returns.
    ///
    /// # Errors
    /// What `decide` refuses, or the journal can't be written. Nothing has
    /// changed then.
    pub(super) fn commit<T>(
        &self,
        decide: impl FnOnce(&Index, &Sequence) -> S3Result<(Option<Record>, T)>,
    ) -> S3Result<T> {
        let mut state = self.lock();
        if state.deleted {
            return Err(error::no_such_bucket(&self.name));
        }
        let (record, answer) = decide(&state.index, &self.sequence)?;
        if let Some(record) = record {
            state.journal.append(&record).map_err(error::storage)?;
            state.index.apply(record);
            self.compact(&mut state);
        }
        Ok(answer)
    }

    fn compact(&self, state: &mut State) {
        if !state.journal.is_bloated(state.index.len()) {
            return;
        }
        let records = state.index.records(self.sequence.next());
        if let Err(error) = state.journal.rewrite(records) {
            tracing::warn!(%error, bucket = &*self.name, "can't compact the journal");
        }
    }

    /// Deletes the bucket if `check` allows it.
    ///
    /// # Errors
    /// What `check` refuses, or the journal can't be removed.
    pub(super) fn delete(&self, check: impl FnOnce(&Index) -> S3Result<()>) -> S3Result<()> {
        let mut state = self.lock();
        check(&state.index)?;
        state.journal.remove().map_err(error::storage)?;
        state.deleted = true;
        state.index.clear();
        Ok(())
    }

    /// Waits for the changes of a key that came before.
    pub(super) async fn lane(&self, key: &str) -> tokio::sync::MutexGuard<'_, ()> {
        let hash = key.bytes().fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
        });
        self.lanes[(hash >> 32) as usize % LANES].lock().await
    }
}

fn journal_path(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.journal"))
}
