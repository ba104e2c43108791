//! The order of a FIFO queue: each message group strictly in the order of
//! sending, and closed while one of its messages is in flight.
//!
//! A receive takes as many messages of one group as it can before it goes on
//! to the next, beginning with the group whose first message is the oldest.
//! Source: "FIFO queue delivery logic", SQS Developer Guide.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

use super::super::message::{Seq, State};

/// The order of a FIFO queue.
#[derive(Debug, Default)]
pub(in super::super) struct Fifo {
    groups: HashMap<Arc<str>, Group>,
    /// The groups that may be received from, by their first message.
    open: BTreeMap<Seq, Arc<str>>,
}

#[derive(Debug, Default)]
struct Group {
    /// Messages not in flight, ascending. What comes back from flight belongs
    /// near the front, where inserting is cheap.
    waiting: VecDeque<Seq>,
    /// Messages in flight.
    in_flight: usize,
    /// Where the group is in [`Fifo::open`].
    open: Option<Seq>,
}

/// How far a receive has come: the first message of the group it takes from,
/// and how many it took of that.
#[derive(Debug, Default)]
pub(in super::super) struct Cursor(Option<(Seq, usize)>);

impl Fifo {
    /// The name of a group as it is held here.
    pub(super) fn shared(&self, group: &str) -> Option<Arc<str>> {
        self.groups.get_key_value(group).map(|(name, _)| Arc::clone(name))
    }

    /// A message is now in `state`.
    pub(super) fn enter(
        &mut self,
        seq: Seq,
        group: Option<&Arc<str>>,
        state: State,
        is_ready: impl Fn(Seq) -> bool,
    ) {
        let Some(name) = group else { return };
        let entry = self.groups.entry(Arc::clone(name)).or_default();
        match state {
            State::InFlight(_) => entry.in_flight += 1,
            State::Ready | State::Delayed(_) => {
                let at = entry.waiting.partition_point(|&other| other < seq);
                entry.waiting.insert(at, seq);
            }
        }
        self.settle(group, is_ready);
    }

    /// A message is no longer in `state`.
    pub(super) fn leave(&mut self, seq: Seq, group: Option<&Arc<str>>, state: State) {
        let Some(entry) = group.and_then(|group| self.groups.get_mut(group)) else { return };
        match state {
            State::InFlight(_) => entry.in_flight = entry.in_flight.saturating_sub(1),
            State::Ready | State::Delayed(_) => {
                if let Ok(at) = entry.waiting.binary_search(&seq) {
                    entry.waiting.remove(at);
                }
            }
        }
    }

    /// Opens or closes a group after a change, and forgets it when it is empty.
    pub(super) fn settle(&mut self, group: Option<&Arc<str>>, is_ready: impl Fn(Seq) -> bool) {
        let Some(name) = group else { return };
        let Some(entry) = self.groups.get_mut(name) else { return };
        let first = entry.waiting.front().copied();
        let open = first.filter(|&seq| entry.in_flight == 0 && is_ready(seq));
        if open != entry.open {
            if let Some(before) = entry.open {
                self.open.remove(&before);
            }
            if let Some(now) = open {
                self.open.insert(now, Arc::clone(name));
            }
            entry.open = open;
        }
        if first.is_none() && entry.in_flight == 0 {
            self.groups.remove(name);
        }
    }

    /// The next message to receive. It stays where it is until it changes its
    /// state; the cursor knows that it was given out.
    pub(super) fn next(&self, cursor: &mut Cursor, is_ready: impl Fn(Seq) -> bool) -> Option<Seq> {
        if let Some((first, taken)) = cursor.0
            && let Some(group) = self.open.get(&first).and_then(|name| self.groups.get(name))
            && let Some(&seq) = group.waiting.get(taken)
            && is_ready(seq)
        {
            cursor.0 = Some((first, taken + 1));
            return Some(seq);
        }
        let after = cursor.0.map_or(Unbounded, |(first, _)| Excluded(first));
        let (&first, _) = self.open.range((after, Unbounded)).next()?;
        cursor.0 = Some((first, 1));
        Some(first)
    }

    /// Whether a message can be received.
    pub(super) fn has_next(&self) -> bool {
        !self.open.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELD: State = State::InFlight(9);

    fn take(fifo: &mut Fifo, max: usize) -> Vec<Seq> {
        let mut cursor = Cursor::default();
        std::iter::from_fn(|| fifo.next(&mut cursor, |_| true)).take(max).collect()
    }

    fn change(fifo: &mut Fifo, seq: Seq, group: &Arc<str>, before: State, after: State) {
        fifo.leave(seq, Some(group), before);
        fifo.enter(seq, Some(group), after, |_| true);
    }

    /// Messages 1, 3 and 5 of one group, 2 and 4 of another.
    fn two_groups() -> (Fifo, Arc<str>, Arc<str>) {
        let (mut fifo, odd, even) = (Fifo::default(), Arc::from("odd"), Arc::from("even"));
        for seq in 1..=5 {
            let group = if seq % 2 == 1 { &odd } else { &even };
            fifo.enter(seq, Some(group), State::Ready, |_| true);
        }
        (fifo, odd, even)
    }

    #[test]
    fn a_receive_takes_from_one_group_before_the_next() {
        let (mut fifo, ..) = two_groups();
        assert_eq!(take(&mut fifo, 10), [1, 3, 5, 2, 4]);
        assert_eq!(take(&mut fifo, 2), [1, 3]);
    }

    #[test]
    fn a_group_is_closed_until_nothing_of_it_is_in_flight() {
        let (mut fifo, odd, _) = two_groups();
        change(&mut fifo, 1, &odd, State::Ready, HELD);
        change(&mut fifo, 3, &odd, State::Ready, HELD);
        assert_eq!(take(&mut fifo, 10), [2, 4]);
        change(&mut fifo, 3, &odd, HELD, State::Ready);
        assert_eq!(take(&mut fifo, 10), [2, 4]);
        change(&mut fifo, 1, &odd, HELD, State::Ready);
        assert_eq!(take(&mut fifo, 10), [1, 3, 5, 2, 4], "in their order again");
    }

    #[test]
    fn a_delayed_message_holds_up_those_behind_it() {
        let (mut fifo, group) = (Fifo::default(), Arc::from("a"));
        fifo.enter(1, Some(&group), State::Delayed(5), |_| false);
        fifo.enter(2, Some(&group), State::Ready, |seq| seq == 2);
        assert!(!fifo.has_next());
        change(&mut fifo, 1, &group, State::Delayed(5), State::Ready);
        assert_eq!(take(&mut fifo, 10), [1, 2]);
    }

    #[test]
    fn an_empty_group_is_forgotten() {
        let (mut fifo, group) = (Fifo::default(), Arc::from("a"));
        fifo.enter(1, Some(&group), HELD, |_| false);
        fifo.leave(1, Some(&group), HELD);
        fifo.settle(Some(&group), |_| false);
        assert!(fifo.groups.is_empty() && fifo.open.is_empty());
    }
}
