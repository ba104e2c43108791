//! The messages of one queue and the moments at which they become visible.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::{Attributes, Depth, Outgoing, Receipt, Received};

/// A message can't stay hidden for longer than this after its receive.
const LONGEST_HOLD: Duration = Duration::from_secs(43_200);

#[derive(Debug)]
pub(super) struct Stored {
    message_id: String,
    body: String,
    attributes: Attributes,
    group: Option<String>,
    sent_at: SystemTime,
    first_received_at: Option<SystemTime>,
    receive_count: u32,
    received_at: Option<Instant>,
    /// When it becomes visible; none if it is.
    hidden_until: Option<Instant>,
}

/// Why a visibility timeout can't be changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unchanged {
    NotInFlight,
    HeldTooLong,
}

#[derive(Debug, Default)]
pub(super) struct State {
    messages: HashMap<u64, Stored>,
    ready: VecDeque<u64>,
    hidden: BTreeSet<(Instant, u64)>,
    next: u64,
}

impl State {
    pub(super) fn insert(&mut self, mut stored: Stored) {
        self.next += 1;
        if stored.message_id.is_empty() {
            stored.message_id = format!("message-{}", self.next);
        }
        match stored.hidden_until {
            Some(moment) => {
                self.hidden.insert((moment, self.next));
            }
            None => self.ready.push_back(self.next),
        }
        self.messages.insert(self.next, stored);
    }

    /// The moment at which the next hidden message becomes visible.
    pub(super) fn next_visible(&self) -> Option<Instant> {
        self.hidden.first().map(|&(moment, _)| moment)
    }

    /// Takes a visible message for a receive; moves those that were received
    /// `max_receive_count` times to `redriven`.
    pub(super) fn receive(
        &mut self,
        queue: &str,
        visibility: Duration,
        max_receive_count: Option<u32>,
        redriven: &mut Vec<Stored>,
    ) -> Option<Received> {
        self.reveal();
        loop {
            let id = self.ready.pop_front()?;
            let Some(stored) = self.messages.get_mut(&id) else { continue };
            if max_receive_count.is_some_and(|max| stored.receive_count >= max) {
                redriven.extend(self.messages.remove(&id));
                continue;
            }
            let received = stored.receive(queue, id, visibility);
            self.hidden.extend(stored.hidden_until.map(|moment| (moment, id)));
            return Some(received);
        }
    }

    /// Deletes the message of this receipt, unless it was received again.
    pub(super) fn delete(&mut self, id: u64, receive_count: u32) {
        let outdated =
            self.messages.get(&id).is_none_or(|stored| stored.receive_count != receive_count);
        if outdated {
            return;
        }
        let until = self.messages.remove(&id).and_then(|stored| stored.hidden_until);
        if let Some(moment) = until {
            self.hidden.remove(&(moment, id));
        }
    }

    pub(super) fn change_visibility(
        &mut self,
        id: u64,
        receive_count: u32,
        visibility: Duration,
    ) -> Result<(), Unchanged> {
        self.reveal();
        let now = Instant::now();
        let stored = self.messages.get_mut(&id).ok_or(Unchanged::NotInFlight)?;
        let (Some(received_at), Some(until)) = (stored.received_at, stored.hidden_until) else {
            return Err(Unchanged::NotInFlight);
        };
        if stored.receive_count != receive_count {
            return Err(Unchanged::NotInFlight);
        }
        if now + visibility > received_at + LONGEST_HOLD {
            return Err(Unchanged::HeldTooLong);
        }
        stored.hidden_until = Some(now + visibility);
        self.hidden.remove(&(until, id));
        self.hidden.insert((now + visibility, id));
        self.reveal();
        Ok(())
    }

    pub(super) fn depth(&mut self) -> Depth {
        self.reveal();
        let mut depth = Depth::default();
        for stored in self.messages.values() {
            match (stored.hidden_until, stored.received_at) {
                (None, _) => depth.visible += 1,
                (Some(_), Some(_)) => depth.in_flight += 1,
                (Some(_), None) => depth.delayed += 1,
            }
        }
        depth
    }

    /// Makes messages visible whose time has come.
    fn reveal(&mut self) {
        let now = Instant::now();
        while let Some(&(moment, id)) = self.hidden.first() {
            if moment > now {
                return;
            }
            self.hidden.pop_first();
            if let Some(stored) = self.messages.get_mut(&id) {
                stored.hidden_until = None;
                self.ready.push_back(id);
            }
        }
    }
}

impl Stored {
    pub(super) fn new(message: &Outgoing) -> Self {
        let hidden_until = (!message.delay.is_zero()).then(|| Instant::now() + message.delay);
        Self {
            message_id: String::new(),
            body: message.body.clone(),
            attributes: message.attributes.clone(),
            group: message.group.clone(),
            sent_at: SystemTime::now(),
            first_received_at: None,
            receive_count: 0,
            received_at: None,
            hidden_until,
        }
    }

    /// As it arrives in a dead-letter queue: the same id, counted anew.
    pub(super) fn redriven(self) -> Self {
        Self { receive_count: 0, received_at: None, hidden_until: None, ..self }
    }

    fn receive(&mut self, queue: &str, id: u64, visibility: Duration) -> Received {
        let now = Instant::now();
        self.receive_count += 1;
        self.received_at = Some(now);
        self.hidden_until = Some(now + visibility);
        let first_received_at = *self.first_received_at.get_or_insert_with(SystemTime::now);
        Received {
            message_id: self.message_id.clone(),
            receipt: Receipt::new(format!("{queue}:{id}:{}", self.receive_count)),
            body: self.body.clone(),
            receive_count: self.receive_count,
            sent_at: Some(self.sent_at),
            first_received_at: Some(first_received_at),
            trace_header: None,
            attributes: self.attributes.clone(),
            group: self.group.clone(),
        }
    }
}
