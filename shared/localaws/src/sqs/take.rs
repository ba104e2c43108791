//! Receiving: which messages a receive gets, and which it finds to be dead
//! letters or expired.

use crate::clock::Millis;

use super::error::{Code, SqsError};
use super::journal::Batch;
use super::message::{Message, Seq, State};
use super::queue::{Messages, Queue};
use super::receipt::Receipt;

/// A standard queue has no more messages in flight than this.
const MAX_IN_FLIGHT: usize = 120_000;
/// Dead letters taken out in one go, so that no receive pays for all.
const MAX_DEAD: usize = 100;
/// How long dead letters are kept from others while they are moved. Not
/// journalled: after a restart they are dead letters again.
const MOVING: Millis = 30_000;

/// What a receive asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask {
    /// The time of asking.
    pub(crate) now: Millis,
    /// Messages at most.
    pub(crate) max: usize,
    /// How long to hold them, in milliseconds.
    pub(crate) hold: Millis,
    /// How long the queue keeps messages, in milliseconds.
    pub(crate) retention: Millis,
    /// Messages received this often are dead letters; none without a
    /// dead-letter queue.
    pub(crate) max_receive_count: Option<u32>,
}

/// What a receive got.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// Messages now in flight, as of this receive.
    pub(crate) received: Vec<(Receipt, Message)>,
    /// Messages to be moved to the dead-letter queue; hidden meanwhile.
    pub(crate) dead: Vec<(Seq, Message)>,
    /// When the next hidden message becomes ready.
    pub(crate) next_due: Option<Millis>,
}

/// Ready messages sorted by what becomes of them.
#[derive(Default)]
struct Sorted {
    live: Vec<Seq>,
    dead: Vec<Seq>,
    expired: Vec<Seq>,
}

impl Queue {
    /// Receives up to `ask.max` messages.
    pub(crate) fn take(&self, ask: Ask) -> Result<Taken, SqsError> {
        let mut held = self.lock()?;
        held.sweep(ask.now, ask.retention)?;
        held.index.promote(ask.now);
        if held.index.counts().in_flight >= MAX_IN_FLIGHT {
            let message =
                format!("There are {MAX_IN_FLIGHT} messages in flight; delete some first.");
            return Err(SqsError::new(Code::OverLimit, message));
        }
        let sorted = held.sort_ready(ask);
        held.record(&sorted, ask)?;
        let taken = held.apply(sorted, ask);
        held.totals.received += taken.received.len() as u64;
        held.clean();
        let more_ready = held.index.counts().ready > 0;
        drop(held);
        if more_ready {
            self.arrivals.notify_one();
        }
        Ok(taken)
    }

    /// Removes dead letters that were moved.
    pub(crate) fn moved(&self, seqs: &[Seq]) -> Result<(), SqsError> {
        self.lock()?.delete(seqs)
    }

    /// Makes dead letters ready again that could not be moved.
    pub(crate) fn not_moved(&self, seqs: &[Seq]) -> Result<(), SqsError> {
        let mut held = self.lock()?;
        seqs.iter().for_each(|&seq| held.index.set_state(seq, State::Ready));
        Ok(())
    }
}

impl Messages {
    fn sort_ready(&mut self, ask: Ask) -> Sorted {
        let mut sorted = Sorted::default();
        while sorted.live.len() < ask.max
            && sorted.dead.len() < MAX_DEAD
            && let Some(seq) = self.index.take_ready()
        {
            let Some(message) = self.index.get(seq) else { continue };
            if message.content.sent_at + ask.retention <= ask.now {
                sorted.expired.push(seq);
            } else if ask.max_receive_count.is_some_and(|max| message.receive_count >= max) {
                sorted.dead.push(seq);
            } else {
                sorted.live.push(seq);
            }
        }
        sorted
    }

    /// Journals a receive; on an error everything is as before.
    fn record(&mut self, sorted: &Sorted, ask: Ask) -> Result<(), SqsError> {
        let mut batch = Batch::default();
        if !sorted.live.is_empty() {
            batch.receive(ask.now, ask.now + ask.hold, &sorted.live);
        }
        if !sorted.expired.is_empty() {
            batch.delete(&sorted.expired);
        }
        if let Err(error) = self.journal.write(&batch) {
            for taken in [&sorted.expired, &sorted.dead, &sorted.live] {
                self.index.give_back(taken);
            }
            return Err(error.into());
        }
        Ok(())
    }

    fn apply(&mut self, sorted: Sorted, ask: Ask) -> Taken {
        self.forget(&sorted.expired);
        let mut taken = Taken::default();
        for seq in sorted.live {
            if let Some(message) = self.index.receive(seq, ask.now, ask.now + ask.hold) {
                let receipt = Receipt { seq, receive_count: message.receive_count };
                taken.received.push((receipt, message.clone()));
            }
        }
        for seq in sorted.dead {
            self.index.set_state(seq, State::InFlight(ask.now + MOVING));
            taken.dead.extend(self.index.get(seq).map(|message| (seq, message.clone())));
        }
        taken.next_due = self.index.next_due();
        taken
    }
}
