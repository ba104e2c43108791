//! A queue: its messages behind one lock, and those who wait for some.
//!
//! The lock is held for memory and one write to the journal, never across an
//! await, and never together with another queue's. Whoever needs the description
//! as well takes that first.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::{fs, io};

use tokio::sync::Notify;

use crate::clock::Millis;

use super::description::{self, Description};
use super::error::{Code, SqsError};
use super::index::{Counts, Index};
use super::journal::{Batch, Journal};
use super::message::{Message, Seq, State};
use super::metrics::Totals;
use super::receipt::Receipt;

/// A message can be held no longer than this after its receive.
const LONGEST_HOLD: Millis = 12 * 3600 * 1000;
/// A queue is purged no more often than this.
const PURGE_INTERVAL: Millis = 60_000;
/// Expired messages dropped in one go, so that no request pays for all.
const SWEEP: usize = 1000;

/// A queue.
#[derive(Debug)]
pub(crate) struct Queue {
    /// ARN.
    pub(crate) arn: String,
    dir: PathBuf,
    description: RwLock<Arc<Description>>,
    messages: Mutex<Messages>,
    /// Woken when a message may have become ready, or will be sooner.
    pub(super) arrivals: Notify,
}

/// What the lock protects.
#[derive(Debug)]
pub(super) struct Messages {
    pub(super) index: Index,
    pub(super) journal: Journal,
    pub(super) totals: Totals,
    purged_at: Option<Millis>,
    /// The queue was deleted while someone still held it.
    gone: bool,
}

/// Why a message's visibility timeout can't be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The message is gone.
    Deleted,
    /// The message is back in the queue, or was received again.
    NotInFlight,
    /// It would be held longer than 12 hours from its receive.
    TooLong,
}

impl Queue {
    /// Creates a queue in `dir`, which holds none.
    pub(super) fn create(
        dir: PathBuf,
        arn: String,
        mut description: Description,
    ) -> io::Result<Self> {
        fs::create_dir_all(&dir)?;
        description.settle();
        let queue = Self::open(dir, arn, description)?;
        queue.description().save(&queue.dir)?;
        Ok(queue)
    }

    /// Opens the queue in `dir`.
    pub(super) fn open(dir: PathBuf, arn: String, description: Description) -> io::Result<Self> {
        let (journal, messages) = Journal::open(&dir)?;
        let index = Index::new(messages);
        Ok(Self {
            arn,
            dir,
            description: RwLock::new(Arc::new(description)),
            messages: Mutex::new(Messages {
                index,
                journal,
                totals: Totals::default(),
                purged_at: None,
                gone: false,
            }),
            arrivals: Notify::new(),
        })
    }

    /// Settings and tags as they are now.
    pub(crate) fn description(&self) -> Arc<Description> {
        Arc::clone(&self.description.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes settings or tags; on an error they stay as they are.
    pub(crate) fn describe(
        &self,
        change: impl FnOnce(&mut Description) -> Result<(), SqsError>,
    ) -> Result<(), SqsError> {
        let mut current = self.description.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = Description::clone(&current);
        change(&mut changed)?;
        changed.settle();
        drop(self.lock()?);
        changed.save(&self.dir)?;
        *current = Arc::new(changed);
        Ok(())
    }

    /// Adds what a sender sent; all messages are stored, or none.
    pub(crate) fn send(&self, messages: Vec<Message>) -> Result<(), SqsError> {
        let count = messages.len() as u64;
        let bytes: usize = messages.iter().map(|message| message.content.body.len()).sum();
        self.add(messages)?;
        let mut held = self.lock()?;
        held.totals.sent += count;
        held.totals.sent_bytes += bytes as u64;
        Ok(())
    }

    /// Adds messages; all are stored, or none.
    pub(crate) fn add(&self, mut messages: Vec<Message>) -> Result<(), SqsError> {
        let mut held = self.lock()?;
        let first = held.journal.next_seq();
        held.journal.write_messages(&mut messages)?;
        for (seq, message) in (first..).zip(messages) {
            held.index.insert(seq, message);
        }
        held.clean();
        drop(held);
        self.arrivals.notify_one();
        Ok(())
    }

    /// Deletes what the receipts name. A receipt that a later receive made
    /// stale deletes nothing, as does that of a deleted message.
    pub(crate) fn delete(&self, receipts: &[Receipt]) -> Result<(), SqsError> {
        let mut held = self.lock()?;
        let current = receipts.iter().filter(|receipt| held.is_current(receipt));
        let mut seqs: Vec<Seq> = current.map(|receipt| receipt.seq).collect();
        seqs.sort_unstable();
        seqs.dedup();
        held.delete(&seqs)?;
        held.totals.deleted += seqs.len() as u64;
        Ok(())
    }

    /// Changes how long from `now` each receipt's message stays hidden.
    pub(crate) fn change_visibility(
        &self,
        now: Millis,
        changes: &[(Receipt, Millis)],
    ) -> Result<Vec<Result<(), Refusal>>, SqsError> {
        let mut held = self.lock()?;
        held.index.promote(now);
        let mut batch = Batch::default();
        let mut accepted = Vec::new();
        let mut answers = Vec::with_capacity(changes.len());
        for (receipt, timeout) in changes {
            let answer = held.check_hold(receipt, now, *timeout);
            if answer.is_ok() {
                let state = match timeout {
                    0 => State::Ready,
                    _ => State::InFlight(now + timeout),
                };
                batch.state(receipt.seq, state);
                accepted.push((receipt.seq, state));
            }
            answers.push(answer);
        }
        held.journal.write(&batch)?;
        for (seq, state) in accepted {
            held.index.set_state(seq, state);
        }
        held.clean();
        drop(held);
        self.arrivals.notify_one();
        Ok(answers)
    }

    /// Deletes all messages.
    pub(crate) fn purge(&self, now: Millis) -> Result<(), SqsError> {
        let description = self.description();
        let mut held = self.lock()?;
        if held.purged_at.is_some_and(|at| now < at + PURGE_INTERVAL) {
            let name = &description.name;
            let message =
                format!("Only one PurgeQueue operation on {name} is allowed every 60 seconds.");
            return Err(SqsError::new(Code::PurgeQueueInProgress, message));
        }
        held.journal.clear()?;
        held.index.clear();
        held.purged_at = Some(now);
        Ok(())
    }

    /// Counts a receive that was answered without messages.
    pub(crate) fn count_empty_receive(&self) -> Result<(), SqsError> {
        self.lock()?.totals.empty_receives += 1;
        Ok(())
    }

    /// How many messages there are.
    pub(crate) fn counts(&self, now: Millis) -> Result<Counts, SqsError> {
        let retention = self.description().retention();
        let mut held = self.lock()?;
        held.sweep(now, retention)?;
        held.index.promote(now);
        Ok(held.index.counts())
    }

    /// Takes the queue off the disk. Whoever waits for its messages is told.
    pub(super) fn destroy(&self) -> io::Result<()> {
        let mut held = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        fs::remove_file(self.dir.join(description::FILE))?;
        held.gone = true;
        drop(held);
        self.arrivals.notify_waiters();
        fs::remove_dir_all(&self.dir)
    }

    /// The messages, unless the queue was deleted.
    pub(super) fn lock(&self) -> Result<MutexGuard<'_, Messages>, SqsError> {
        let held = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        match held.gone {
            true => Err(SqsError::no_queue()),
            false => Ok(held),
        }
    }
}

impl Messages {
    /// Deletes messages for good.
    pub(super) fn delete(&mut self, seqs: &[Seq]) -> Result<(), SqsError> {
        if seqs.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::default();
        batch.delete(seqs);
        self.journal.write(&batch)?;
        self.forget(seqs);
        self.clean();
        Ok(())
    }

    /// Takes out messages whose deletion is written.
    pub(super) fn forget(&mut self, seqs: &[Seq]) {
        for &seq in seqs {
            if let Some(message) = self.index.remove(seq) {
                self.journal.forget(&message);
            }
        }
    }

    /// Drops some of the messages that are past the retention period.
    pub(super) fn sweep(&mut self, now: Millis, retention: Millis) -> Result<(), SqsError> {
        let is_expired = |message: &Message| message.content.sent_at + retention <= now;
        if !self.index.oldest().is_some_and(|(_, message)| is_expired(message)) {
            return Ok(());
        }
        let expired = self.index.iter().take_while(|(_, message)| is_expired(message));
        let seqs: Vec<Seq> = expired.map(|(seq, _)| seq).take(SWEEP).collect();
        self.delete(&seqs)
    }

    /// Lets the journal drop what is not needed any more.
    pub(super) fn clean(&mut self) {
        self.journal.clean(&mut self.index);
    }

    fn is_current(&self, receipt: &Receipt) -> bool {
        let message = self.index.get(receipt.seq);
        message.is_some_and(|message| message.receive_count == receipt.receive_count)
    }

    /// Whether the receipt may hold its message for `timeout` from `now`.
    fn check_hold(&self, receipt: &Receipt, now: Millis, timeout: Millis) -> Result<(), Refusal> {
        let message = self.index.get(receipt.seq).ok_or(Refusal::Deleted)?;
        let in_flight = matches!(message.state, State::InFlight(_));
        if !in_flight || message.receive_count != receipt.receive_count {
            return Err(Refusal::NotInFlight);
        }
        if now + timeout > message.received_at + LONGEST_HOLD {
            return Err(Refusal::TooLong);
        }
        Ok(())
    }
}
