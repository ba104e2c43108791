//! Collecting, whatever the source: the one way in.

use std::sync::{Arc, Mutex, PoisonError};

use millrace_contract::Stream;
use millrace_ledger::Ledger;
use millrace_retry::FailureClass;
use millrace_runtime::Failure;
use millrace_storage::Storage;
use tokio::sync::{Semaphore, oneshot};

use crate::entry::Entry;
use crate::gather::{Full, Group, Groups};
use crate::read::{Read, read};
use crate::write::write;
use crate::{Hold, NotCollected, Record};

/// The stage whose failpoints lie here.
pub(crate) const STAGE: &str = "collect";

/// Batches that are written at a time. Encoding takes a core, and the rest is
/// waiting.
const WRITES: usize = 4;

/// What is collected, and within what bounds.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Name of the pipeline.
    pub pipeline: String,
    /// The streams.
    pub streams: Vec<Stream>,
    /// Messages that wait in open batches at most: beyond this the largest batch
    /// is written although it is not full, so that none waits for messages that
    /// there is no room for.
    pub most_messages: usize,
    /// The same in bytes.
    pub most_bytes: usize,
}

/// What became of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Collected {
    /// It is in this batch, whose object is there.
    Now(String),
    /// It is in this batch since it was delivered before.
    Before(String),
    /// Another that is the same is in this batch.
    Duplicate(String),
}

/// Collects records of any source.
pub struct Collector {
    pub(crate) pipeline: String,
    streams: Vec<Arc<Stream>>,
    pub(crate) ledger: Ledger,
    pub(crate) storage: Arc<dyn Storage>,
    groups: Mutex<Groups>,
    pub(crate) writes: Semaphore,
}

impl Collector {
    /// A collector of a pipeline's streams.
    pub fn new(settings: Settings, ledger: Ledger, storage: Arc<dyn Storage>) -> Arc<Self> {
        let Settings { pipeline, streams, most_messages, most_bytes } = settings;
        Arc::new(Self {
            pipeline,
            streams: streams.into_iter().map(Arc::new).collect(),
            ledger,
            storage,
            groups: Mutex::new(Groups::new(most_messages, most_bytes)),
            writes: Semaphore::new(WRITES),
        })
    }

    /// Collects a record; it is durable, and to be acknowledged, when this answers
    /// that it was collected. It waits as long as the record's batch is open. When
    /// the future is dropped, the record is left out of its batch if that is not
    /// committed by then.
    ///
    /// # Errors
    /// [`NotCollected`]: why not.
    pub async fn collect(
        self: &Arc<Self>,
        record: Record,
        hold: Arc<dyn Hold>,
    ) -> Result<Collected, NotCollected> {
        let is_again = record.is_again;
        let Read { stream, fields, message } = read(&self.streams, record)?;
        let (answer, answered) = oneshot::channel();
        let entry = Entry { message: Arc::new(message), hold, is_again, answer };
        self.add(Group { stream, fields }, entry);
        // Whoever writes the batch answers, or has come to an end before.
        answered.await.unwrap_or_else(|_| {
            let why = "the batch was given up while it was written";
            Err(NotCollected::Verdict(Failure::new(FailureClass::Transient, why)))
        })
    }

    /// The streams.
    pub(crate) fn streams(&self) -> &[Arc<Stream>] {
        &self.streams
    }

    /// Writes every batch as it is, and from here on those that come at once:
    /// there will be no others to wait for.
    pub fn flush(self: &Arc<Self>) {
        let open = self.groups().close_all();
        self.write_all(open);
    }

    fn add(self: &Arc<Self>, group: Group, entry: Entry) {
        let age = group.stream.batch.age;
        let added = self.groups().add(&group, entry);
        if let Some(serial) = added.opened {
            let collector = Arc::clone(self);
            tokio::spawn(async move {
                tokio::time::sleep(age).await;
                let old = collector.groups().close_if(&group, serial);
                collector.write_all(old);
            });
        }
        self.write_all(added.full);
    }

    fn write_all(self: &Arc<Self>, full: impl IntoIterator<Item = Full>) {
        for batch in full {
            tokio::spawn(write(Arc::clone(self), batch));
        }
    }

    fn groups(&self) -> std::sync::MutexGuard<'_, Groups> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
