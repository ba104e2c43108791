//! Keeps the messages in hand hidden while they wait or are worked on: one task
//! for all of them, ten per request.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use millrace_queue::{MAX_BATCH, Queue, QueueError};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::lease::Held;

/// The messages in hand.
#[derive(Debug, Default)]
pub(crate) struct Holdings {
    slots: Mutex<Slots>,
}

/// Messages by number. Numbers are used again, so that there are no more of
/// them than there were ever messages in hand.
#[derive(Debug, Default)]
struct Slots {
    held: Vec<Option<Arc<Held>>>,
    free: Vec<usize>,
}

impl Holdings {
    /// Adds a message; returns its number.
    pub(crate) fn add(&self, held: Arc<Held>) -> usize {
        let mut slots = self.locked();
        if let Some(number) = slots.free.pop() {
            slots.held[number] = Some(held);
            return number;
        }
        slots.held.push(Some(held));
        slots.held.len() - 1
    }

    pub(crate) fn remove(&self, number: usize) {
        let mut slots = self.locked();
        slots.held[number] = None;
        slots.free.push(number);
    }

    /// For how long the oldest message has been in hand.
    pub(crate) fn longest_held(&self) -> Option<Duration> {
        self.locked().held.iter().flatten().map(|held| held.received_at().elapsed()).max()
    }

    /// How long ago the lease ended that ended first of all messages in hand.
    pub(crate) fn most_overdue(&self) -> Option<Duration> {
        let now = Instant::now();
        let ended = |held: &Arc<Held>| now.checked_duration_since(held.deadline());
        self.locked().held.iter().flatten().filter_map(ended).max()
    }

    fn due(&self, pulse: Pulse) -> Vec<Beat> {
        let beat = |held: &Arc<Held>| {
            let hidden_for = held.begin_beat(pulse.enough, pulse.visibility)?;
            Some(Beat { held: Arc::clone(held), hidden_for })
        };
        self.locked().held.iter().flatten().filter_map(beat).collect()
    }

    fn locked(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When messages are extended, and by how much.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pulse {
    visibility: Duration,
    every: Duration,
    enough: Duration,
}

impl Pulse {
    /// Looks twice per `heartbeat`, and extends what would be more than a
    /// heartbeat old by the next look. A message that is done within half a
    /// heartbeat costs nothing.
    pub(crate) fn new(visibility: Duration, heartbeat: Duration) -> Self {
        let every = heartbeat / 2;
        Self { visibility, every, enough: visibility.saturating_sub(every) }
    }
}

struct Beat {
    held: Arc<Held>,
    hidden_for: Duration,
}

impl Drop for Beat {
    /// However the request ended, and also if it was given up: the message may
    /// be settled.
    fn drop(&mut self) {
        self.held.end_beat();
    }
}

/// Extends leases until it is dropped.
pub(crate) async fn beat(queue: Arc<dyn Queue>, holdings: Arc<Holdings>, pulse: Pulse) {
    let mut looks = interval(pulse.every);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut requests = JoinSet::new();
    loop {
        looks.tick().await;
        while requests.try_join_next().is_some() {}
        let mut due = holdings.due(pulse);
        while !due.is_empty() {
            let batch = due.split_off(due.len().saturating_sub(MAX_BATCH));
            requests.spawn(extend(Arc::clone(&queue), batch));
        }
    }
}

/// One request. A slow one holds up neither the others nor the next look.
async fn extend(queue: Arc<dyn Queue>, batch: Vec<Beat>) {
    let changes: Vec<_> =
        batch.iter().map(|beat| (beat.held.receipt.clone(), beat.hidden_for)).collect();
    let sent = Instant::now();
    let results = queue.change_visibility(&changes).await;
    for (beat, result) in batch.iter().zip(results) {
        match result {
            Ok(()) => beat.held.extend(sent, beat.hidden_for),
            Err(QueueError::ReceiptExpired { .. }) => beat.held.lose(),
            Err(error) if error.is_not_found() => beat.held.lose(),
            Err(error) => {
                tracing::warn!(%error, "a heartbeat failed; the next one is tried");
            }
        }
    }
}
