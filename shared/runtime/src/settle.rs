//! The one place that turns a verdict into queue calls.
//!
//! The order is what makes it safe: what the next stages are told is sent
//! before the message is deleted, a failure is recorded before it leaves the
//! queue, and the heartbeat has ended before visibility is set for the last
//! time. Nothing is said about a message whose lease was lost.

use std::sync::Arc;
use std::time::Duration;

use millrace_failpoint::{Point, reach};
use millrace_queue::{Outgoing, QueueError, REDRIVE_ATTRIBUTE, TRACE_ATTRIBUTE};
use millrace_retry::{Classify, FailureClass};

use crate::attempt::Verdict;
use crate::context::Context;
use crate::part::part;
use crate::place::Place;
use crate::report::Report;
use crate::trace_context::TRACEPARENT_ATTRIBUTE;
use crate::{DeadLetter, Delivery, Done, Failure, Forward};

/// Settles one message.
pub(crate) async fn settle(
    delivery: &Delivery,
    mut place: Place,
    verdict: Verdict,
    took: Duration,
) {
    let last_handled = place.handled();
    let context = Arc::clone(&place.context);
    let settling = Settling { delivery, place, last_handled };
    let report = Report::new(&context, delivery, took);
    // What is rare is boxed: every message in hand pays for the size of this.
    match verdict {
        Verdict::Done(done) => settling.done(done, report).await,
        Verdict::Failed(failure) => Box::pin(settling.failed(failure, report)).await,
        Verdict::Abandoned => Box::pin(settling.abandoned(report)).await,
        Verdict::Interrupted => Box::pin(settling.release(report)).await,
    }
}

struct Settling<'a> {
    delivery: &'a Delivery,
    place: Place,
    /// No other message in hand is about to send.
    last_handled: bool,
}

impl Settling<'_> {
    async fn done(self, mut done: Done, report: Report<'_>) {
        if !self.is_held() {
            return self.lost(report);
        }
        let forward = std::mem::take(&mut done.forward);
        if !forward.is_empty()
            && let Err(error) = part("send", Box::pin(self.forward(forward))).await
        {
            let message = format!("its effects are committed, but it was not sent on: {error}");
            let told =
                |class: &FailureClass| class.is_retryable() || *class == FailureClass::Denied;
            let class = Some(error.class()).filter(told);
            let class = class.unwrap_or(FailureClass::Transient);
            let failure = Failure::new(class, message).about(done.subject);
            return Box::pin(self.failed(failure, report)).await;
        }
        if let Some(redrive_of) = self.delivery.attributes.get(REDRIVE_ATTRIBUTE) {
            Box::pin(self.handled_again(redrive_of)).await;
        }
        if !self.is_held() {
            return self.lost(report);
        }
        report.done(&done);
        self.context().tally.done.add(1);
        self.delete().await;
    }

    /// What was handled is handled, whether or not the log says so.
    async fn handled_again(&self, redrive_of: &str) {
        if let Err(error) = self.context().failures.handled_again(redrive_of).await {
            tracing::warn!(redrive_of, %error, "a redrive was handled, which is not on record");
        }
    }

    async fn failed(self, failure: Failure, report: Report<'_>) {
        if !self.is_held() {
            return self.lost(report);
        }
        let last_receive = self.delivery.receive_count >= self.context().config.max_receive_count;
        if failure.class.is_retryable() && !last_receive {
            return self.put_back(failure, report).await;
        }
        match part("dead letter", self.bury(&failure)).await {
            Ok(()) if self.is_held() => {
                report.dead_lettered(&failure);
                self.context().tally.dead_lettered.add(1);
                self.delete().await;
            }
            Ok(()) => self.lost(report),
            Err(unburied) => {
                tracing::error!(reason = unburied, "a dead letter stays in its queue");
                self.put_back(failure, report).await;
            }
        }
    }

    /// A handler that gives up although nothing made it do so has failed:
    /// otherwise its message would go round until the redrive took it, without a
    /// reason.
    async fn abandoned(self, report: Report<'_>) {
        if self.context().stopping.is_cancelled() {
            return self.release(report).await;
        }
        let message = "the handler gave up on a message that it still held";
        self.failed(Failure::new(FailureClass::Transient, message), report).await;
    }

    /// Sends what the next stages are told. The heartbeat goes on meanwhile.
    async fn forward(&self, forward: Vec<Forward>) -> Result<(), QueueError> {
        let mut by_queue: Vec<(String, Vec<Outgoing>)> = Vec::new();
        for Forward { queue, body, mut attributes, group, delay } in forward {
            let delivery = self.delivery;
            let mut carry = |name: &str, value: &dyn Fn() -> String| {
                attributes.entry(name.to_owned()).or_insert_with(value);
            };
            carry(TRACE_ATTRIBUTE, &|| delivery.trace_id.clone());
            carry(TRACEPARENT_ATTRIBUTE, &|| delivery.trace.to_string());
            let outgoing = Outgoing { body, attributes, delay, group };
            match by_queue.iter_mut().find(|(name, _)| *name == queue) {
                Some((_, messages)) => messages.push(outgoing),
                None => by_queue.push((queue, vec![outgoing])),
            }
        }
        self.reach(Point::BeforeSend);
        for (queue, messages) in by_queue {
            self.context().send(&queue, messages, self.last_handled).await?;
        }
        self.reach(Point::AfterSend);
        Ok(())
    }

    /// Records the failure, then sends the message to the dead-letter queue. The
    /// heartbeat goes on meanwhile.
    async fn bury(&self, failure: &Failure) -> Result<(), String> {
        let config = &self.context().config;
        let letter = DeadLetter::new(&config.stage, &config.queue, self.delivery, failure.clone());
        self.reach(Point::BeforeRecord);
        self.context().failures.record(&letter).await.map_err(|error| error.to_string())?;
        self.reach(Point::AfterRecord);
        let outgoing = vec![letter.to_outgoing()];
        let sent =
            self.context().send(&config.dead_letter_queue, outgoing, self.last_handled).await;
        self.reach(Point::AfterSend);
        sent.map_err(|error| error.to_string())
    }

    /// Hides the message for a while, longer at every receive.
    async fn put_back(self, failure: Failure, report: Report<'_>) {
        let backoff = &self.context().config.backoff;
        let delay = backoff.delay(failure.class, self.delivery.receive_count);
        let delay = delay.unwrap_or_else(|| backoff.transient.delay(self.delivery.receive_count));
        report.retried(&failure, delay);
        self.context().tally.retried.add(1);
        self.hide(delay).await;
    }

    /// Hands the message back as it is.
    async fn release(self, report: Report<'_>) {
        if !self.is_held() {
            return self.lost(report);
        }
        report.released();
        self.context().tally.released.add(1);
        let Delivery { message_id, body, attributes, receive_count, group, .. } = self.delivery;
        let group = group.as_deref();
        if self.context().renew(message_id, *receive_count, body, attributes, group).await {
            return self.delete().await;
        }
        self.hide(Duration::ZERO).await;
    }

    fn lost(self, report: Report<'_>) {
        self.place.held.retire();
        report.lost();
        self.context().tally.lost.add(1);
    }

    async fn delete(mut self) {
        self.reach(Point::BeforeDelete);
        self.place.held.retire();
        let last = self.place.settled();
        let deletes = &self.context().deletes;
        if let Some(next) = deletes.add(self.place.held.receipt.clone(), last) {
            let context = Arc::clone(&self.place.context);
            Box::pin(context.deletes.follow(next, self.place)).await;
        }
    }

    async fn hide(mut self, delay: Duration) {
        self.place.held.retire_and_settle().await;
        let last = self.place.settled();
        let change = (self.place.held.receipt.clone(), delay);
        if let Some(next) = self.context().releases.add(change, last) {
            let context = Arc::clone(&self.place.context);
            context.releases.follow(next, self.place).await;
        }
    }

    fn reach(&self, point: Point) {
        reach(&self.context().config.stage, point);
    }

    fn context(&self) -> &Context {
        &self.place.context
    }

    fn is_held(&self) -> bool {
        self.place.held.still_held()
    }
}
