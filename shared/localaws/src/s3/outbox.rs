//! Events of changes that are committed and not delivered yet.
//!
//! A record says whether its change has an event; another record says up to
//! which sequencer all events were delivered. What lies between the two when
//! the store is opened is delivered then: a process killed between commit and
//! delivery loses no event, though it may send one twice.

use std::collections::BTreeMap;

use super::event::Event;

/// Deliveries after which the journal is told, where there are always some
/// under way.
const EVERY: u32 = 256;

/// Events under way, by sequencer.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    open: BTreeMap<u64, Event>,
    last: u64,
    unmarked: u32,
}

impl Outbox {
    /// An event was committed.
    pub(super) fn committed(&mut self, event: Event) {
        self.last = self.last.max(event.sequencer);
        self.open.insert(event.sequencer, event);
    }

    /// An event was delivered. Answers what to tell the journal, if it is time
    /// to: all events up to this sequencer were delivered.
    pub(super) fn delivered(&mut self, sequencer: u64) -> Option<u64> {
        self.open.remove(&sequencer);
        self.unmarked += 1;
        let oldest = self.open.keys().next();
        if oldest.is_some() && self.unmarked < EVERY {
            return None;
        }
        self.unmarked = 0;
        Some(oldest.map_or(self.last, |oldest| oldest - 1))
    }

    /// The journal says that all events up to this sequencer were delivered.
    pub(super) fn marked(&mut self, sequencer: u64) {
        self.open = self.open.split_off(&(sequencer + 1));
    }

    /// Events not known to be delivered, in order.
    pub(super) fn open(&self) -> impl Iterator<Item = &Event> {
        self.open.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::event::What;
    use crate::s3::object::VersionId;

    fn event(sequencer: u64) -> Event {
        let (what, version) = (What::Delete, VersionId::Null);
        Event { what, key: "k".into(), version, sequencer, at: 0, content: None }
    }

    #[test]
    fn the_journal_is_told_when_nothing_is_under_way() {
        let mut outbox = Outbox::default();
        (1..=3).for_each(|sequencer| outbox.committed(event(sequencer)));
        assert_eq!(outbox.delivered(2), None);
        assert_eq!(outbox.delivered(1), None);
        assert_eq!(outbox.delivered(3), Some(3));
    }

    #[test]
    fn the_journal_is_told_now_and_then_when_there_always_is() {
        let mut outbox = Outbox::default();
        outbox.committed(event(1_000));
        let told: Vec<_> = (1..=u64::from(EVERY))
            .filter_map(|sequencer| {
                outbox.committed(event(sequencer));
                outbox.delivered(sequencer)
            })
            .collect();
        assert_eq!(told, [999]);
        outbox.committed(event(1_001));
        outbox.marked(1_000);
        assert_eq!(outbox.open().map(|event| event.sequencer).collect::<Vec<_>>(), [1_001]);
    }
}
