//! Queues in memory that behave like SQS: messages come back when their
//! visibility timeout ends, receives are counted, and what was received too
//! often moves to the dead-letter queue.
//!
//! For tests: time is tokio's, so a test that pauses the clock decides it.

mod queue;
mod state;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

pub use self::queue::MemoryQueue;
use crate::{Queue, QueueError, QueueSpec, Queues};

/// A set of queues in memory. Clones share the queues.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    queues: Arc<Mutex<HashMap<String, Arc<MemoryQueue>>>>,
}

impl Memory {
    /// No queues.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates the queue, or changes the settings of an existing one.
    ///
    /// # Errors
    /// [Not found](QueueError::is_not_found) if the dead-letter queue does not exist.
    pub fn ensure_queue(&self, spec: &QueueSpec) -> Result<Arc<MemoryQueue>, QueueError> {
        let dead_letters = match &spec.redrive {
            Some(redrive) => Some(self.find(&redrive.dead_letter_queue)?),
            None => None,
        };
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let made = || Arc::new(MemoryQueue::new(&spec.name));
        let queue = Arc::clone(queues.entry(spec.name.clone()).or_insert_with(made));
        queue.configure(spec, dead_letters);
        Ok(queue)
    }

    fn find(&self, name: &str) -> Result<Arc<MemoryQueue>, QueueError> {
        let queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = || QueueError::not_found(name);
        queues.get(name).cloned().ok_or_else(missing)
    }
}

#[async_trait]
impl Queues for Memory {
    async fn queue(&self, name: &str) -> Result<Arc<dyn Queue>, QueueError> {
        Ok(self.find(name)?)
    }
}
