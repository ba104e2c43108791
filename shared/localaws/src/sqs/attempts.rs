//! Receives of a FIFO queue that may be asked again: a caller who lost the
//! answer gets the same messages once more instead of waiting until they are
//! visible.
//!
//! Not kept over a restart. Source: `ReceiveMessage`, parameter
//! `ReceiveRequestAttemptId`, SQS API Reference.

use std::collections::{HashMap, VecDeque};

use crate::clock::Millis;

use super::receipt::Receipt;
use super::recent::WINDOW;

/// A message of a receive and until when the receive hid it.
pub(super) type Hidden = (Receipt, Millis);

/// The receives of the last five minutes that had an attempt id.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    by_id: HashMap<String, (Millis, Vec<Hidden>)>,
    /// When each was made, the first in front.
    ages: VecDeque<(Millis, String)>,
}

impl Attempts {
    /// What the receive with this id got; nothing if there was none.
    pub(super) fn find(&self, id: &str, now: Millis) -> Option<&[Hidden]> {
        let (at, hidden) = self.by_id.get(id)?;
        (now < at + WINDOW).then_some(hidden)
    }

    /// Remembers what a receive got.
    pub(super) fn remember(&mut self, id: &str, now: Millis, hidden: Vec<Hidden>) {
        self.expire(now);
        self.ages.push_back((now, id.to_owned()));
        self.by_id.insert(id.to_owned(), (now, hidden));
    }

    fn expire(&mut self, now: Millis) {
        while let Some((at, _)) = self.ages.front()
            && at + WINDOW <= now
            && let Some((at, id)) = self.ages.pop_front()
        {
            if self.by_id.get(&id).is_some_and(|(latest, _)| *latest == at) {
                self.by_id.remove(&id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_remembered_for_five_minutes() {
        let mut attempts = Attempts::default();
        let hidden = vec![(Receipt { seq: 1, receive_count: 1 }, 30)];
        attempts.remember("a", 0, hidden.clone());
        assert_eq!(attempts.find("a", WINDOW - 1), Some(hidden.as_slice()));
        assert_eq!(attempts.find("a", WINDOW), None);
        attempts.remember("b", WINDOW, Vec::new());
        assert_eq!((attempts.by_id.len(), attempts.ages.len()), (1, 1));
    }
}
