//! How a queue is set up.

use std::time::Duration;

/// How a queue is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueSpec {
    /// Name: up to 80 letters, digits, `-` and `_`.
    pub name: String,
    /// Visibility timeout where a receive does not say, at most 12 h.
    pub visibility: Duration,
    /// How long messages are kept, 1 min to 14 days.
    pub retention: Duration,
    /// Largest message in bytes, at most 1 MiB.
    pub max_message_size: u32,
    /// Where messages go that were received too often.
    pub redrive: Option<Redrive>,
}

/// When a message is moved to a dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redrive {
    /// Name of the dead-letter queue, which must exist.
    pub dead_letter_queue: String,
    /// Receives that a message gets before it is moved, 1 to 1000.
    pub max_receive_count: u32,
}

impl QueueSpec {
    /// A queue with SQS's longest retention, 30 s visibility and no redrive.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            visibility: Duration::from_secs(30),
            retention: Duration::from_secs(14 * 24 * 60 * 60),
            max_message_size: 1024 * 1024,
            redrive: None,
        }
    }

    /// Sets the visibility timeout.
    pub fn visibility(mut self, visibility: Duration) -> Self {
        self.visibility = visibility;
        self
    }

    /// Moves messages to `dead_letter_queue` after `max_receive_count` receives.
    pub fn redrive(mut self, dead_letter_queue: &str, max_receive_count: u32) -> Self {
        let dead_letter_queue = dead_letter_queue.to_owned();
        self.redrive = Some(Redrive { dead_letter_queue, max_receive_count });
        self
    }
}
