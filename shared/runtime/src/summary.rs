//! What a worker did, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a worker did between its start and its end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Messages received.
    pub received: u64,
    /// Messages handled, and deleted.
    pub done: u64,
    /// Messages put back to be tried again later.
    pub retried: u64,
    /// Messages recorded and sent to the dead-letter queue.
    pub dead_lettered: u64,
    /// Messages handed back as they were, since the worker stopped.
    pub released: u64,
    /// Messages whose lease was lost.
    pub lost: u64,
}

/// Counts while the worker runs.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) received: Count,
    pub(crate) done: Count,
    pub(crate) retried: Count,
    pub(crate) dead_lettered: Count,
    pub(crate) released: Count,
    pub(crate) lost: Count,
}

#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, messages: usize) {
        self.0.fetch_add(messages as u64, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Tally {
    pub(crate) fn summary(&self) -> Summary {
        Summary {
            received: self.received.get(),
            done: self.done.get(),
            retried: self.retried.get(),
            dead_lettered: self.dead_lettered.get(),
            released: self.released.get(),
            lost: self.lost.get(),
        }
    }
}
