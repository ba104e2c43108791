//! Numbers that only ever grow, over restarts too: event sequencers, and the
//! names of content files.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::{Clock, Millis};

/// Gives out strictly increasing numbers that start with the time, so that
/// they keep growing where the last one given out is not known any more.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    clock: Clock,
    last: AtomicU64,
}

impl Sequence {
    /// Numbers that start with the time of `clock`.
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, last: AtomicU64::new(0) }
    }

    /// The next number.
    pub(super) fn next(&self) -> u64 {
        let from_time = self.clock.now() << 20;
        let mut last = self.last.load(Ordering::Relaxed);
        loop {
            let next = from_time.max(last + 1);
            match self.last.compare_exchange_weak(last, next, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return next,
                Err(newer) => last = newer,
            }
        }
    }

    /// Makes every later number greater than `seen`.
    pub(super) fn observe(&self, seen: u64) {
        self.last.fetch_max(seen, Ordering::Relaxed);
    }

    /// What time it is.
    pub(super) fn now(&self) -> Millis {
        self.clock.now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_grow_past_everything_observed() {
        let sequence = Sequence::default();
        let first = sequence.next();
        assert!(sequence.next() > first);
        sequence.observe(u64::MAX / 2);
        assert_eq!(sequence.next(), u64::MAX / 2 + 1);
    }
}
