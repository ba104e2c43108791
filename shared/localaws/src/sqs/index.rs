//! Which messages a queue holds and which of them can be received, in memory.
//!
//! Every step is O(log n) in the number of messages: a queue of a million costs
//! no more per receive than one of a hundred. Nothing here does I/O or knows
//! the time; callers say what time it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::clock::Millis;

use super::message::{Message, Seq, State};
use super::order::{Cursor, Order};

/// A message received this often no longer counts as the oldest one: it would
/// hide how old the others are.
const POISON_RECEIVES: u32 = 3;

/// The messages of one queue.
#[derive(Debug)]
pub(crate) struct Index {
    /// Boxed because the nodes of the tree are little more than half full.
    messages: BTreeMap<Seq, Box<Message>>,
    order: Order,
    /// When each delayed or in-flight message becomes ready. Exact.
    timers: BTreeSet<(Millis, Seq)>,
    delayed: usize,
    in_flight: usize,
    /// No message before this one has been received fewer than
    /// [`POISON_RECEIVES`] times. Only ever grows, as receive counts do.
    unprocessed_from: Seq,
}

/// How many messages there are, as `GetQueueAttributes` shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Can be received.
    pub(crate) ready: usize,
    /// Sent with a delay that has not passed.
    pub(crate) delayed: usize,
    /// Received, neither deleted nor back.
    pub(crate) in_flight: usize,
}

impl Index {
    /// Indexes messages read back from the journal.
    pub(crate) fn new(messages: BTreeMap<Seq, Message>, is_fifo: bool) -> Self {
        let mut index = Self::empty(Order::new(is_fifo));
        for (seq, message) in messages {
            index.insert(seq, message);
        }
        index
    }

    fn empty(order: Order) -> Self {
        Self {
            messages: BTreeMap::new(),
            order,
            timers: BTreeSet::new(),
            delayed: 0,
            in_flight: 0,
            unprocessed_from: 0,
        }
    }

    /// Adds a message.
    pub(crate) fn insert(&mut self, seq: Seq, mut message: Message) {
        if let Some(group) = message.group()
            && let Some(shared) = self.order.shared(group)
            && let Some(extras) = message.content.extras.as_mut().and_then(Arc::get_mut)
        {
            extras.group = Some(shared);
        }
        let (group, state) = (message.group().cloned(), message.state);
        self.messages.insert(seq, Box::new(message));
        self.enter(seq, group.as_ref(), state);
    }

    /// Makes every message ready whose time has come.
    pub(crate) fn promote(&mut self, now: Millis) {
        while let Some(&(due, seq)) = self.timers.first()
            && due <= now
        {
            self.set_state(seq, State::Ready);
        }
    }

    /// The next message to receive after those that `cursor` has seen. The
    /// caller must receive, hold or remove it, or
    /// [`give_back`](Self::give_back) it.
    pub(crate) fn next_ready(&mut self, cursor: &mut Cursor) -> Option<Seq> {
        self.order.next(cursor, |seq| is_ready(&self.messages, seq))
    }

    /// Puts messages back to the front that were next but not received.
    pub(crate) fn give_back(&mut self, taken: &[Seq]) {
        for &seq in taken.iter().rev() {
            let group = self.messages.get(&seq).and_then(|message| message.group());
            self.order.give_back(seq, group);
        }
    }

    /// Whether a message can be received. On a FIFO queue there may be ready
    /// messages and none to receive.
    pub(crate) fn has_next(&self) -> bool {
        self.order.has_next(self.counts().ready)
    }

    /// Counts a receive of a message that was taken.
    pub(crate) fn receive(&mut self, seq: Seq, now: Millis, until: Millis) -> Option<&Message> {
        self.set_state(seq, State::InFlight(until));
        let message = self.messages.get_mut(&seq)?;
        message.receive(now, until);
        Some(message)
    }

    /// Changes when a message becomes ready.
    pub(crate) fn set_state(&mut self, seq: Seq, state: State) {
        let Some(message) = self.messages.get_mut(&seq) else { return };
        let before = std::mem::replace(&mut message.state, state);
        let group = message.group().cloned();
        self.leave(seq, group.as_ref(), before);
        self.enter(seq, group.as_ref(), state);
    }

    /// Says where a message's full record is now.
    pub(crate) fn set_segment(&mut self, seq: Seq, segment: u32) {
        if let Some(message) = self.messages.get_mut(&seq) {
            message.segment = segment;
        }
    }

    /// Takes a message out for good.
    pub(crate) fn remove(&mut self, seq: Seq) -> Option<Message> {
        let message = self.messages.remove(&seq)?;
        self.leave(seq, message.group(), message.state);
        self.order.gone(message.group(), |seq| is_ready(&self.messages, seq));
        Some(*message)
    }

    /// Takes everything out.
    pub(crate) fn clear(&mut self) {
        *self = Self::empty(self.order.emptied());
    }

    /// A message.
    pub(crate) fn get(&self, seq: Seq) -> Option<&Message> {
        self.messages.get(&seq).map(|message| &**message)
    }

    /// The message that was added first.
    pub(crate) fn oldest(&self) -> Option<(Seq, &Message)> {
        self.messages.first_key_value().map(|(&seq, message)| (seq, &**message))
    }

    /// Since when the oldest message is here that has not been received three
    /// times already, as `ApproximateAgeOfOldestMessage` has it.
    pub(crate) fn oldest_unprocessed(&mut self) -> Option<Millis> {
        let mut rest = self.messages.range(self.unprocessed_from..);
        let oldest = rest.find(|(_, message)| message.receives_here() < POISON_RECEIVES);
        let (&seq, message) = oldest?;
        self.unprocessed_from = seq;
        Some(message.arrived_at())
    }

    /// All messages, the one added first in front.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Seq, &Message)> {
        self.messages.iter().map(|(&seq, message)| (seq, &**message))
    }

    /// When the next message becomes ready by itself.
    pub(crate) fn next_due(&self) -> Option<Millis> {
        self.timers.first().map(|&(due, _)| due)
    }

    /// How many messages there are.
    pub(crate) fn counts(&self) -> Counts {
        let hidden = self.delayed + self.in_flight;
        Counts {
            ready: self.messages.len() - hidden,
            delayed: self.delayed,
            in_flight: self.in_flight,
        }
    }

    fn enter(&mut self, seq: Seq, group: Option<&Arc<str>>, state: State) {
        match state {
            State::Ready => {}
            State::Delayed(due) => {
                self.timers.insert((due, seq));
                self.delayed += 1;
            }
            State::InFlight(due) => {
                self.timers.insert((due, seq));
                self.in_flight += 1;
            }
        }
        self.order.enter(seq, group, state, |seq| is_ready(&self.messages, seq));
    }

    fn leave(&mut self, seq: Seq, group: Option<&Arc<str>>, state: State) {
        match state {
            State::Ready => {}
            State::Delayed(due) => {
                self.timers.remove(&(due, seq));
                self.delayed -= 1;
            }
            State::InFlight(due) => {
                self.timers.remove(&(due, seq));
                self.in_flight -= 1;
            }
        }
        self.order.leave(seq, group, state);
    }
}

fn is_ready(messages: &BTreeMap<Seq, Box<Message>>, seq: Seq) -> bool {
    messages.get(&seq).is_some_and(|message| message.state == State::Ready)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::message::Content;
    use super::*;

    fn message(state: State) -> Message {
        let content = Content {
            id: Uuid::nil(),
            body: "body".into(),
            body_md5: [0; 16],
            sent_at: 0,
            extras: None,
        };
        Message::new(content, state)
    }

    fn next(index: &mut Index) -> Option<Seq> {
        index.next_ready(&mut Cursor::default())
    }

    fn ready(index: &mut Index) -> Vec<Seq> {
        std::iter::from_fn(|| next(index)).collect()
    }

    #[test]
    fn a_message_comes_back_when_its_time_has_come() {
        let mut index = Index::new(BTreeMap::new(), false);
        index.insert(1, message(State::Ready));
        index.insert(2, message(State::Delayed(50)));
        assert_eq!(next(&mut index), Some(1));
        index.receive(1, 10, 40);
        assert_eq!(index.counts(), Counts { ready: 0, delayed: 1, in_flight: 1 });
        assert_eq!(index.next_due(), Some(40));
        index.promote(39);
        assert_eq!(next(&mut index), None);
        index.promote(50);
        assert_eq!(index.counts(), Counts { ready: 2, delayed: 0, in_flight: 0 });
        assert_eq!(ready(&mut index), [1, 2]);
        assert_eq!(index.next_due(), None);
    }

    #[test]
    fn a_removed_message_leaves_nothing_behind() {
        let mut index = Index::new(BTreeMap::new(), false);
        index.insert(1, message(State::Ready));
        index.insert(2, message(State::InFlight(9)));
        assert!(index.remove(1).is_some());
        assert!(index.remove(2).is_some());
        index.promote(100);
        assert_eq!(next(&mut index), None);
        assert_eq!(index.counts(), Counts { ready: 0, delayed: 0, in_flight: 0 });
        assert!(index.remove(2).is_none());
    }

    #[test]
    fn what_is_given_back_comes_first_again() {
        let mut index = Index::new(BTreeMap::new(), false);
        for seq in 1..=4 {
            index.insert(seq, message(State::Ready));
        }
        let taken = [next(&mut index), next(&mut index)].map(Option::unwrap_or_default);
        index.give_back(&taken);
        assert_eq!(ready(&mut index), [1, 2, 3, 4]);
    }

    #[test]
    fn a_returned_message_goes_behind_the_waiting_ones() {
        let mut index = Index::new(BTreeMap::new(), false);
        index.insert(1, message(State::Ready));
        index.insert(2, message(State::Ready));
        assert_eq!(next(&mut index), Some(1));
        index.receive(1, 0, 30);
        index.set_state(1, State::Ready);
        assert_eq!(ready(&mut index), [2, 1]);
    }
}
