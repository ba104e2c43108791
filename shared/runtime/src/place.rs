//! The place of a message in hand: counted, in the heartbeat, and freed however
//! the message leaves.

use std::sync::Arc;

use millrace_queue::Receipt;

use crate::context::Context;
use crate::lease::Held;

/// A place that a message in hand occupies. Dropping it frees it, whatever has
/// happened, a panic included.
pub(crate) struct Place {
    pub(crate) context: Arc<Context>,
    pub(crate) held: Arc<Held>,
    number: usize,
    bytes: usize,
    handled: bool,
    settled: bool,
}

impl Place {
    /// Takes a message into hand. Its place must have been counted by
    /// [`Capacity::arrive`](crate::capacity::Capacity::arrive).
    pub(crate) fn take(context: &Arc<Context>, receipt: Receipt, bytes: usize) -> Self {
        let held = Arc::new(Held::new(receipt, context.config.visibility));
        let number = context.holdings.add(Arc::clone(&held));
        context.capacity.weigh(bytes);
        Self { context: Arc::clone(context), held, number, bytes, handled: false, settled: false }
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
        self.context.outside.metrics.left(1);
        self.context.capacity.lighten(self.bytes);
        self.context.capacity.release(1);
    }
}
