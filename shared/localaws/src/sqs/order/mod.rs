//! In which order messages are received: fairly between groups on a standard
//! queue, strictly within each group on a FIFO queue.
//!
//! An order knows sequence numbers and groups. What a message is like, and
//! whether its time has come, is the index's business.

mod fair;
mod fifo;

use std::sync::Arc;

use super::message::{Seq, State};

use self::fair::Fair;
use self::fifo::Fifo;

pub(super) use self::fifo::Cursor;

/// The order of one queue.
#[derive(Debug)]
pub(super) enum Order {
    /// Of a standard queue.
    Fair(Fair),
    /// Of a FIFO queue.
    Fifo(Fifo),
}

impl Order {
    /// The order of a queue without messages.
    pub(super) fn new(is_fifo: bool) -> Self {
        match is_fifo {
            true => Self::Fifo(Fifo::default()),
            false => Self::Fair(Fair::default()),
        }
    }

    /// The same without messages.
    pub(super) fn emptied(&self) -> Self {
        Self::new(matches!(self, Self::Fifo(_)))
    }

    /// The name of a group as this order holds it, so that all messages of a
    /// group share one.
    pub(super) fn shared(&self, group: &str) -> Option<Arc<str>> {
        match self {
            Self::Fair(fair) => fair.shared(group),
            Self::Fifo(fifo) => fifo.shared(group),
        }
    }

    /// A message is now in `state`.
    pub(super) fn enter(
        &mut self,
        seq: Seq,
        group: Option<&Arc<str>>,
        state: State,
        is_ready: impl Fn(Seq) -> bool,
    ) {
        match self {
            Self::Fair(fair) if state == State::Ready => fair.push(group, seq),
            Self::Fair(_) => {}
            Self::Fifo(fifo) => fifo.enter(seq, group, state, is_ready),
        }
    }

    /// A message is no longer in `state`. The order of a standard queue is left
    /// alone: it passes over what is not ready.
    pub(super) fn leave(&mut self, seq: Seq, group: Option<&Arc<str>>, state: State) {
        match self {
            Self::Fair(_) => {}
            Self::Fifo(fifo) => fifo.leave(seq, group, state),
        }
    }

    /// A message that left is gone for good.
    pub(super) fn gone(&mut self, group: Option<&Arc<str>>, is_ready: impl Fn(Seq) -> bool) {
        match self {
            Self::Fair(_) => {}
            Self::Fifo(fifo) => fifo.settle(group, is_ready),
        }
    }

    /// The next message to receive. On a standard queue it is out of the order
    /// until it is entered or [given back](Self::give_back).
    pub(super) fn next(
        &mut self,
        cursor: &mut Cursor,
        is_ready: impl Fn(Seq) -> bool,
    ) -> Option<Seq> {
        match self {
            Self::Fair(fair) => fair.pop(is_ready),
            Self::Fifo(fifo) => fifo.next(cursor, is_ready),
        }
    }

    /// Puts a message back to the front that was next but is not received.
    pub(super) fn give_back(&mut self, seq: Seq, group: Option<&Arc<str>>) {
        match self {
            Self::Fair(fair) => fair.give_back(group, seq),
            Self::Fifo(_) => {}
        }
    }

    /// Whether a message may be next. On a standard queue `ready` says it.
    pub(super) fn has_next(&self, ready: usize) -> bool {
        match self {
            Self::Fair(_) => ready > 0,
            Self::Fifo(fifo) => fifo.has_next(),
        }
    }
}
