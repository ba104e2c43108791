//! What a queue's lock protects: its messages, in memory and on disk, and what
//! has to change together with them.

use std::io;
use std::path::Path;

use crate::clock::Millis;

use super::attempts::Attempts;
use super::error::SqsError;
use super::index::Index;
use super::journal::{Batch, Journal};
use super::message::{Message, Seq, State};
use super::metrics::Totals;
use super::queue::Accepted;
use super::receipt::Receipt;
use super::recent::{self, Key, Recent};

/// A message can be held no longer than this after its receive.
const LONGEST_HOLD: Millis = 12 * 3600 * 1000;
/// Expired messages dropped in one go, so that no request pays for all.
const SWEEP: usize = 1000;

/// The messages of a queue.
#[derive(Debug)]
pub(super) struct Messages {
    pub(super) index: Index,
    pub(super) journal: Journal,
    pub(super) totals: Totals,
    /// Of a FIFO queue.
    pub(super) attempts: Attempts,
    /// Of a FIFO queue.
    recent: Recent,
    pub(super) purged_at: Option<Millis>,
    /// The queue was deleted while someone still held it.
    pub(super) gone: bool,
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

impl Messages {
    /// Reads back the messages in `dir`.
    pub(super) fn open(dir: &Path, is_fifo: bool) -> io::Result<Self> {
        let (journal, messages, recent) = Journal::open(dir)?;
        Ok(Self {
            index: Index::new(messages, is_fifo),
            journal,
            totals: Totals::default(),
            attempts: Attempts::default(),
            recent,
            purged_at: None,
            gone: false,
        })
    }

    /// Tells new messages from those that were sent before, and says what each
    /// is to its sender. The new ones must be [added](Self::add) next.
    pub(super) fn tell_apart(
        &mut self,
        messages: Vec<Message>,
        now: Millis,
    ) -> (Vec<Message>, Vec<Accepted>) {
        self.recent.expire(now);
        let (mut fresh, mut accepted) = (Vec::with_capacity(messages.len()), Vec::new());
        let mut in_batch: Vec<(Key, Accepted)> = Vec::new();
        for message in messages {
            let key = recent::key(&message.content);
            if let Some(known) = key.and_then(|key| self.known(&key, &in_batch, now)) {
                accepted.push(known);
                continue;
            }
            let seq = self.journal.next_seq() + fresh.len() as Seq;
            let new = Accepted { id: message.content.id, seq };
            in_batch.extend(key.map(|key| (key, new)));
            accepted.push(new);
            fresh.push(message);
        }
        (fresh, accepted)
    }

    fn known(&self, key: &Key, in_batch: &[(Key, Accepted)], now: Millis) -> Option<Accepted> {
        let earlier = in_batch.iter().find(|(other, _)| other == key).map(|(_, earlier)| *earlier);
        let original = self.recent.original(key, now);
        earlier.or_else(|| original.map(|known| Accepted { id: known.id, seq: known.seq }))
    }

    /// Stores messages: all of them, or none.
    pub(super) fn add(&mut self, mut messages: Vec<Message>) -> Result<(), SqsError> {
        let first = self.journal.next_seq();
        self.journal.write_messages(&mut messages)?;
        for (seq, message) in (first..).zip(messages) {
            self.recent.remember(seq, &message);
            self.index.insert(seq, message);
        }
        self.clean();
        Ok(())
    }

    /// Deletes everything. What was sent still counts as sent.
    pub(super) fn clear(&mut self) -> Result<(), SqsError> {
        self.journal.clear(&mut self.recent)?;
        self.index.clear();
        Ok(())
    }

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

    /// Applies a FIFO queue's delay to the messages that nobody has received
    /// yet, as if they had been sent under it.
    pub(super) fn delay_anew(&mut self, delay: Millis, now: Millis) -> Result<(), SqsError> {
        let delayed = |message: &Message| match message.content.sent_at + delay {
            due if due > now => State::Delayed(due),
            _ => State::Ready,
        };
        let sent_here = self.index.iter().filter(|(_, message)| {
            message.receive_count == 0 && recent::key(&message.content).is_some()
        });
        let changes = sent_here.map(|(seq, message)| (seq, delayed(message)));
        let changes: Vec<(Seq, State)> = changes.collect();
        let mut batch = Batch::default();
        changes.iter().for_each(|&(seq, state)| batch.state(seq, state));
        self.journal.write(&batch)?;
        changes.iter().for_each(|&(seq, state)| self.index.set_state(seq, state));
        Ok(())
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
        self.journal.clean(&mut self.index, &mut self.recent);
    }

    /// Whether the receipt is the latest of its message.
    pub(super) fn is_current(&self, receipt: &Receipt) -> bool {
        let message = self.index.get(receipt.seq);
        message.is_some_and(|message| message.receive_count == receipt.receive_count)
    }

    /// Whether the message of the receipt is there and can be received by
    /// others, or was.
    pub(super) fn is_expired(&self, receipt: &Receipt) -> bool {
        let message = self.index.get(receipt.seq);
        message.is_some_and(|message| !is_held(message, receipt))
    }

    /// Whether the receipt may hold its message for `timeout` from `now`.
    pub(super) fn check_hold(
        &self,
        receipt: &Receipt,
        now: Millis,
        timeout: Millis,
    ) -> Result<(), Refusal> {
        let message = self.index.get(receipt.seq).ok_or(Refusal::Deleted)?;
        if !is_held(message, receipt) {
            return Err(Refusal::NotInFlight);
        }
        if now + timeout > message.received_at + LONGEST_HOLD {
            return Err(Refusal::TooLong);
        }
        Ok(())
    }
}

fn is_held(message: &Message, receipt: &Receipt) -> bool {
    matches!(message.state, State::InFlight(_)) && message.receive_count == receipt.receive_count
}
