//! Whether a worker gets on: it polls, and lets go of what it holds. A worker that
//! waits for the end of an outage, or for its handlers, is well.

use std::sync::{Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use thiserror::Error;
use tokio::time::Instant;

use crate::context::Context;

/// How long a worker may take until it polls for the first time: it connects to
/// databases and brings their tables up to date.
const STARTING: Duration = Duration::from_secs(10 * 60);

/// How long there may be no answer to a poll, good or bad, while there is room
/// for messages. An answer takes 20 s at most, and a request that gets none ends
/// within its time-outs.
const SILENCE: Duration = Duration::from_secs(5 * 60);

/// How long a handler may go on after its message's lease has ended. It finds out
/// before it commits, so that this is far beyond any reason.
const OVERDUE: Duration = Duration::from_secs(15 * 60);

/// Whether a worker gets on.
#[derive(Debug)]
pub struct Liveness {
    started_at: Instant,
    polled_at: Mutex<Instant>,
    context: OnceLock<Weak<Context>>,
}

/// The worker doesn't get on; it is best started anew.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Stuck {
    /// It never began.
    #[error("the worker has not begun to poll for {} s", .0.as_secs())]
    Start(Duration),
    /// The poll loop stands still.
    #[error("no poll has ended for {} s, although there is room for messages", .0.as_secs())]
    Polling(Duration),
    /// A handler goes on and on.
    #[error("a message is still handled {} s after its lease ended", .0.as_secs())]
    Handling(Duration),
}

impl Default for Liveness {
    fn default() -> Self {
        let now = Instant::now();
        Self { started_at: now, polled_at: Mutex::new(now), context: OnceLock::new() }
    }
}

impl Liveness {
    /// Whether the worker gets on.
    ///
    /// # Errors
    /// [`Stuck`] if it does not.
    pub fn check(&self) -> Result<(), Stuck> {
        let Some(context) = self.context.get() else {
            let waited = self.started_at.elapsed();
            return if waited > STARTING { Err(Stuck::Start(waited)) } else { Ok(()) };
        };
        // A worker that is gone has ended, or is about to.
        let Some(context) = context.upgrade() else { return Ok(()) };
        if context.circuit.is_open() || context.stopping.is_cancelled() {
            self.polled();
            return Ok(());
        }
        if let Some(overdue) = context.holdings.most_overdue().filter(|late| *late > OVERDUE) {
            return Err(Stuck::Handling(overdue));
        }
        if context.capacity.is_full() {
            self.polled();
            return Ok(());
        }
        let silent = self.polled_at.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
        if silent > SILENCE { Err(Stuck::Polling(silent)) } else { Ok(()) }
    }

    /// The worker runs from here on.
    pub(crate) fn watch(&self, context: Weak<Context>) {
        self.polled();
        // One liveness belongs to one worker, which runs once.
        let _ = self.context.set(context);
    }

    /// A poll ended, or there is a reason for there being none.
    pub(crate) fn polled(&self) {
        *self.polled_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}
