//! A message in hand: what is written of it, and who waits for it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::oneshot;

use crate::{Collected, Hold, NotCollected};

/// What is written of a message.
#[derive(Debug)]
pub(crate) struct Message {
    /// What it is known by in the ledger: `m:` and its names in the source, `d:`
    /// and a digest of what makes it the same as others.
    pub(crate) names: Vec<String>,
    /// One JSON object on one line.
    pub(crate) body: String,
    /// What is known of it, where the stream writes that.
    pub(crate) facts: Option<Facts>,
}

/// What is known of a message beside its body.
#[derive(Debug)]
pub(crate) struct Facts {
    /// Its name in the source.
    pub(crate) id: String,
    /// MD5 of the body as it was sent, in hexadecimal: what SQS answers a send by.
    pub(crate) checksum: String,
    /// What the sender grouped it by.
    pub(crate) key: Option<String>,
    /// Queue or topic.
    pub(crate) source: String,
    /// Part of the source.
    pub(crate) partition: Option<u32>,
    /// Attributes, as `name=value`.
    pub(crate) headers: Vec<String>,
    /// Bytes of the body as it was sent.
    pub(crate) size: usize,
    /// When it was sent.
    pub(crate) sent_at: Option<DateTime<Utc>>,
}

/// Bytes that an envelope takes beside what is in it, about.
const ENVELOPE: usize = 480;

impl Message {
    /// Bytes that it takes in its object before compression, about.
    pub(crate) fn size(&self) -> usize {
        let facts = self.facts.as_ref().map_or(0, |facts| {
            ENVELOPE + facts.headers.iter().map(|header| header.len() + 3).sum::<usize>()
        });
        self.body.len() + 1 + facts
    }
}

/// A message whose submitter waits.
pub(crate) struct Entry {
    pub(crate) message: Arc<Message>,
    pub(crate) hold: Arc<dyn Hold>,
    /// Whether it may have been delivered before.
    pub(crate) is_again: bool,
    pub(crate) answer: oneshot::Sender<Result<Collected, NotCollected>>,
}

impl Entry {
    /// Tells the submitter what came of it.
    pub(crate) fn answer(self, answer: Result<Collected, NotCollected>) {
        // A submitter that is gone does not want to know.
        let _gone = self.answer.send(answer);
    }

    /// Whether the submitter still waits and has the right to the message.
    pub(crate) fn is_held(&self) -> bool {
        !self.answer.is_closed() && self.hold.is_held()
    }
}
