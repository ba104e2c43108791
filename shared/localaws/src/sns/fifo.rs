//! Order and deduplication of FIFO topics.

use std::collections::HashMap;

use s3s::crypto::{Checksum as _, Sha256};

use crate::clock::Millis;
use crate::hex::hex;

use super::publication::Publication;
use super::state::Topic;

/// How long a deduplication id is known: five minutes.
const KNOWN_FOR: Millis = 300_000;

/// What a publisher is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Published {
    /// Message id.
    pub(super) id: String,
    /// Sequence number, of FIFO topics.
    pub(super) sequence: Option<String>,
}

/// What was published to FIFO topics of late. It is forgotten when the
/// endpoint stops; FIFO queues know deduplication ids themselves.
#[derive(Debug, Default)]
pub(super) struct Fifo {
    last_sequence: u64,
    /// By topic and deduplication id: when it was published and what was said.
    known: HashMap<(String, String), (Millis, Published)>,
}

impl Fifo {
    /// What was said of a message with this id in the last five minutes.
    pub(super) fn duplicate(&mut self, topic: &str, id: &str, now: Millis) -> Option<Published> {
        self.known.retain(|_, (at, _)| *at + KNOWN_FOR > now);
        let key = (topic.to_owned(), id.to_owned());
        self.known.get(&key).map(|(_, published)| published.clone())
    }

    /// The id and the sequence number of the next message; numbers ascend, also
    /// over a restart.
    pub(super) fn next(&mut self, now: Millis) -> Published {
        self.last_sequence = (self.last_sequence + 1).max(now.saturating_mul(1_000_000));
        Published {
            id: crate::answer::random_id().to_string(),
            sequence: Some(format!("{:020}", self.last_sequence)),
        }
    }

    /// Remembers what was published.
    pub(super) fn remember(&mut self, topic: &str, id: String, now: Millis, published: Published) {
        self.known.insert((topic.to_owned(), id), (now, published));
    }
}

impl Topic {
    /// The publication with a deduplication id: its own, or the digest of its
    /// message.
    pub(super) fn with_deduplication_id(&self, publication: Publication) -> Publication {
        let id = publication.deduplication_id.clone();
        let id = id.unwrap_or_else(|| sha256_hex(publication.message.as_bytes()));
        Publication { deduplication_id: Some(id), ..publication }
    }
}

/// SHA-256 in hexadecimal digits.
fn sha256_hex(bytes: &[u8]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(bytes);
    hex(&hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_known_for_five_minutes_in_its_topic() {
        let mut fifo = Fifo::default();
        let first = fifo.next(1_000);
        fifo.remember("t", "a".into(), 1_000, first.clone());
        assert_eq!(fifo.duplicate("t", "a", 300_999), Some(first.clone()));
        assert_eq!(fifo.duplicate("other", "a", 300_999), None);
        assert_eq!(fifo.duplicate("t", "a", 301_000), None);
        assert!(fifo.next(1_000).sequence > first.sequence);
    }
}
