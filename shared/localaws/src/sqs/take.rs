//! Receiving: which messages a receive gets, and which it finds to be dead
//! letters or expired.

use crate::clock::Millis;

use super::error::SqsError;
use super::journal::Batch;
use super::message::{Message, Seq, State};
use super::messages::Messages;
use super::order::Cursor;
use super::queue::Queue;
use super::receipt::Receipt;

/// A queue has no more messages in flight than this.
pub(super) const MAX_IN_FLIGHT: usize = 120_000;
/// Dead letters taken out in one go, so that no receive pays for all.
const MAX_DEAD: usize = 100;
/// How long dead letters are kept from others while they are moved. Not
/// journalled: after a restart they are dead letters again.
const MOVING: Millis = 30_000;

/// What a receive asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
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
    /// `ReceiveRequestAttemptId`: asked again, it gets the same messages.
    pub(crate) attempt: Option<&'a str>,
}

/// What a receive got.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// Messages now in flight, as of this receive.
    pub(crate) received: Vec<(Receipt, Message)>,
    /// Messages to be moved to the dead-letter queue; hidden meanwhile.
    pub(crate) dead: Vec<(Seq, Message)>,
    /// Nothing was received because too many messages are in flight.
    pub(crate) over_limit: bool,
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
    pub(crate) fn take(&self, ask: Ask<'_>) -> Result<Taken, SqsError> {
        let mut held = self.lock()?;
        held.sweep(ask.now, ask.retention)?;
        held.index.promote(ask.now);
        if let Some(received) = held.take_again(ask)? {
            return Ok(Taken { received, ..Taken::default() });
        }
        if held.index.counts().in_flight >= MAX_IN_FLIGHT {
            let next_due = held.index.next_due();
            return Ok(Taken { over_limit: true, next_due, ..Taken::default() });
        }
        let sorted = held.sort_ready(ask);
        held.record(&sorted, ask)?;
        let taken = held.apply(sorted, ask);
        held.totals.received += taken.received.len() as u64;
        held.clean();
        self.wake_next(held);
        Ok(taken)
    }

    /// Removes dead letters that were moved.
    pub(crate) fn moved(&self, seqs: &[Seq]) -> Result<(), SqsError> {
        let mut held = self.lock()?;
        held.delete(seqs)?;
        self.wake_next(held);
        Ok(())
    }

    /// Makes dead letters ready again that could not be moved.
    pub(crate) fn not_moved(&self, seqs: &[Seq]) -> Result<(), SqsError> {
        let mut held = self.lock()?;
        seqs.iter().for_each(|&seq| held.index.set_state(seq, State::Ready));
        self.wake_next(held);
        Ok(())
    }
}

impl Messages {
    fn sort_ready(&mut self, ask: Ask<'_>) -> Sorted {
        let (mut sorted, mut cursor) = (Sorted::default(), Cursor::default());
        while sorted.live.len() < ask.max
            && sorted.dead.len() < MAX_DEAD
            && let Some(seq) = self.index.next_ready(&mut cursor)
        {
            let Some(message) = self.index.get(seq) else { continue };
            if message.content.sent_at + ask.retention <= ask.now {
                sorted.expired.push(seq);
            } else if ask.max_receive_count.is_some_and(|max| message.receives_here() >= max) {
                sorted.dead.push(seq);
            } else {
                sorted.live.push(seq);
            }
        }
        sorted
    }

    /// Journals a receive; on an error everything is as before.
    fn record(&mut self, sorted: &Sorted, ask: Ask<'_>) -> Result<(), SqsError> {
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

    fn apply(&mut self, sorted: Sorted, ask: Ask<'_>) -> Taken {
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
        if let Some(id) = ask.attempt
            && !taken.received.is_empty()
        {
            let hidden = taken.received.iter().map(|&(receipt, _)| (receipt, ask.now + ask.hold));
            self.attempts.remember(id, ask.now, hidden.collect());
        }
        taken.next_due = self.index.next_due();
        taken
    }

    /// What an earlier receive with the same attempt id got, hidden anew. It is
    /// to no avail once one of the messages was deleted, held otherwise, or
    /// came back.
    fn take_again(&mut self, ask: Ask<'_>) -> Result<Option<Vec<(Receipt, Message)>>, SqsError> {
        let Some(id) = ask.attempt else { return Ok(None) };
        let Some(hidden) = self.attempts.find(id, ask.now) else { return Ok(None) };
        let is_as_left = |&(receipt, until): &(Receipt, Millis)| {
            let message = self.index.get(receipt.seq);
            self.is_current(&receipt)
                && message.is_some_and(|message| message.state == State::InFlight(until))
        };
        if !hidden.iter().all(is_as_left) {
            return Ok(None);
        }
        let receipts: Vec<Receipt> = hidden.iter().map(|&(receipt, _)| receipt).collect();
        let (until, mut batch) = (ask.now + ask.hold, Batch::default());
        let state = if ask.hold == 0 { State::Ready } else { State::InFlight(until) };
        receipts.iter().for_each(|receipt| batch.state(receipt.seq, state));
        self.journal.write(&batch)?;
        receipts.iter().for_each(|receipt| self.index.set_state(receipt.seq, state));
        let hidden = receipts.iter().map(|&receipt| (receipt, until)).collect();
        self.attempts.remember(id, ask.now, hidden);
        let message = |receipt: &Receipt| Some((*receipt, self.index.get(receipt.seq)?.clone()));
        Ok(Some(receipts.iter().filter_map(message).collect()))
    }
}
