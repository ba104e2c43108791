//! One bucket: its index and its journal, changed together.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use s3s::S3Result;

use super::blob::BlobTable;
use super::clock::Sequence;
use super::error;
use super::event::Event;
use super::index::Index;
use super::journal::Journal;
use super::notification::Recipients;
use super::outbox::Outbox;
use super::record::Record;
use super::settings::Settings;

/// Keys of one lane have their changes committed and announced one after the
/// other.
const LANES: usize = 64;

/// What an operation decided on, seeing the index as it is.
pub(super) struct Decision<T> {
    /// The change, if there is one.
    pub(super) record: Option<Record>,
    /// The event it is, if it is one.
    pub(super) event: Option<Event>,
    /// What to answer.
    pub(super) answer: T,
}

/// An event and whom to tell.
pub(super) type Announcement = (Event, Recipients);

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
    outbox: Outbox,
    deleted: bool,
}

impl Bucket {
    /// Creates a bucket whose journal is in `dir`.
    pub(super) fn create(
        dir: &Path,
        name: &str,
        settings: Settings,
        sequence: &Arc<Sequence>,
    ) -> io::Result<Self> {
        let mut journal = Journal::create(journal_path(dir, name))?;
        if let Err(error) = journal.append(&Record::Settings(settings.clone())) {
            journal.remove()?;
            return Err(error);
        }
        Ok(Self::over(name, Index::new(settings), journal, Outbox::default(), sequence))
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
        let mut outbox = Outbox::default();
        let journal = Journal::open(journal_path(dir, name), |mut record: Record| {
            record.blobs_mut().into_iter().for_each(|blob| blobs.share(blob));
            sequence.observe(record.sequencer());
            match (&record, record.announced()) {
                (_, Some(event)) => outbox.committed(event),
                (Record::Delivered(sequencer), None) => outbox.marked(*sequencer),
                (_, None) => {}
            }
            match (&mut index, record) {
                (Some(index), record) => index.apply(record),
                (None, Record::Settings(settings)) => index = Some(Index::new(settings)),
                (None, _) => {}
            }
        })?;
        match index {
            Some(index) => Ok(Some(Self::over(name, index, journal, outbox, sequence))),
            None => journal.remove().map(|()| None),
        }
    }

    fn over(
        name: &str,
        index: Index,
        journal: Journal,
        outbox: Outbox,
        sequence: &Arc<Sequence>,
    ) -> Self {
        Self {
            name: name.into(),
            state: Mutex::new(State { index, journal, outbox, deleted: false }),
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
        let decided = self.commit_event(|index, sequence| {
            let (record, answer) = decide(index, sequence)?;
            Ok(Decision { record, event: None, answer })
        });
        decided.map(|(_, answer)| answer)
    }

    /// As [`commit`](Self::commit), for a change that may be an event. If
    /// anyone is to be told of it, [`delivered`](Self::delivered) must be
    /// called once they were.
    pub(super) fn commit_event<T>(
        &self,
        decide: impl FnOnce(&Index, &Sequence) -> S3Result<Decision<T>>,
    ) -> S3Result<(Option<Announcement>, T)> {
        let mut state = self.lock();
        if state.deleted {
            return Err(error::no_such_bucket(&self.name));
        }
        let Decision { record, event, answer } = decide(&state.index, &self.sequence)?;
        let announcement = event.and_then(|event| {
            let (event, recipients) = addressed(&state.index, event);
            Some((event, recipients?))
        });
        if let Some(mut record) = record {
            if let Some((event, _)) = &announcement {
                record.announce(event);
            }
            state.journal.append(&record).map_err(error::storage)?;
            state.index.apply(record);
            if let Some((event, _)) = &announcement {
                state.outbox.committed(event.clone());
            }
            self.compact(&mut state);
        }
        Ok((announcement, answer))
    }

    /// An event was delivered, or can't be.
    pub(super) fn delivered(&self, event: &Event) {
        let mut state = self.lock();
        let Some(up_to) = state.outbox.delivered(event.sequencer) else { return };
        if state.deleted {
            return;
        }
        if let Err(error) = state.journal.append(&Record::Delivered(up_to)) {
            tracing::warn!(%error, bucket = &*self.name, "events may be delivered again");
        }
    }

    /// Events that were not known to be delivered when the bucket was opened.
    /// Whoever was to be told then may not be any more.
    pub(super) fn undelivered(&self) -> Vec<(Event, Option<Recipients>)> {
        let state = self.lock();
        let events = state.outbox.open().cloned();
        events.map(|event| addressed(&state.index, event)).collect()
    }

    fn compact(&self, state: &mut State) {
        if !state.journal.is_bloated(state.index.len()) {
            return;
        }
        let pending = state.outbox.open().cloned().map(Record::Pending);
        let records = state.index.records(self.sequence.next()).chain(pending);
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

fn addressed(index: &Index, event: Event) -> (Event, Option<Recipients>) {
    let recipients = index.settings.notification.recipients(event.what.name(), &event.key);
    (event, recipients)
}

fn journal_path(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.journal"))
}
