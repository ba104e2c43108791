//! The right to a message: until a deadline, which only a heartbeat that the
//! queue confirmed moves.
//!
//! The deadline is kept on this side of the wire and is never later than the
//! queue's own, so that a worker that was cut off or frozen finds out by the
//! clock alone.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use millrace_queue::Receipt;
use thiserror::Error;
use tokio::sync::Notify;
use tokio::time::Instant;

/// SQS hides a message for at most this long after its receive, however often
/// visibility is extended ("Amazon SQS visibility timeout").
pub(crate) const LONGEST_HOLD: Duration = Duration::from_secs(43_200);

/// The right to a message. Clones are the same lease.
///
/// Check it right before a commit: once it is lost, another worker may have the
/// message.
#[derive(Clone)]
pub struct Lease(Arc<Held>);

/// The message may be in other hands: nothing of it may be committed. It has no class,
/// since no verdict on the message follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the lease on the message was lost; another worker may have it, so nothing is committed")]
pub struct LeaseLost;

impl Lease {
    /// A lease that nothing extends, for tests and for handling without a
    /// queue.
    pub fn lasting(duration: Duration) -> Self {
        Self(Arc::new(Held::new(Receipt::new(""), duration)))
    }

    pub(crate) fn of(held: Arc<Held>) -> Self {
        Self(held)
    }

    /// Whether the message is still hidden from other workers.
    pub fn still_held(&self) -> bool {
        self.0.still_held()
    }

    /// The same as an error, for the line before a commit.
    ///
    /// # Errors
    /// [`LeaseLost`] if it is no longer held.
    pub fn check(&self) -> Result<(), LeaseLost> {
        self.still_held().then_some(()).ok_or(LeaseLost)
    }

    /// How long it is held without a further heartbeat.
    pub fn remaining(&self) -> Duration {
        if self.still_held() {
            self.0.deadline().saturating_duration_since(Instant::now())
        } else {
            Duration::ZERO
        }
    }

    /// Returns when the lease is lost.
    pub async fn lost(&self) {
        loop {
            let changed = self.0.changed.notified();
            if !self.still_held() {
                return;
            }
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep_until(self.0.deadline()) => {}
            }
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("remaining", &self.remaining()).finish()
    }
}

/// A message in hand: its receipt, its lease, and its part in the heartbeat.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) receipt: Receipt,
    received_at: Instant,
    /// Milliseconds from `received_at` to the deadline.
    holds: AtomicU64,
    lost: AtomicBool,
    beating: AtomicBool,
    retired: AtomicBool,
    changed: Notify,
}

impl Held {
    /// A message that was received just now and is hidden for `visibility`.
    pub(crate) fn new(receipt: Receipt, visibility: Duration) -> Self {
        // The queue's clock started before the answer arrived.
        let on_the_way = (visibility / 10).min(Duration::from_secs(1));
        Self {
            receipt,
            received_at: Instant::now(),
            holds: AtomicU64::new(milliseconds(visibility.saturating_sub(on_the_way))),
            lost: AtomicBool::new(false),
            beating: AtomicBool::new(false),
            retired: AtomicBool::new(false),
            changed: Notify::new(),
        }
    }

    pub(crate) fn still_held(&self) -> bool {
        !self.lost.load(Ordering::Acquire) && Instant::now() < self.deadline()
    }

    pub(crate) fn received_at(&self) -> Instant {
        self.received_at
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.received_at + Duration::from_millis(self.holds.load(Ordering::Acquire))
    }

    /// Starts a heartbeat if one is due: fewer than `enough` are left. Returns
    /// for how long it may hide the message.
    pub(crate) fn begin_beat(&self, enough: Duration, visibility: Duration) -> Option<Duration> {
        let now = Instant::now();
        if self.deadline() > now + enough || self.lost.load(Ordering::Acquire) {
            return None;
        }
        let longest = (self.received_at + LONGEST_HOLD).saturating_duration_since(now);
        let hidden_for = visibility.min(longest);
        if hidden_for < Duration::from_secs(1) || self.beating.swap(true, Ordering::SeqCst) {
            return None;
        }
        if self.retired.load(Ordering::SeqCst) {
            self.end_beat();
            return None;
        }
        Some(hidden_for)
    }

    /// The queue confirmed a heartbeat that was sent at `sent`.
    pub(crate) fn extend(&self, sent: Instant, hidden_for: Duration) {
        let held = sent.saturating_duration_since(self.received_at) + hidden_for;
        self.holds.fetch_max(milliseconds(held), Ordering::AcqRel);
    }

    /// The queue said that the receipt has expired.
    pub(crate) fn lose(&self) {
        self.lost.store(true, Ordering::Release);
        self.changed.notify_waiters();
    }

    /// The heartbeat is over, whatever came of it.
    pub(crate) fn end_beat(&self) {
        self.beating.store(false, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    /// No heartbeat starts from here on.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::SeqCst);
    }

    /// No heartbeat starts from here on, and none is on its way: whatever
    /// visibility is set next is not overridden.
    pub(crate) async fn retire_and_settle(&self) {
        self.retire();
        loop {
            let changed = self.changed.notified();
            if !self.beating.load(Ordering::SeqCst) {
                return;
            }
            changed.await;
        }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VISIBILITY: Duration = Duration::from_secs(30);

    fn held() -> (Arc<Held>, Lease) {
        let held = Arc::new(Held::new(Receipt::new("r"), VISIBILITY));
        (Arc::clone(&held), Lease::of(held))
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_ends_before_the_queue_would_show_the_message_to_others() {
        let (_, lease) = held();
        tokio::time::advance(Duration::from_secs(28)).await;
        assert_eq!(lease.check(), Ok(()));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(lease.check(), Err(LeaseLost));
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_confirmed_heartbeat_moves_the_deadline_from_when_it_was_sent() {
        let (held, lease) = held();
        tokio::time::advance(Duration::from_secs(10)).await;
        let sent = Instant::now();
        assert_eq!(held.begin_beat(VISIBILITY, VISIBILITY), Some(VISIBILITY));
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(lease.remaining(), Duration::from_secs(14), "sent is not confirmed");
        held.extend(sent, VISIBILITY);
        assert_eq!(lease.remaining(), Duration::from_secs(25));
    }

    #[tokio::test(start_paused = true)]
    async fn no_message_is_held_for_more_than_twelve_hours() {
        let (held, _) = held();
        let almost = LONGEST_HOLD - Duration::from_secs(10);
        tokio::time::advance(almost).await;
        assert_eq!(held.begin_beat(VISIBILITY, VISIBILITY), Some(Duration::from_secs(10)));
        held.end_beat();
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(held.begin_beat(VISIBILITY, VISIBILITY), None);
    }

    #[tokio::test(start_paused = true)]
    async fn losing_a_lease_wakes_who_waits_for_it() {
        let (held, lease) = held();
        let waiting = tokio::spawn({
            let lease = lease.clone();
            async move { lease.lost().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        held.lose();
        waiting.await.expect("ends");
        assert!(!lease.still_held());
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_that_nobody_extends_is_lost_by_the_clock() {
        let (_, lease) = held();
        let started = Instant::now();
        lease.lost().await;
        assert_eq!(started.elapsed(), Duration::from_secs(29));
    }

    #[tokio::test(start_paused = true)]
    async fn settling_waits_for_a_heartbeat_on_its_way_and_lets_none_start() {
        let (held, _) = held();
        assert!(held.begin_beat(VISIBILITY, VISIBILITY).is_some());
        let settling = tokio::spawn({
            let held = Arc::clone(&held);
            async move { held.retire_and_settle().await }
        });
        tokio::task::yield_now().await;
        assert!(!settling.is_finished());
        held.end_beat();
        settling.await.expect("ends");
        assert_eq!(held.begin_beat(VISIBILITY, VISIBILITY), None);
    }
}
