//! The batches that are open: what is added where, and when one is full.
//!
//! Pure bookkeeping: nothing here waits or writes, so that it can be tested by
//! itself.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use millrace_contract::Stream;

use crate::entry::Entry;

/// What has a batch of its own: a stream, and values of its messages.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) stream: Arc<Stream>,
    /// The values of [`Stream::fields`], in their order.
    pub(crate) fields: Vec<String>,
}

impl PartialEq for Group {
    fn eq(&self, other: &Self) -> bool {
        (&self.stream.name, &self.fields) == (&other.stream.name, &other.fields)
    }
}

impl Eq for Group {}

impl Hash for Group {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.stream.name, &self.fields).hash(state);
    }
}

/// A batch that is to be written.
pub(crate) struct Full {
    pub(crate) group: Group,
    pub(crate) opened_at: DateTime<Utc>,
    pub(crate) entries: Vec<Entry>,
}

/// What came of adding a message.
pub(crate) struct Added {
    /// The number of the batch that it opened and that is still open.
    pub(crate) opened: Option<u64>,
    /// Batches that are to be written.
    pub(crate) full: Vec<Full>,
}

/// The open batches.
pub(crate) struct Groups {
    open: HashMap<Group, Open>,
    most_messages: usize,
    most_bytes: usize,
    messages: usize,
    bytes: usize,
    serial: u64,
    /// No batch waits any longer.
    is_over: bool,
}

struct Open {
    serial: u64,
    opened_at: DateTime<Utc>,
    entries: Vec<Entry>,
    bytes: usize,
}

impl Groups {
    pub(crate) fn new(most_messages: usize, most_bytes: usize) -> Self {
        Self {
            open: HashMap::new(),
            most_messages,
            most_bytes,
            messages: 0,
            bytes: 0,
            serial: 0,
            is_over: false,
        }
    }

    /// Adds a message to the batch of its group.
    pub(crate) fn add(&mut self, group: &Group, entry: Entry) -> Added {
        let limits = group.stream.batch;
        let size = entry.message.size();
        let mut full = Vec::new();
        let is_beyond = |open: &Open| open.bytes + size > limits.bytes;
        if self.open.get(group).is_some_and(is_beyond) {
            full.extend(self.close(group));
        }
        let mut opened = None;
        let serial = &mut self.serial;
        let open = self.open.entry(group.clone()).or_insert_with(|| {
            *serial += 1;
            opened = Some(*serial);
            Open { serial: *serial, opened_at: Utc::now(), entries: Vec::new(), bytes: 0 }
        });
        open.entries.push(entry);
        open.bytes += size;
        self.messages += 1;
        self.bytes += size;
        let is_full = open.entries.len() >= limits.count || open.bytes >= limits.bytes;
        if is_full || self.is_over {
            full.extend(self.close(group));
        }
        while self.messages > self.most_messages || self.bytes > self.most_bytes {
            full.extend(self.close_largest());
        }
        let opened = opened.filter(|_| self.open.contains_key(group));
        Added { opened, full }
    }

    /// Closes a batch, if it is still the one of this number.
    pub(crate) fn close_if(&mut self, group: &Group, serial: u64) -> Option<Full> {
        let is_it = self.open.get(group).is_some_and(|open| open.serial == serial);
        if is_it { self.close(group) } else { None }
    }

    /// Closes every batch, and from here on those that come as well.
    pub(crate) fn close_all(&mut self) -> Vec<Full> {
        self.is_over = true;
        let groups: Vec<Group> = self.open.keys().cloned().collect();
        groups.iter().filter_map(|group| self.close(group)).collect()
    }

    fn close_largest(&mut self) -> Option<Full> {
        let largest = self.open.iter().max_by_key(|(_, open)| (open.bytes, open.serial));
        let group = largest.map(|(group, _)| group.clone())?;
        self.close(&group)
    }

    fn close(&mut self, group: &Group) -> Option<Full> {
        let (group, Open { opened_at, entries, bytes, .. }) = self.open.remove_entry(group)?;
        self.messages -= entries.len();
        self.bytes -= bytes;
        Some(Full { group, opened_at, entries })
    }
}

#[cfg(test)]
mod tests;
