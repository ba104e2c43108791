//! Receives as much as can start soon, with as many polls in flight as the load
//! asks for: one more for every full answer, one fewer for every answer that is
//! not half full, and a single long poll when the queue is empty.

use std::sync::Arc;
use std::time::Duration;

use millrace_queue::{MAX_BATCH, QueueError, Receive, Received};
use millrace_retry::{Classify, Curve};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::Delivery;
use crate::attempt::attend;
use crate::context::Context;
use crate::place::Place;

/// Pauses after polls that failed.
const PAUSES: Curve = Curve::from_secs(1, 30);

/// Receives and starts messages.
pub(crate) struct Poller {
    context: Arc<Context>,
    polls: JoinSet<Polled>,
    /// Polls in flight that the load asks for.
    target: usize,
    max: usize,
    failed: u32,
    quiet_until: Option<Instant>,
}

/// An answer, and the places that were kept free for it.
struct Polled {
    reserved: Reserved,
    answer: Result<Vec<Received>, QueueError>,
}

impl Poller {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        let max = context.config.max_in_hand.div_ceil(MAX_BATCH);
        Self { context, polls: JoinSet::new(), target: 1, max, failed: 0, quiet_until: None }
    }

    /// Receives and starts messages until the queue refuses for good.
    pub(crate) async fn run(&mut self) -> QueueError {
        loop {
            let in_flight = self.polls.len();
            tokio::select! {
                biased;
                Some(ended) = self.polls.join_next() => {
                    // A poll that panicked has freed its places.
                    if let Ok(polled) = ended && let Err(error) = self.arrive(polled) {
                        return error;
                    }
                }
                places = share(&self.context, in_flight, self.target, self.quiet_until) => {
                    self.start(places);
                }
            }
        }
    }

    /// Starts no more polls, lets those in flight end, and hands back what they
    /// bring: a poll that is cut off may have been given messages that nobody
    /// would see until their visibility timeout ends.
    pub(crate) async fn drain(&mut self, deadline: Instant) {
        while let Ok(Some(ended)) = timeout_at(deadline, self.polls.join_next()).await {
            if let Ok(Polled { answer: Ok(messages), .. }) = ended {
                self.hand_back(messages).await;
            }
        }
        self.polls.abort_all();
    }

    async fn hand_back(&self, messages: Vec<Received>) {
        let context = &self.context;
        context.tally.received.add(messages.len());
        context.tally.released.add(messages.len());
        context.outside.metrics.received(messages.len());
        context.outside.metrics.left(messages.len());
        let (mut renewed, mut changes) = (Vec::new(), Vec::new());
        for Received { message_id, receipt, body, attributes, receive_count, group, .. } in messages
        {
            let group = group.as_deref();
            if context.renew(&message_id, receive_count, &body, &attributes, group).await {
                renewed.push(receipt);
            } else {
                changes.push((receipt, Duration::ZERO));
            }
        }
        // A message that this fails for comes back when its visibility ends.
        if !changes.is_empty() {
            drop(context.queue.change_visibility(&changes).await);
        }
        if !renewed.is_empty() {
            drop(context.queue.delete(&renewed).await);
        }
    }

    fn start(&mut self, places: usize) {
        let reserved = Reserved::new(&self.context, places);
        let config = &self.context.config;
        let request = Receive { max: places, wait: config.wait, visibility: config.visibility };
        let queue = Arc::clone(&self.context.queue);
        self.polls.spawn(async move { Polled { reserved, answer: queue.receive(request).await } });
    }

    fn arrive(&mut self, polled: Polled) -> Result<(), QueueError> {
        let asked = polled.reserved.places;
        self.context.outside.liveness.polled();
        match polled.answer {
            Ok(messages) => {
                self.recovered();
                self.adapt(asked, messages.len());
                polled.reserved.arrive(messages.len());
                self.begin(messages);
                Ok(())
            }
            Err(error) if error.class().is_retryable() => {
                self.pause(&error);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn adapt(&mut self, asked: usize, got: usize) {
        self.target = match got {
            got if got >= asked => (self.target + 1).min(self.max),
            got if got * 2 < asked => (self.target - 1).max(1),
            _ => self.target,
        };
    }

    fn begin(&self, messages: Vec<Received>) {
        self.context.tally.received.add(messages.len());
        self.context.outside.metrics.received(messages.len());
        for received in messages {
            let (delivery, receipt) = Delivery::split(received);
            let place = Place::take(&self.context, receipt, delivery.body.len());
            self.context.tasks.spawn(attend(delivery, place));
        }
    }

    fn pause(&mut self, error: &QueueError) {
        if self.failed == 0 {
            tracing::warn!(%error, "receiving failed; it is tried again until it succeeds");
        }
        self.failed = self.failed.saturating_add(1);
        self.target = 1;
        self.quiet_until = Some(Instant::now() + PAUSES.delay(self.failed));
    }

    fn recovered(&mut self) {
        if self.failed > 0 {
            tracing::info!(failed = self.failed, "receiving succeeds again");
            self.failed = 0;
        }
    }
}

/// Waits until another poll is due; returns how many messages it may bring.
async fn share(
    context: &Context,
    in_flight: usize,
    target: usize,
    quiet_until: Option<Instant>,
) -> usize {
    if in_flight >= target {
        return std::future::pending().await;
    }
    if let Some(moment) = quiet_until {
        sleep_until(moment).await;
    }
    loop {
        context.circuit.closed().await;
        room(context, in_flight).await;
        let room = context.capacity.room();
        if room > 0 && !context.circuit.is_open() {
            return room.min(MAX_BATCH);
        }
    }
}

/// Waits for places: for a full request, if there is another to wait for.
async fn room(context: &Context, in_flight: usize) {
    let capacity = &context.capacity;
    let full = capacity.limit().min(MAX_BATCH);
    if in_flight > 0 {
        return capacity.freed(full).await;
    }
    // Ten in one request are worth a moment, but no more than that.
    capacity.freed(1).await;
    drop(timeout(context.config.linger, capacity.freed(full)).await);
}

/// Places that are kept free for a poll in flight.
struct Reserved {
    context: Arc<Context>,
    places: usize,
}

impl Reserved {
    fn new(context: &Arc<Context>, places: usize) -> Self {
        context.capacity.reserve(places);
        Self { context: Arc::clone(context), places }
    }

    /// The poll brought messages, which occupy places of their own from now on.
    fn arrive(mut self, messages: usize) {
        let reserved = std::mem::take(&mut self.places);
        self.context.capacity.arrive(reserved, messages);
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.context.capacity.release(self.places);
    }
}
