//! What the clients of a queue were told, over all lives of the endpoint.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

/// What was sent and deleted, by body. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known(Arc<Mutex<Facts>>);

#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// Acknowledged as sent.
    pub(crate) sent: HashSet<String>,
    /// Asked to be deleted, answered or not.
    pub(crate) deleting: HashSet<String>,
    /// Acknowledged as deleted.
    pub(crate) deleted: HashSet<String>,
}

impl Known {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Facts> {
        self.0.lock().unwrap()
    }

    /// How much was acknowledged: sent, deleted.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let facts = self.lock();
        (facts.sent.len(), facts.deleted.len())
    }

    /// Holds what is left in the queue against what was acknowledged.
    pub(crate) fn check(&self, left: &[String]) {
        let facts = self.lock();
        let left: HashSet<&String> = left.iter().collect();
        let untouched = facts.sent.difference(&facts.deleting);
        let lost: Vec<_> = untouched.filter(|body| !left.contains(body)).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
        let back: Vec<_> = facts.deleted.iter().filter(|body| left.contains(body)).collect();
        assert!(back.is_empty(), "deleted and back: {back:?}");
    }
}

/// Checks that bodies `<group>/<number>` are in order within each group, and
/// none of them twice.
pub(crate) fn check_order(bodies: &[String]) {
    let mut last: HashMap<&str, u64> = HashMap::new();
    for body in bodies {
        let (group, number) = body.split_once('/').unwrap();
        let number = number.parse().unwrap();
        let before = last.insert(group, number);
        assert!(before < Some(number), "{body} after number {before:?}");
    }
}
