//! Trying an idempotent, short operation again inside one attempt at a message:
//! a lookup, a conditional write, a commit whose answer got lost.

use std::future::Future;
use std::time::Duration;

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff as _;

use crate::Classify;

/// How often an operation is tried, and how far apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempts {
    /// Tries in all, the first included; at least one is made.
    pub max: u32,
    /// Mean pause after the first try; it doubles with every further one. The
    /// actual pause lies between nothing and twice the mean.
    pub first_pause: Duration,
    /// Mean pause at most.
    pub max_pause: Duration,
}

impl Default for Attempts {
    fn default() -> Self {
        Self { max: 4, first_pause: Duration::from_millis(100), max_pause: Duration::from_secs(2) }
    }
}

impl Attempts {
    /// `backoff` gives up 15 minutes after it was made unless told otherwise;
    /// here the number of tries is the only limit.
    fn pauses(&self) -> ExponentialBackoff {
        let mut pauses = ExponentialBackoff {
            initial_interval: self.first_pause,
            randomization_factor: 1.0,
            multiplier: 2.0,
            max_interval: self.max_pause,
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        };
        pauses.reset();
        pauses
    }
}

/// Runs `operation` until it succeeds, fails with a class that is not worth
/// another try, or `attempts` are used up. `sleep` is the pause, as in
/// `tokio::time::sleep`.
///
/// `operation` must be idempotent and short: the message's lease goes on
/// running.
///
/// # Errors
/// The error of the last try.
pub async fn retry<T, E, Operation, Running, Sleep, Sleeping>(
    attempts: Attempts,
    sleep: Sleep,
    mut operation: Operation,
) -> Result<T, E>
where
    E: Classify,
    Operation: FnMut() -> Running,
    Running: Future<Output = Result<T, E>>,
    Sleep: Fn(Duration) -> Sleeping,
    Sleeping: Future,
{
    let mut pauses = attempts.pauses();
    let mut tries = 1;
    loop {
        let error = match operation().await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        if tries >= attempts.max || !error.class().is_retryable() {
            return Err(error);
        }
        tries += 1;
        if let Some(pause) = pauses.next_backoff() {
            sleep(pause).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::future::ready;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::FailureClass;

    #[derive(Debug, PartialEq)]
    struct Failed(FailureClass);

    impl Classify for Failed {
        fn class(&self) -> FailureClass {
            self.0
        }
    }

    /// What `retry` returned, the number of tries it took, and its pauses.
    fn run(
        attempts: Attempts,
        outcomes: &[Result<(), FailureClass>],
    ) -> (Result<(), Failed>, usize, Vec<Duration>) {
        let tries = Cell::new(0);
        let slept = RefCell::new(Vec::new());
        let sleep = |pause| {
            slept.borrow_mut().push(pause);
            ready(())
        };
        let operation = || {
            let outcome = outcomes[tries.get().min(outcomes.len() - 1)];
            tries.set(tries.get() + 1);
            ready(outcome.map_err(Failed))
        };
        let mut running = pin!(retry(attempts, sleep, operation));
        let result = match running.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result,
            Poll::Pending => unreachable!("nothing here waits"),
        };
        (result, tries.get(), slept.take())
    }

    #[test]
    fn a_transient_failure_is_tried_again_until_it_passes() {
        let transient = Err(FailureClass::Transient);
        let (result, tries, pauses) = run(Attempts::default(), &[transient, transient, Ok(())]);
        assert_eq!((result, tries, pauses.len()), (Ok(()), 3, 2));
    }

    #[test]
    fn a_failure_that_is_not_retryable_is_never_tried_again() {
        for class in FailureClass::ALL.into_iter().filter(|class| !class.is_retryable()) {
            let (result, tries, pauses) = run(Attempts::default(), &[Err(class)]);
            assert_eq!((result, tries, pauses.len()), (Err(Failed(class)), 1, 0));
        }
    }

    #[test]
    fn attempts_end_and_the_last_error_comes_back() {
        let attempts = Attempts { max: 3, ..Attempts::default() };
        let (result, tries, pauses) = run(attempts, &[Err(FailureClass::Throttled)]);
        assert_eq!((result, tries), (Err(Failed(FailureClass::Throttled)), 3));
        assert_eq!(pauses.len(), 2);
    }

    #[test]
    fn pauses_stay_under_twice_the_longest_mean() {
        let attempts = Attempts { max: 200, ..Attempts::default() };
        let (_, _, pauses) = run(attempts, &[Err(FailureClass::Transient)]);
        let limit = attempts.max_pause * 2 + Duration::from_millis(1);
        assert!(pauses.iter().all(|&pause| pause <= limit), "{pauses:?}");
        assert!(pauses[0] <= attempts.first_pause * 2 + Duration::from_millis(1));
    }
}
