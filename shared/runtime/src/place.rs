//! The place of a message in hand: counted, in the heartbeat, and freed however
//! the message leaves.

use std::sync::Arc;

use millrace_queue::Received;

use crate::context::Context;
use crate::lease::Held;

/// A place that a message in hand occupies. Dropping it frees it, whatever has
/// happened, a panic included.
pub(crate) struct Place {
    context: Arc<Context>,
    number: u64,
    handled: bool,
    settled: bool,
}

impl Place {
    /// Takes messages into hand, numbered from `first`. Their places must have
    /// been counted by [`Capacity::arrive`](crate::capacity::Capacity::arrive).
    pub(crate) fn take(
        context: &Arc<Context>,
        first: u64,
        messages: Vec<Received>,
    ) -> Vec<(Received, Arc<Held>, Self)> {
        let place =
            |number| Self { context: Arc::clone(context), number, handled: false, settled: false };
        let take = |(received, number): (Received, u64)| {
            let held = Held::new(received.receipt.clone(), context.config.visibility);
            (received, Arc::new(held), place(number))
        };
        let taken: Vec<_> = messages.into_iter().zip(first..).map(take).collect();
        context.holdings.add(first, taken.iter().map(|(_, held, _)| Arc::clone(held)));
        taken
    }

    /// The handler ended; whether no other message in hand is being handled.
    pub(crate) fn handled(&mut self) -> bool {
        !std::mem::replace(&mut self.handled, true) && self.context.capacity.handled()
    }

    /// It is decided what becomes of the message; whether no other message in
    /// hand is undecided.
    pub(crate) fn settled(&mut self) -> bool {
        !std::mem::replace(&mut self.settled, true) && self.context.capacity.settled()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.handled();
        self.settled();
        self.context.holdings.remove(self.number);
        self.context.capacity.release(1);
    }
}
