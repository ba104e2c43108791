//! The order of a standard queue: message groups take turns, so that one with
//! a large backlog does not keep the others waiting.
//!
//! Each turn is one message, the one that has been ready longest in its group.
//! A group that gets its first message waits for one turn of each other group.
//! All messages without a group take turns as one group; in a queue without
//! groups that is the order of becoming ready. Every step is O(1), but for
//! passing over entries that no longer count, each of which happens once.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::super::message::Seq;

/// The order of a standard queue. An entry counts only while its message
/// exists and is ready.
#[derive(Debug, Default)]
pub(in super::super) struct Fair {
    /// Messages without a group.
    plain: VecDeque<Seq>,
    /// Messages of each group that has some.
    groups: HashMap<Arc<str>, VecDeque<Seq>>,
    /// Who has messages, in the order of turns. `None` stands for `plain`.
    turns: VecDeque<Option<Arc<str>>>,
}

impl Fair {
    /// The name of a group as it is held here.
    pub(super) fn shared(&self, group: &str) -> Option<Arc<str>> {
        self.groups.get_key_value(group).map(|(name, _)| Arc::clone(name))
    }

    /// Adds a message behind the others of its group.
    pub(super) fn push(&mut self, group: Option<&Arc<str>>, seq: Seq) {
        let messages = self.messages(group);
        messages.push_back(seq);
        if messages.len() == 1 {
            self.turns.push_back(group.cloned());
        }
    }

    /// Puts a message before all others.
    pub(super) fn give_back(&mut self, group: Option<&Arc<str>>, seq: Seq) {
        let messages = self.messages(group);
        messages.push_front(seq);
        if messages.len() == 1 {
            self.turns.push_front(group.cloned());
        }
    }

    /// Takes out the message whose turn it is.
    pub(super) fn pop(&mut self, is_ready: impl Fn(Seq) -> bool) -> Option<Seq> {
        loop {
            let turn = self.turns.pop_front()?;
            let messages = self.messages(turn.as_ref());
            let next = std::iter::from_fn(|| messages.pop_front()).find(|&seq| is_ready(seq));
            match (messages.is_empty(), turn) {
                (false, turn) => self.turns.push_back(turn),
                (true, Some(group)) => drop(self.groups.remove(&group)),
                (true, None) => {}
            }
            if next.is_some() {
                return next;
            }
        }
    }

    fn messages(&mut self, group: Option<&Arc<str>>) -> &mut VecDeque<Seq> {
        match group {
            None => &mut self.plain,
            Some(group) => self.groups.entry(Arc::clone(group)).or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(fair: &mut Fair) -> Vec<Seq> {
        std::iter::from_fn(|| fair.pop(|_| true)).collect()
    }

    #[test]
    fn groups_take_turns() {
        let mut fair = Fair::default();
        let [noisy, quiet] = ["noisy", "quiet"].map(Arc::from);
        (1..=4).for_each(|seq| fair.push(Some(&noisy), seq));
        (11..=13).for_each(|seq| fair.push(None, seq));
        (21..=22).for_each(|seq| fair.push(Some(&quiet), seq));
        assert_eq!(all(&mut fair), [1, 11, 21, 2, 12, 22, 3, 13, 4]);
        assert!(fair.groups.is_empty() && fair.turns.is_empty());
    }

    #[test]
    fn a_group_passed_over_leaves_nothing_behind() {
        let mut fair = Fair::default();
        let group = Arc::from("a");
        fair.push(Some(&group), 1);
        fair.push(None, 2);
        assert_eq!(fair.pop(|seq| seq != 1), Some(2));
        assert_eq!(fair.shared("a"), None);
    }

    #[test]
    fn what_is_given_back_is_next() {
        let mut fair = Fair::default();
        let group = Arc::from("a");
        (1..=2).for_each(|seq| fair.push(Some(&group), seq));
        fair.push(None, 3);
        let taken = [fair.pop(|_| true), fair.pop(|_| true)];
        assert_eq!(taken, [Some(1), Some(3)]);
        fair.give_back(None, 3);
        fair.give_back(Some(&group), 1);
        assert_eq!(fair.pop(|_| true), Some(3));
        assert_eq!(all(&mut fair), [1, 2]);
    }
}
