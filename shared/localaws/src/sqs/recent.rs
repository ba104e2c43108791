//! What a FIFO queue remembers of the messages sent in the last five minutes,
//! so that one sent twice is stored once.
//!
//! The memory is bounded by the clock, outlives the messages and, through the
//! journal, the process. Source: "Using the message deduplication ID", SQS
//! Developer Guide.

use std::collections::{BTreeMap, VecDeque};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::clock::Millis;

use super::message::{Content, Message, Scope, Seq};

/// How long a message is remembered.
pub(super) const WINDOW: Millis = 5 * 60 * 1000;

/// Stands for a deduplication id within its scope: half of a SHA-256, so that
/// a long id takes no more memory than a short one.
pub(super) type Key = [u8; 16];

/// The message that others are duplicates of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Original {
    /// Its message id.
    pub(super) id: Uuid,
    /// Its place in the queue, from which its sequence number follows.
    pub(super) seq: Seq,
    /// When it was sent.
    pub(super) sent_at: Millis,
    /// The journal segment it is read back from.
    pub(super) segment: u32,
}

/// The originals of the last five minutes.
#[derive(Debug, Default)]
pub(super) struct Recent {
    /// A tree because it never holds twice the room it needs, as a hash table
    /// does right after it grew.
    originals: BTreeMap<Key, Original>,
    /// The keys in the order of sending.
    ages: VecDeque<Key>,
    /// How many are read back from each journal segment.
    in_segments: BTreeMap<u32, usize>,
}

impl Recent {
    /// The original that a message with this key would be a duplicate of.
    pub(super) fn original(&self, key: &Key, now: Millis) -> Option<&Original> {
        self.originals.get(key).filter(|original| now < original.sent_at + WINDOW)
    }

    /// Remembers an original. One that is known and younger stays.
    pub(super) fn insert(&mut self, key: Key, original: Original) {
        let known = self.originals.get(&key);
        if known.is_some_and(|known| known.sent_at > original.sent_at) {
            return;
        }
        self.ages.push_back(key);
        let replaced = self.originals.insert(key, original);
        self.count(replaced.map(|replaced| replaced.segment), Some(original.segment));
    }

    /// Remembers a message that is in the journal, if it is one to remember.
    pub(super) fn remember(&mut self, seq: Seq, message: &Message) {
        let Content { id, sent_at, .. } = message.content;
        if let Some(key) = key(&message.content) {
            self.insert(key, Original { id, seq, sent_at, segment: message.segment });
        }
    }

    /// Forgets what is too old to matter.
    pub(super) fn expire(&mut self, now: Millis) {
        while let Some(key) = self.ages.front()
            && self.original(key, now).is_none()
            && let Some(key) = self.ages.pop_front()
        {
            let removed = self.originals.remove(&key);
            self.count(removed.map(|removed| removed.segment), None);
        }
    }

    /// The originals that are read back from this segment.
    pub(super) fn in_segment(&self, id: u32) -> impl Iterator<Item = (Key, Original)> {
        let all = self.originals.iter().map(|(&key, &original)| (key, original));
        all.filter(move |(_, original)| original.segment == id)
    }

    /// Says where an original is read back from now.
    pub(super) fn set_segment(&mut self, key: &Key, segment: u32) {
        if let Some(original) = self.originals.get_mut(key) {
            let before = std::mem::replace(&mut original.segment, segment);
            self.count(Some(before), Some(segment));
        }
    }

    /// How many are read back from this segment.
    pub(super) fn count_in(&self, segment: u32) -> usize {
        self.in_segments.get(&segment).copied().unwrap_or(0)
    }

    fn count(&mut self, before: Option<u32>, now: Option<u32>) {
        if let Some(segment) = now {
            *self.in_segments.entry(segment).or_default() += 1;
        }
        if let Some(count) = before.and_then(|segment| self.in_segments.get_mut(&segment)) {
            *count = count.saturating_sub(1);
        }
        while let Some(oldest) = self.in_segments.first_entry()
            && *oldest.get() == 0
        {
            oldest.remove();
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.originals.len()
    }
}

/// The key of a message; none if it can't be a duplicate.
pub(super) fn key(content: &Content) -> Option<Key> {
    let extras = content.extras.as_deref()?;
    let deduplication = extras.deduplication.as_ref()?;
    let group = match deduplication.scope {
        Scope::Queue => "",
        Scope::Group => extras.group.as_deref()?,
        Scope::Nothing => return None,
    };
    let mut sha = Sha256::new();
    sha.update([u8::from(deduplication.scope == Scope::Group)]);
    sha.update((group.len() as u64).to_le_bytes());
    sha.update(group);
    sha.update(deduplication.id(&content.body).as_bytes());
    sha.finalize().first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = [1; 16];

    fn original(seq: Seq, sent_at: Millis) -> Original {
        Original { id: Uuid::from_u128(seq.into()), seq, sent_at, segment: 1 }
    }

    #[test]
    fn an_original_is_remembered_for_five_minutes() {
        let mut recent = Recent::default();
        recent.insert(KEY, original(1, 100));
        assert_eq!(recent.original(&KEY, 100 + WINDOW - 1), Some(&original(1, 100)));
        assert_eq!(recent.original(&KEY, 100 + WINDOW), None);
        recent.expire(100 + WINDOW);
        assert!(recent.originals.is_empty() && recent.ages.is_empty());
    }

    #[test]
    fn the_youngest_original_counts_in_whatever_order_they_are_read() {
        let mut recent = Recent::default();
        recent.insert(KEY, original(2, 100 + WINDOW));
        recent.insert(KEY, original(1, 100));
        recent.expire(100 + WINDOW);
        assert_eq!(recent.original(&KEY, 100 + WINDOW), Some(&original(2, 100 + WINDOW)));
    }
}
