//! Which messages a queue holds and which of them can be received, in memory.
//!
//! Every step is O(log n) in the number of messages: a queue of a million costs
//! no more per receive than one of a hundred. Nothing here does I/O or knows
//! the time; callers say what time it is.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::clock::Millis;

use super::message::{Message, Seq, State};

/// A message received this often no longer counts as the oldest one: it would
/// hide how old the others are.
const POISON_RECEIVES: u32 = 3;

/// The messages of one queue.
#[derive(Debug, Default)]
pub(crate) struct Index {
    messages: BTreeMap<Seq, Message>,
    /// In the order in which they became ready. An entry counts only while its
    /// message exists and is [`State::Ready`].
    ready: VecDeque<Seq>,
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
    pub(crate) fn new(messages: BTreeMap<Seq, Message>) -> Self {
        let mut index = Self::default();
        for (&seq, message) in &messages {
            index.enter(seq, message.state);
        }
        index.messages = messages;
        index
    }

    /// Adds a message.
    pub(crate) fn insert(&mut self, seq: Seq, message: Message) {
        self.enter(seq, message.state);
        self.messages.insert(seq, message);
    }

    /// Makes every message ready whose time has come.
    pub(crate) fn promote(&mut self, now: Millis) {
        while let Some(&(due, seq)) = self.timers.first()
            && due <= now
        {
            self.set_state(seq, State::Ready);
        }
    }

    /// Takes the next message out of the ready order. The caller must receive,
    /// hold or remove it, or [`give_back`](Self::give_back) it.
    pub(crate) fn take_ready(&mut self) -> Option<Seq> {
        loop {
            let seq = self.ready.pop_front()?;
            if self.messages.get(&seq).is_some_and(|message| message.state == State::Ready) {
                return Some(seq);
            }
        }
    }

    /// Puts messages back to the front that were taken but not received.
    pub(crate) fn give_back(&mut self, taken: &[Seq]) {
        for &seq in taken.iter().rev() {
            self.ready.push_front(seq);
        }
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
        self.leave(seq, before);
        self.enter(seq, state);
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
        self.leave(seq, message.state);
        Some(message)
    }

    /// Takes everything out.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// A message.
    pub(crate) fn get(&self, seq: Seq) -> Option<&Message> {
        self.messages.get(&seq)
    }

    /// The message that was added first.
    pub(crate) fn oldest(&self) -> Option<(Seq, &Message)> {
        self.messages.first_key_value().map(|(&seq, message)| (seq, message))
    }

    /// Since when the oldest message is here that has not been received three
    /// times already, as `ApproximateAgeOfOldestMessage` has it.
    pub(crate) fn oldest_unprocessed(&mut self) -> Option<Millis> {
        let mut rest = self.messages.range(self.unprocessed_from..);
        let oldest = rest.find(|(_, message)| message.receive_count < POISON_RECEIVES);
        let (&seq, message) = oldest?;
        self.unprocessed_from = seq;
        Some(message.content.sent_at)
    }

    /// All messages, the one added first in front.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Seq, &Message)> {
        self.messages.iter().map(|(&seq, message)| (seq, message))
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

    fn enter(&mut self, seq: Seq, state: State) {
        match state {
            State::Ready => self.ready.push_back(seq),
            State::Delayed(due) => {
                self.timers.insert((due, seq));
                self.delayed += 1;
            }
            State::InFlight(due) => {
                self.timers.insert((due, seq));
                self.in_flight += 1;
            }
        }
    }

    /// The ready order is left alone: its entry no longer counts.
    fn leave(&mut self, seq: Seq, state: State) {
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
    }
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

    fn ready(index: &mut Index) -> Vec<Seq> {
        std::iter::from_fn(|| index.take_ready()).collect()
    }

    #[test]
    fn a_message_comes_back_when_its_time_has_come() {
        let mut index = Index::default();
        index.insert(1, message(State::Ready));
        index.insert(2, message(State::Delayed(50)));
        assert_eq!(index.take_ready(), Some(1));
        index.receive(1, 10, 40);
        assert_eq!(index.counts(), Counts { ready: 0, delayed: 1, in_flight: 1 });
        assert_eq!(index.next_due(), Some(40));
        index.promote(39);
        assert_eq!(index.take_ready(), None);
        index.promote(50);
        assert_eq!(index.counts(), Counts { ready: 2, delayed: 0, in_flight: 0 });
        assert_eq!(ready(&mut index), [1, 2]);
        assert_eq!(index.next_due(), None);
    }

    #[test]
    fn a_removed_message_leaves_nothing_behind() {
        let mut index = Index::default();
        index.insert(1, message(State::Ready));
        index.insert(2, message(State::InFlight(9)));
        assert!(index.remove(1).is_some());
        assert!(index.remove(2).is_some());
        index.promote(100);
        assert_eq!(index.take_ready(), None);
        assert_eq!(index.counts(), Counts { ready: 0, delayed: 0, in_flight: 0 });
        assert!(index.remove(2).is_none());
    }

    #[test]
    fn what_is_given_back_comes_first_again() {
        let mut index = Index::default();
        for seq in 1..=4 {
            index.insert(seq, message(State::Ready));
        }
        let taken = [index.take_ready(), index.take_ready()].map(Option::unwrap_or_default);
        index.give_back(&taken);
        assert_eq!(ready(&mut index), [1, 2, 3, 4]);
    }

    #[test]
    fn a_returned_message_goes_behind_the_waiting_ones() {
        let mut index = Index::default();
        index.insert(1, message(State::Ready));
        index.insert(2, message(State::Ready));
        assert_eq!(index.take_ready(), Some(1));
        index.receive(1, 0, 30);
        index.set_state(1, State::Ready);
        assert_eq!(ready(&mut index), [2, 1]);
    }
}
