//! The circuit that an outage opens: no messages are received until a probe
//! says that the dependency answers again.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use millrace_retry::{Curve, FailureClass};
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::Instrument;

use crate::context::Context;
use crate::{Failure, Handler};

/// How long a probe may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(30);

/// Pauses before probes, which [`probe_pause`] spreads.
const PROBE_PAUSES: Curve = Curve::from_secs(1, 30);

/// Open while a dependency is down for everyone.
#[derive(Debug)]
pub(crate) struct Circuit {
    open: watch::Sender<bool>,
}

impl Circuit {
    pub(crate) fn new() -> Self {
        Self { open: watch::Sender::new(false) }
    }

    pub(crate) fn is_open(&self) -> bool {
        *self.open.borrow()
    }

    /// Returns when the circuit is closed: at once if it is.
    pub(crate) async fn closed(&self) {
        // The sender lives as long as `self`.
        drop(self.open.subscribe().wait_for(|open| !open).await);
    }

    /// Opens the circuit; whether it was closed before.
    fn trip(&self) -> bool {
        !self.open.send_replace(true)
    }

    fn reset(&self) {
        self.open.send_replace(false);
    }
}

/// Opens the circuit, and closes it when the probe succeeds. Does nothing if it
/// is open already: one probe and one line in the log for each outage.
pub(crate) fn pause(context: &Arc<Context>, failure: &Failure) {
    if context.circuit.trip() {
        context.outside.metrics.outage(true);
        tracing::error!(reason = %failure.message, "outage: no messages are received until it ends");
        context.failures.outage_began(&failure.message);
        let context = Arc::clone(context);
        let span = context.span.clone();
        tokio::spawn(
            async move {
                let stopping = context.stopping.clone();
                stopping.run_until_cancelled(probe(&context)).await;
            }
            .instrument(span),
        );
    }
}

async fn probe(context: &Context) {
    let started = Instant::now();
    let mut failed = 0_u32;
    loop {
        failed = failed.saturating_add(1);
        tokio::time::sleep(probe_pause(failed)).await;
        match attempt(context.handler.as_ref()).await {
            Ok(()) => break,
            Err(failure) => tracing::debug!(%failure, "the outage goes on"),
        }
    }
    tracing::info!(lasted_ms = millis(started.elapsed()), probes = failed, "the outage is over");
    context.outside.metrics.outage(false);
    context.outside.liveness.polled();
    context.circuit.reset();
    context.failures.outage_ended();
}

async fn attempt(handler: &dyn Handler) -> Result<(), Failure> {
    let probe = AssertUnwindSafe(handler.probe()).catch_unwind();
    match tokio::time::timeout(PROBE_TIMEOUT, probe).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(Failure::new(FailureClass::Outage, "the probe panicked")),
        Err(_) => Err(Failure::new(FailureClass::Outage, "the probe got no answer")),
    }
}

/// How long to wait before it is looked again whether an outage is over, after so many
/// looks in vain: about a second at first, at most a minute. Never nothing, and not the
/// same for all workers, so that they do not probe in step.
pub fn probe_pause(failed: u32) -> Duration {
    PROBE_PAUSES.ceiling(failed) + PROBE_PAUSES.delay(failed)
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
