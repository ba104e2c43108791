//! A worker from its start to its end.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use millrace_queue::{QueueError, Queues};
use thiserror::Error;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::Instrument;

use crate::context::{Context, Outside};
use crate::heartbeat::{Pulse, beat};
use crate::liveness::Liveness;
use crate::metrics::Metrics;
use crate::poll::Poller;
use crate::protection::guard;
use crate::{
    ConfigError, DeadLetterQueue, FailureLog, Handler, Observer, Summary, TaskProtection,
    WorkerConfig, adoption,
};

/// How long messages that were given up may take to be handed back. With the
/// stop timeout it stays under the 30 s that ECS waits before it kills.
const HAND_BACK: Duration = Duration::from_secs(4);

/// Drains one queue with one handler.
pub struct Worker {
    config: WorkerConfig,
    queues: Arc<dyn Queues>,
    handler: Arc<dyn Handler>,
    failures: Arc<dyn FailureLog>,
    outside: Outside,
    protection: Option<Arc<dyn TaskProtection>>,
}

/// Why a worker could not start, or could not go on.
#[derive(Debug, Error)]
pub enum WorkerError {
    /// Its settings do not fit together.
    #[error("the worker's settings do not fit together: {0}")]
    Config(#[from] ConfigError),
    /// A queue is missing, or may not be read.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl Worker {
    /// A worker that is not running yet.
    pub fn new(
        config: WorkerConfig,
        queues: Arc<dyn Queues>,
        handler: Arc<dyn Handler>,
        failures: Arc<dyn FailureLog>,
    ) -> Self {
        let metrics = Arc::new(Metrics::new(&config.stage));
        let observers = vec![Arc::clone(&metrics) as Arc<dyn Observer>];
        let outside = Outside { metrics, liveness: Arc::default(), observers };
        Self { config, queues, handler, failures, outside, protection: None }
    }

    /// Tells `observer` of every message that is settled.
    pub fn observed_by(mut self, observer: Arc<dyn Observer>) -> Self {
        self.outside.observers.push(observer);
        self
    }

    /// Has the task that the worker runs in protected from being scaled in while
    /// there is long work.
    pub fn protected_by(mut self, protection: Arc<dyn TaskProtection>) -> Self {
        self.protection = Some(protection);
        self
    }

    /// What it does, in numbers.
    pub fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.outside.metrics)
    }

    /// Whether it gets on.
    pub fn liveness(&self) -> Arc<Liveness> {
        Arc::clone(&self.outside.liveness)
    }

    /// Drains the queue until `shutdown` resolves; then stops receiving at
    /// once, hands back what was not started, gives what runs until the stop
    /// timeout, and hands back the rest.
    ///
    /// # Errors
    /// [`WorkerError`] if the settings do not fit together, a queue is missing,
    /// or the queue refuses to be read. What runs is finished first.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<Summary, WorkerError> {
        self.config.check()?;
        let (queue, dead_letters) = tokio::try_join!(
            self.queues.queue(&self.config.queue),
            self.queues.queue(&self.config.dead_letter_queue),
        )?;
        let dead_letters = DeadLetterQueue {
            queue: dead_letters,
            stage: self.config.stage.clone(),
            source: self.config.queue.clone(),
            max_receive_count: self.config.max_receive_count,
            failures: Arc::clone(&self.failures),
        };
        let (outside, protection) = (self.outside, self.protection);
        let context =
            Context::new(self.config, queue, self.queues, self.handler, self.failures, outside);
        let span = context.span.clone();
        let looking = adoption::look_after(dead_letters, context.stopping.clone());
        context.tasks.spawn(looking.instrument(span.clone()));
        drain(Arc::new(context), protection, shutdown).instrument(span).await
    }
}

async fn drain(
    context: Arc<Context>,
    protection: Option<Arc<dyn TaskProtection>>,
    shutdown: impl Future<Output = ()>,
) -> Result<Summary, WorkerError> {
    context.outside.liveness.watch(Arc::downgrade(&context));
    let guard = guard(Arc::clone(&context), protection);
    let pulse = Pulse::new(context.config.visibility, context.config.heartbeat);
    let heartbeat = beat(Arc::clone(&context.queue), Arc::clone(&context.holdings), pulse);
    let work = async {
        let mut poller = Poller::new(Arc::clone(&context));
        let refused = tokio::select! {
            biased;
            () = shutdown => None,
            error = poller.run() => Some(error),
        };
        stop(&context, &mut poller).await;
        refused
    };
    let refused = tokio::select! {
        refused = work => refused,
        () = heartbeat => None,
        () = guard => None,
    };
    match refused {
        Some(error) => Err(error.into()),
        None => Ok(context.tally.summary()),
    }
}

async fn stop(context: &Context, poller: &mut Poller) {
    let deadline = Instant::now() + context.config.stop_timeout;
    context.stopping.cancel();
    context.handler.stopping();
    context.turns.close();
    context.tasks.close();
    tokio::join!(poller.drain(deadline), finish(context, deadline));
}

/// Waits for what runs, and gives it up at the deadline.
async fn finish(context: &Context, deadline: Instant) {
    let mut finished = pin!(context.tasks.wait());
    if timeout_at(deadline, finished.as_mut()).await.is_ok() {
        return;
    }
    context.giving_up.cancel();
    if timeout(HAND_BACK, finished).await.is_err() {
        tracing::warn!(messages = context.tasks.len(), "not all messages were handed back");
    }
}
