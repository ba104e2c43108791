//! One message from hand to verdict: it waits for its turn, is handled, and a
//! panic or the end of the worker does not get past here.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use millrace_failpoint::{Point, reach};
use millrace_retry::FailureClass;
use tokio::time::Instant;
use tracing::{Instrument, field};

use crate::context::Context;
use crate::part::collecting;
use crate::place::Place;
use crate::settle::settle;
use crate::{Delivery, Done, Failure, Lease, Outcome, fair, outage};

/// How often a message is tried again in place after outages, which are none of
/// its fault: it waits in hand for their end, so that they cost it no receive. One
/// that cries outage more often goes back to the queue.
const REPEATS: u32 = 3;

/// What is to become of a message.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "almost every message is done")]
pub(crate) enum Verdict {
    Done(Done),
    Failed(Failure),
    /// The handler gave no verdict.
    Abandoned,
    /// The worker stops: the message was not started, or not finished.
    Interrupted,
}

/// Sees one message through.
pub(crate) async fn attend(delivery: Delivery, place: Place) {
    let span = tracing::info_span!(
        parent: &place.context.span,
        "message",
        message_id = delivery.message_id,
        receive_count = delivery.receive_count,
        trace_id = delivery.trace_id,
        file_id = field::Empty,
    );
    collecting(async {
        let lease = Lease::of(Arc::clone(&place.held));
        let (verdict, took) = verdict(&place.context, &delivery, &lease).await;
        settle(&delivery, place, verdict, took).await;
    })
    .instrument(span)
    .await;
}

async fn verdict(
    context: &Arc<Context>,
    delivery: &Delivery,
    lease: &Lease,
) -> (Verdict, Duration) {
    let mut repeats = 0;
    let is_small = context.handler.is_small(delivery);
    loop {
        let Some(turn) = turn(context, delivery, is_small).await else {
            return (Verdict::Interrupted, Duration::ZERO);
        };
        if !lease.still_held() {
            return (Verdict::Abandoned, Duration::ZERO);
        }
        reach(&context.config.stage, Point::Received);
        let started = Instant::now();
        let verdict = handle(context, delivery, lease).await;
        drop(turn);
        let took = started.elapsed();
        match &verdict {
            // A failure says nothing about how long handling takes.
            Verdict::Done(_) => context.capacity.handled_in(took),
            Verdict::Failed(failure) if failure.class == FailureClass::Outage => {
                outage::pause(context, failure);
                if repeats < REPEATS {
                    repeats += 1;
                    continue;
                }
            }
            Verdict::Failed(failure) if failure.class == FailureClass::Throttled => {
                context.capacity.throttled();
            }
            Verdict::Failed(_) | Verdict::Abandoned | Verdict::Interrupted => {}
        }
        return (verdict, took);
    }
}

/// Leave to handle a message.
enum Turn {
    /// One of the worker's turns, free again when dropped.
    Taken { _turn: fair::Turn },
    /// A small message needs none.
    Free,
}

/// Waits for the end of an outage and, unless the message is small, a free turn;
/// none when the worker stops.
async fn turn(context: &Context, delivery: &Delivery, is_small: bool) -> Option<Turn> {
    let group = delivery.group.as_deref().unwrap_or_default();
    loop {
        if context.circuit.is_open() {
            tokio::select! {
                () = context.circuit.closed() => {}
                () = context.stopping.cancelled() => return None,
            }
        }
        let turn = match is_small {
            true if context.stopping.is_cancelled() => return None,
            true => Turn::Free,
            false => Turn::Taken { _turn: context.turns.acquire(group).await? },
        };
        if !context.circuit.is_open() {
            return Some(turn);
        }
    }
}

async fn handle(context: &Context, delivery: &Delivery, lease: &Lease) -> Verdict {
    let handling = AssertUnwindSafe(context.handler.handle(delivery, lease)).catch_unwind();
    tokio::select! {
        biased;
        ended = handling.instrument(tracing::debug_span!("handle")) => match ended {
            Ok(Outcome::Done(done)) => Verdict::Done(done),
            Ok(Outcome::Failed(failure)) => Verdict::Failed(failure),
            Ok(Outcome::Abandoned) => Verdict::Abandoned,
            Err(panic) => Verdict::Failed(panicked(panic.as_ref())),
        },
        () = context.giving_up.cancelled() => Verdict::Interrupted,
    }
}

fn panicked(panic: &(dyn Any + Send)) -> Failure {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no text");
    Failure::new(FailureClass::Poison, format!("the handler panicked: {text}"))
}
