//! The port for sources: what is collected, and the right to it.
//!
//! An adapter reads records from its source, hands each to
//! [`Collector::collect`](crate::Collector::collect), many at a time, and
//! acknowledges a record when that answers that it was collected, now or before.
//! What it needs of a source is a name for each record that stays the same when it
//! is delivered again, and a way to know that a record is still this reader's:
//!
//! | source | name | hold | acknowledged by |
//! |---|---|---|---|
//! | SQS | message id | lease on the message | delete |
//! | Kinesis | `stream/shard/sequence number` | lease on the shard | checkpoint behind the last record before which none is open |
//! | Kafka | `topic/partition/offset` | generation of the group's assignment | commit of the offset before which none is open |

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use millrace_runtime::Lease;

/// A message, from whatever source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// What it is known by, the same whenever it is delivered; its own first, and
    /// that of what it is a copy of behind it.
    pub names: Vec<String>,
    /// One JSON object.
    pub body: String,
    /// The stream it is for, if it says so.
    pub stream: Option<String>,
    /// Queue or topic it came from.
    pub source: String,
    /// Part of the source, where that has parts.
    pub partition: Option<u32>,
    /// What the sender grouped it by.
    pub key: Option<String>,
    /// Attributes or headers, by name.
    pub headers: BTreeMap<String, String>,
    /// When it was sent.
    pub sent_at: Option<DateTime<Utc>>,
    /// Whether it may have been delivered before.
    pub is_again: bool,
}

/// The right to a record. It is asked right before the record is committed.
pub trait Hold: Send + Sync + 'static {
    /// Whether no other reader can have the record by now.
    fn is_held(&self) -> bool;
}

impl Hold for Lease {
    fn is_held(&self) -> bool {
        self.still_held()
    }
}
