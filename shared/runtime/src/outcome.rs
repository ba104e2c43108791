//! What a handler can say. `settle` alone turns it into queue calls.

use std::borrow::Cow;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use millrace_contract::ObjectVersion;
use millrace_queue::Attributes;
use millrace_retry::{Classify, FailureClass};

/// The longest that SQS keeps a message back.
const LONGEST_DELAY: Duration = Duration::from_secs(15 * 60);

/// What became of a message.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "almost every message is done")]
pub enum Outcome {
    /// Its effects are committed.
    Done(Done),
    /// They are not, for this reason.
    Failed(Failure),
    /// The handler gave up without a verdict, since the lease was lost or the
    /// worker stops: nothing is said about the message, except that it is handed
    /// back if it is still held. Giving up for no such reason is a passing
    /// failure.
    Abandoned,
}

impl From<Result<Done, Failure>> for Outcome {
    fn from(result: Result<Done, Failure>) -> Self {
        match result {
            Ok(done) => Self::Done(done),
            Err(failure) => Self::Failed(failure),
        }
    }
}

/// What a message is about, as far as the handler found out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// Dataset name.
    pub dataset: Option<String>,
    /// The object that was read.
    pub object: Option<ObjectVersion>,
    /// The file's identity under its contract.
    pub file_id: Option<String>,
}

/// What was done, in numbers, for the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows read from the source.
    pub rows_read: Option<u64>,
    /// Rows written or loaded.
    pub rows_loaded: Option<u64>,
    /// Rows rejected.
    pub rows_rejected: Option<u64>,
    /// Bytes read from the source.
    pub bytes: Option<u64>,
}

/// The message was handled; its effects are committed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Done {
    /// What was done, in a word: `loaded`, `unchanged`, `ignored`, …
    pub note: Cow<'static, str>,
    /// What the next stages are told, before the message is deleted.
    pub forward: Vec<Forward>,
    /// What the message was about.
    pub subject: Subject,
    /// What was done, in numbers.
    pub counts: Counts,
}

impl Done {
    /// Done, with nothing to send on.
    pub fn new(note: impl Into<Cow<'static, str>>) -> Self {
        Self { note: note.into(), ..Self::default() }
    }

    /// Sends `forward` on.
    pub fn forward(mut self, forward: Forward) -> Self {
        self.forward.push(forward);
        self
    }

    /// Says what the message was about.
    pub fn about(mut self, subject: Subject) -> Self {
        self.subject = subject;
        self
    }

    /// Says how much was done.
    pub fn counts(mut self, counts: Counts) -> Self {
        self.counts = counts;
        self
    }
}

/// A message for another stage. It carries the trace id of the message it came
/// from, unless it has one of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forward {
    /// Name of the queue.
    pub queue: String,
    /// Body.
    pub body: String,
    /// Message attributes.
    pub attributes: Attributes,
    /// Whose message it is; see [`Outgoing::group`](millrace_queue::Outgoing::group).
    pub group: Option<String>,
    /// How long nobody gets it, at most 15 min.
    pub delay: Duration,
}

impl Forward {
    /// A message without attributes.
    pub fn new(queue: impl Into<String>, body: impl Into<String>) -> Self {
        let (queue, body) = (queue.into(), body.into());
        Self { queue, body, attributes: Attributes::new(), group: None, delay: Duration::ZERO }
    }

    /// Says whose message it is: the dataset, so that a flood of one's files does
    /// not hold up the others'.
    pub fn of(mut self, dataset: impl Into<String>) -> Self {
        self.group = Some(dataset.into());
        self
    }

    /// Keeps it from everybody for a while, at most 15 min ("Amazon SQS delay
    /// queues").
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay.min(LONGEST_DELAY);
        self
    }
}

/// Why a message was not handled: a [`Reason`] in a box, so that results stay
/// small.
///
/// Any error that says its class turns into one by `?`; an error that does not
/// say its class can't.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure(Box<Reason>);

/// What is known about a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// What kind of failure it is, and with that what becomes of the message.
    pub class: FailureClass,
    /// What is wrong and what to do, for a person.
    pub message: String,
    /// What the message was about.
    pub subject: Subject,
    /// Where the rejected rows are (`s3://…`), if there are any.
    pub rejects: Option<String>,
}

impl Failure {
    /// A failure that says what is wrong.
    pub fn new(class: FailureClass, message: impl Into<String>) -> Self {
        let (message, subject) = (message.into(), Subject::default());
        Self(Box::new(Reason { class, message, subject, rejects: None }))
    }

    /// Says what the message was about.
    pub fn about(mut self, subject: Subject) -> Self {
        self.subject = subject;
        self
    }

    /// Says where the rejected rows are.
    pub fn rejects(mut self, url: impl Into<String>) -> Self {
        self.rejects = Some(url.into());
        self
    }

    /// What is known about it.
    pub fn into_reason(self) -> Reason {
        *self.0
    }
}

impl Deref for Failure {
    type Target = Reason;

    fn deref(&self) -> &Reason {
        &self.0
    }
}

impl DerefMut for Failure {
    fn deref_mut(&mut self) -> &mut Reason {
        &mut self.0
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.class, self.message)
    }
}

impl<E: Classify + std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(error.class(), error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use millrace_queue::QueueError;

    use super::*;

    #[test]
    fn a_classified_error_becomes_a_failure_of_its_class() {
        let handle = || -> Result<Done, Failure> {
            Err(QueueError::not_found("q"))?;
            Ok(Done::new("loaded"))
        };
        let Outcome::Failed(failure) = handle().into() else { panic!("failed") };
        assert_eq!(failure.class, FailureClass::Missing);
        assert!(failure.message.contains("`q`"), "{failure}");
    }
}
