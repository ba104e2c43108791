//! How many messages may be in hand: as many as can start soon.
//!
//! Only what is handled at the same time counts while handling takes long, so
//! that waiting messages stay in the queue for other workers. When handling is
//! quick, more are taken, since then the queue's latency is what limits.
//!
//! When something asks for less, half as many are taken, and then one more for
//! every round that goes well: additive increase, multiplicative decrease, as TCP
//! finds the speed of a way that it shares with others.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// Messages that are throttled within this time of each other are told of the same
/// crowd: only the first of them halves what is taken.
const CROWD: Duration = Duration::from_secs(1);

/// Counts messages in hand and those that polls in flight may bring.
#[derive(Debug)]
pub(crate) struct Capacity {
    concurrency: usize,
    max: usize,
    soon: Duration,
    /// Messages in hand, and places kept free for polls in flight.
    taken: AtomicUsize,
    /// Messages in hand whose handler has not ended.
    handling: AtomicUsize,
    /// Messages in hand of which it is not decided what becomes of them.
    unsettled: AtomicUsize,
    /// Bytes of the messages in hand.
    bytes: AtomicUsize,
    /// From so many bytes on nothing is received.
    max_bytes: usize,
    /// Moving mean of the time it takes to handle a message; 0 is unknown.
    mean_nanos: AtomicU64,
    /// Messages in hand at most since something asked for less; the maximum if
    /// nothing did.
    ceiling: AtomicUsize,
    ebb: Mutex<Ebb>,
    /// Places that somebody waits for; 0 if nobody does.
    wanted: AtomicUsize,
    freed: Notify,
}

/// What is known since something asked for less.
#[derive(Debug, Default)]
struct Ebb {
    /// When that was last.
    asked: Option<Instant>,
    /// Messages that went well since the ceiling moved.
    well: usize,
}

impl Capacity {
    pub(crate) fn new(concurrency: usize, max: usize, soon: Duration) -> Self {
        Self {
            concurrency,
            max,
            soon,
            taken: AtomicUsize::new(0),
            handling: AtomicUsize::new(0),
            unsettled: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            max_bytes: usize::MAX,
            mean_nanos: AtomicU64::new(0),
            ceiling: AtomicUsize::new(max),
            ebb: Mutex::default(),
            wanted: AtomicUsize::new(0),
            freed: Notify::new(),
        }
    }

    /// Receives nothing while the messages in hand have so many bytes. Polls in
    /// flight may bring more.
    pub(crate) fn most_bytes(self, max_bytes: usize) -> Self {
        Self { max_bytes, ..self }
    }

    /// A message of so many bytes is in hand.
    pub(crate) fn weigh(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::SeqCst);
    }

    /// It left; its place is to be released next.
    pub(crate) fn lighten(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::SeqCst);
    }

    /// Messages that may be in hand now.
    pub(crate) fn limit(&self) -> usize {
        self.soon().min(self.ceiling.load(Ordering::Relaxed))
    }

    /// Messages that can start soon.
    fn soon(&self) -> usize {
        let mean = self.mean_nanos.load(Ordering::Relaxed);
        if mean == 0 {
            return self.concurrency;
        }
        let rounds = self.soon.as_nanos() / u128::from(mean);
        let rounds = usize::try_from(rounds).unwrap_or(usize::MAX);
        self.concurrency.saturating_mul(rounds).clamp(self.concurrency, self.max)
    }

    /// Free places.
    pub(crate) fn room(&self) -> usize {
        if self.bytes.load(Ordering::SeqCst) >= self.max_bytes {
            return 0;
        }
        self.limit().saturating_sub(self.taken.load(Ordering::SeqCst))
    }

    /// Whether the messages in hand leave no place for another, polls in flight
    /// aside.
    pub(crate) fn is_full(&self) -> bool {
        self.unsettled.load(Ordering::SeqCst) >= self.limit()
    }

    /// Keeps places free for a poll.
    pub(crate) fn reserve(&self, places: usize) {
        self.taken.fetch_add(places, Ordering::SeqCst);
    }

    /// A poll that kept `reserved` places free brought `messages`.
    pub(crate) fn arrive(&self, reserved: usize, messages: usize) {
        self.handling.fetch_add(messages, Ordering::SeqCst);
        self.unsettled.fetch_add(messages, Ordering::SeqCst);
        if messages > reserved {
            self.taken.fetch_add(messages - reserved, Ordering::SeqCst);
        } else {
            self.release(reserved - messages);
        }
    }

    /// A message's handler ended; whether it was the last one in hand, so that
    /// what it sends on need not wait for others.
    pub(crate) fn handled(&self) -> bool {
        self.handling.fetch_sub(1, Ordering::SeqCst) == 1
    }

    /// It is decided what becomes of a message; whether it was the last one in
    /// hand.
    pub(crate) fn settled(&self) -> bool {
        self.unsettled.fetch_sub(1, Ordering::SeqCst) == 1
    }

    /// Something asked for less: half as many messages are taken, at least one.
    pub(crate) fn throttled(&self) {
        let mut ebb = self.ebb.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if ebb.asked.is_some_and(|asked| now < asked + CROWD) {
            return;
        }
        *ebb = Ebb { asked: Some(now), well: 0 };
        let half = (self.limit() / 2).max(1);
        self.ceiling.store(half, Ordering::Relaxed);
        tracing::info!(in_hand = half, "throttled: fewer messages are taken");
    }

    /// A message went well: after as many as may be in hand, one more may.
    fn recover(&self) {
        let ceiling = self.ceiling.load(Ordering::Relaxed);
        if ceiling >= self.max {
            return;
        }
        let mut ebb = self.ebb.lock().unwrap_or_else(PoisonError::into_inner);
        ebb.well += 1;
        if ebb.well >= ceiling {
            ebb.well = 0;
            // Beyond what can start soon it limits nothing.
            let next = if ceiling >= self.soon() { self.max } else { ceiling + 1 };
            self.ceiling.store(next, Ordering::Relaxed);
        }
    }

    /// Learns how long handling takes.
    pub(crate) fn handled_in(&self, took: Duration) {
        self.recover();
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX).max(1);
        let mean = self.mean_nanos.load(Ordering::Relaxed);
        let next = if mean == 0 { took } else { (mean - mean / 8).saturating_add(took / 8).max(1) };
        // Threads may overwrite each other: it is an estimate.
        self.mean_nanos.store(next, Ordering::Relaxed);
    }

    /// Returns when there are at least `places` free.
    pub(crate) async fn freed(&self, places: usize) {
        loop {
            let freed = self.freed.notified();
            self.wanted.store(places, Ordering::SeqCst);
            if self.room() >= places {
                return self.wanted.store(0, Ordering::SeqCst);
            }
            freed.await;
        }
    }

    /// Frees places: a message left, or a poll failed.
    pub(crate) fn release(&self, places: usize) {
        if places == 0 {
            return;
        }
        self.taken.fetch_sub(places, Ordering::SeqCst);
        let wanted = self.wanted.load(Ordering::SeqCst);
        if wanted > 0 && self.room() >= wanted {
            self.wanted.store(0, Ordering::SeqCst);
            self.freed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capacity() -> Capacity {
        Capacity::new(4, 32, Duration::from_secs(1))
    }

    #[test]
    fn slow_work_leaves_waiting_messages_in_the_queue() {
        let capacity = capacity();
        assert_eq!(capacity.limit(), 4, "nothing is known yet");
        capacity.handled_in(Duration::from_secs(60));
        assert_eq!(capacity.limit(), 4);
    }

    #[test]
    fn quick_work_takes_what_starts_within_a_second() {
        let capacity = capacity();
        capacity.handled_in(Duration::from_millis(200));
        assert_eq!(capacity.limit(), 20);
        (0..50).for_each(|_| capacity.handled_in(Duration::from_micros(1)));
        assert_eq!(capacity.limit(), 32, "and never more than the maximum");
        (0..50).for_each(|_| capacity.handled_in(Duration::from_secs(5)));
        assert_eq!(capacity.limit(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn when_something_asks_for_less_half_is_taken_and_then_one_more_a_round() {
        let capacity = Capacity::new(8, 32, Duration::from_secs(1));
        (0..20).for_each(|_| capacity.throttled());
        assert_eq!(capacity.limit(), 4, "one crowd is halved for once");
        for _ in 0..5 {
            tokio::time::advance(Duration::from_secs(2)).await;
            capacity.throttled();
        }
        assert_eq!(capacity.limit(), 1, "and never to nothing");
        let slow = Duration::from_secs(60);
        let mut rounds = Vec::new();
        for _ in 0..6 {
            (0..capacity.limit()).for_each(|_| capacity.handled_in(slow));
            rounds.push(capacity.limit());
        }
        assert_eq!(rounds, [2, 3, 4, 5, 6, 7]);
        (0..20).for_each(|_| capacity.handled_in(slow));
        assert_eq!(capacity.limit(), 8, "as before");
    }

    #[test]
    fn large_messages_leave_no_room_for_others() {
        let capacity = capacity().most_bytes(100);
        capacity.weigh(99);
        assert_eq!(capacity.room(), 4);
        capacity.weigh(1);
        assert_eq!(capacity.room(), 0);
        capacity.lighten(99);
        assert_eq!(capacity.room(), 4);
    }

    #[test]
    fn a_poll_gives_back_the_places_it_did_not_fill() {
        let capacity = capacity();
        capacity.reserve(4);
        assert_eq!(capacity.room(), 0);
        capacity.arrive(4, 1);
        assert_eq!(capacity.room(), 3);
        capacity.release(1);
        assert_eq!(capacity.room(), 4);
    }

    #[test]
    fn the_last_message_in_hand_knows_that_it_is() {
        let capacity = capacity();
        capacity.reserve(2);
        capacity.arrive(2, 2);
        assert_eq!([capacity.handled(), capacity.handled()], [false, true]);
        assert_eq!([capacity.settled(), capacity.settled()], [false, true]);
    }

    #[tokio::test]
    async fn who_waits_for_room_is_woken_when_there_is_enough() {
        let capacity = std::sync::Arc::new(capacity());
        capacity.reserve(4);
        capacity.arrive(4, 4);
        let waiting = tokio::spawn({
            let capacity = std::sync::Arc::clone(&capacity);
            async move { capacity.freed(2).await }
        });
        tokio::task::yield_now().await;
        capacity.release(1);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        capacity.release(1);
        waiting.await.expect("woken");
    }
}
