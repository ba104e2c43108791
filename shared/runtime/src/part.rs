//! The parts of the work on a message, for traces: what took how long. Whoever does
//! the work says so where it is done; nobody has to hand anything on.

use std::cell::RefCell;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

tokio::task_local! {
    static PARTS: RefCell<Vec<Part>>;
}

/// A part of the work that was done on a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// What was done, in a word: `transform`, `record`, `send` …
    pub name: &'static str,
    /// When it began.
    pub began: SystemTime,
    /// How long it took.
    pub took: Duration,
}

/// Does a part of the work on the message in hand. What is given up midway is no
/// part; outside of a message this is the work and nothing more.
pub async fn part<F: Future>(name: &'static str, work: F) -> F::Output {
    let (began, clock) = (SystemTime::now(), Instant::now());
    let output = work.await;
    let done = Part { name, began, took: clock.elapsed() };
    // Outside of a message nobody wants to know.
    let _unwanted = PARTS.try_with(|parts| parts.borrow_mut().push(done));
    output
}

/// Sees a message through, with its parts.
pub(crate) async fn collecting<F: Future>(work: F) -> F::Output {
    PARTS.scope(RefCell::default(), work).await
}

/// The parts so far of the message in hand.
pub(crate) fn taken() -> Vec<Part> {
    PARTS.try_with(RefCell::take).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn parts_are_those_of_the_message_in_hand() {
        let message = |name, seconds| {
            collecting(async move {
                part(name, tokio::time::sleep(Duration::from_secs(seconds))).await;
                part("record", async {}).await;
                taken()
            })
        };
        let (one, other) = tokio::join!(message("read", 3), message("load", 2));
        for (parts, name, seconds) in [(one, "read", 3), (other, "load", 2)] {
            assert_eq!(parts.iter().map(|part| part.name).collect::<Vec<_>>(), [name, "record"]);
            assert_eq!(parts[0].took.as_secs(), seconds);
        }
        assert_eq!(part("alone", async { 7 }).await, 7);
        assert!(taken().is_empty());
    }
}
