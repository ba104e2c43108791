//! What became of a message, for whoever wants to know beside the log: metrics,
//! traces. Nobody here can hold a message up.

use std::time::Duration;

use millrace_retry::FailureClass;

use crate::{Counts, Delivery, Part, Subject};

/// How a message left the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ending {
    /// Handled and deleted.
    Done,
    /// Put back to be tried again.
    Retried,
    /// Recorded and sent to the dead-letter queue.
    DeadLettered,
    /// Handed back as it was, since the worker stopped.
    Released,
    /// Left alone, since its lease was lost.
    LeaseLost,
}

impl Ending {
    /// The name in logs, metrics and traces.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Retried => "retried",
            Self::DeadLettered => "dead_lettered",
            Self::Released => "released",
            Self::LeaseLost => "lease_lost",
        }
    }
}

/// A message that was settled.
#[derive(Debug, Clone, Copy)]
pub struct Settlement<'a> {
    /// The stage.
    pub stage: &'a str,
    /// The queue it came from.
    pub queue: &'a str,
    /// The receive it was.
    pub delivery: &'a Delivery,
    /// How it left.
    pub ending: Ending,
    /// What kind of failure it was, if it was one.
    pub class: Option<FailureClass>,
    /// What was done, in a word, or why it failed.
    pub note: &'a str,
    /// What it was about.
    pub subject: &'a Subject,
    /// What was done, in numbers.
    pub counts: Counts,
    /// How long handling it took.
    pub took: Duration,
    /// What took how long, settling included, in the order in which it ended.
    pub parts: &'a [Part],
}

/// Is told of every message when it is settled.
pub trait Observer: Send + Sync + 'static {
    /// A message was settled. Called in the way of the work: it must not wait.
    fn settled(&self, settlement: &Settlement<'_>);
}
