//! How an attempt ends without a result: with a verdict, or without one since the
//! work may be another worker's by now.

use std::error::Error;
use std::fmt;

use millrace_retry::{Classify, FailureClass};

use crate::{Failure, LeaseLost, Outcome, Subject};

/// How an attempt ended without a result.
///
/// Any error that says its class turns into a verdict by `?`, and a [`LeaseLost`] into
/// none; an error that does not say its class turns into neither.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failed {
    /// Another worker may be at it: nothing is said.
    Lost,
    /// A failure, classified.
    Verdict(Failure),
}

impl Failed {
    /// What the pipeline file or the message does not allow, or no attempt would do
    /// better at.
    pub fn contract(problem: impl fmt::Display) -> Self {
        Self::Verdict(Failure::new(FailureClass::Contract, problem.to_string()))
    }

    /// Says what the message was about.
    pub fn about(self, subject: Subject) -> Self {
        match self {
            Self::Lost => Self::Lost,
            Self::Verdict(failure) => Self::Verdict(failure.about(subject)),
        }
    }
}

impl From<LeaseLost> for Failed {
    fn from(_: LeaseLost) -> Self {
        Self::Lost
    }
}

impl<E: Classify + Error> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::Verdict(error.into())
    }
}

impl From<Failed> for Outcome {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Lost => Self::Abandoned,
            Failed::Verdict(failure) => Self::Failed(failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use millrace_queue::QueueError;

    use super::*;
    use crate::Lease;

    #[test]
    fn a_classified_error_is_a_verdict_on_what_the_message_was_about() {
        let attempt = || -> Result<(), Failed> {
            Err(QueueError::not_found("q"))?;
            Ok(())
        };
        let subject = Subject { dataset: Some("expenses".into()), ..Subject::default() };
        let failed = attempt().expect_err("there is no queue");
        let Outcome::Failed(failure) = failed.about(subject.clone()).into() else {
            panic!("a verdict")
        };
        assert_eq!((failure.class, &failure.subject), (FailureClass::Missing, &subject));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_said_of_a_message_whose_lease_is_lost() {
        let lease = Lease::lasting(Duration::ZERO);
        let attempt = || -> Result<(), Failed> { Ok(lease.check()?) };
        let failed = attempt().expect_err("it is lost");
        assert_eq!(Outcome::from(failed.about(Subject::default())), Outcome::Abandoned);
    }
}
