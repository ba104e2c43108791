//! What all messages of a worker share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use millrace_queue::{Attributes, Outgoing, Queue, QueueError, Queues};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Span;

use crate::batcher::Batcher;
use crate::capacity::Capacity;
use crate::dead_letter::MESSAGE_ATTRIBUTE;
use crate::fair::Turns;
use crate::heartbeat::Holdings;
use crate::liveness::Liveness;
use crate::metrics::Metrics;
use crate::outage::Circuit;
use crate::requests::{Delete, Release, Send};
use crate::summary::Tally;
use crate::{FailureLog, Handler, Observer, WorkerConfig};

/// Requests of a kind that are made at the same time.
const REQUESTS: usize = 16;

/// Attributes that a message may have ("Amazon SQS message metadata" in the
/// Amazon SQS Developer Guide).
const MOST_ATTRIBUTES: usize = 10;

/// What all messages of a worker share.
pub(crate) struct Context {
    pub(crate) config: WorkerConfig,
    pub(crate) handler: Arc<dyn Handler>,
    pub(crate) failures: Arc<dyn FailureLog>,
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) deletes: Batcher<Delete>,
    pub(crate) releases: Batcher<Release>,
    pub(crate) holdings: Arc<Holdings>,
    pub(crate) capacity: Capacity,
    /// A turn per message that is being handled; closed when the worker stops.
    pub(crate) turns: Arc<Turns>,
    pub(crate) circuit: Circuit,
    /// Nothing is received or started from here on.
    pub(crate) stopping: CancellationToken,
    /// What still runs is given up.
    pub(crate) giving_up: CancellationToken,
    pub(crate) tasks: TaskTracker,
    pub(crate) tally: Tally,
    pub(crate) outside: Outside,
    pub(crate) span: Span,
    queues: Arc<dyn Queues>,
    senders: Mutex<HashMap<String, Arc<Batcher<Send>>>>,
}

/// Who is told how the worker does.
#[derive(Clone)]
pub(crate) struct Outside {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) liveness: Arc<Liveness>,
    pub(crate) observers: Vec<Arc<dyn Observer>>,
}

impl Context {
    pub(crate) fn new(
        config: WorkerConfig,
        queue: Arc<dyn Queue>,
        queues: Arc<dyn Queues>,
        handler: Arc<dyn Handler>,
        failures: Arc<dyn FailureLog>,
        outside: Outside,
    ) -> Self {
        let capacity = Capacity::new(config.concurrency, config.max_in_hand, config.prefetch)
            .most_bytes(config.max_bytes);
        Self {
            deletes: Batcher::new(
                Delete(Arc::clone(&queue), config.stage.clone()),
                config.linger * 5,
                REQUESTS,
            ),
            releases: Batcher::new(Release(Arc::clone(&queue)), config.linger, REQUESTS),
            holdings: Arc::default(),
            capacity,
            turns: Turns::new(config.concurrency),
            circuit: Circuit::new(),
            stopping: CancellationToken::new(),
            giving_up: CancellationToken::new(),
            tasks: TaskTracker::new(),
            tally: Tally::default(),
            outside,
            span: tracing::info_span!("worker", stage = %config.stage),
            senders: Mutex::default(),
            config,
            handler,
            failures,
            queue,
            queues,
        }
    }

    /// Sends messages to another queue; Ok when the queue has all of them. `last`
    /// says that no other message in hand is about to send.
    pub(crate) async fn send(
        &self,
        queue: &str,
        messages: Vec<Outgoing>,
        last: bool,
    ) -> Result<(), QueueError> {
        let sender = match self.sender(queue) {
            Some(sender) => sender,
            None => self.remember(queue, self.queues.queue(queue).await?),
        };
        sender.submit(messages, last).await
    }

    /// Sends a fresh copy of a message that is handed back after its last
    /// receive; whether there is one, so that the message is to be deleted. As it
    /// is, the queue would move it to the dead-letter queue at its next receive,
    /// although it has not failed.
    pub(crate) async fn renew(
        &self,
        message_id: &str,
        receive_count: u32,
        body: &str,
        attributes: &Attributes,
        group: Option<&str>,
    ) -> bool {
        if receive_count < self.config.max_receive_count {
            return false;
        }
        let mut copy = Outgoing { attributes: attributes.clone(), ..Outgoing::new(body) };
        // Whose copy it is: what the message did, the copy does not do again. SQS
        // takes ten attributes.
        if !attributes.contains_key(MESSAGE_ATTRIBUTE) && attributes.len() < MOST_ATTRIBUTES {
            copy = copy.attribute(MESSAGE_ATTRIBUTE, message_id);
        }
        let copy = copy.grouped(group.map(str::to_owned));
        match self.send(&self.config.queue, vec![copy], true).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, "a message is handed back although it was its last receive");
                false
            }
        }
    }

    fn sender(&self, queue: &str) -> Option<Arc<Batcher<Send>>> {
        self.senders.lock().unwrap_or_else(PoisonError::into_inner).get(queue).cloned()
    }

    fn remember(&self, name: &str, queue: Arc<dyn Queue>) -> Arc<Batcher<Send>> {
        let made = || Arc::new(Batcher::new(Send(queue), self.config.linger, REQUESTS));
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(senders.entry(name.to_owned()).or_insert_with(made))
    }
}
