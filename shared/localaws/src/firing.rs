//! Things that fire by the clock: waits for the next of them, and fires it.

use std::io;
use std::pin::pin;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tracing::error;

use crate::clock::{Clock, Millis};

/// What fires, and when.
#[async_trait]
pub(crate) trait Timetable: Send + Sync {
    /// The next firing of each thing; it may lie in the past.
    fn upcoming(&self) -> Vec<(String, Millis)>;

    /// Fires a thing and remembers that it has.
    ///
    /// # Errors
    /// If what it sends, or that it was sent, can't be stored.
    async fn fire(&self, name: &str, at: Millis) -> io::Result<()>;
}

/// Fires what is due, for ever. `changed` tells that the timetable is another.
pub(crate) async fn run(timetable: &impl Timetable, clock: &Clock, changed: &Notify) {
    loop {
        let mut notified = pin!(changed.notified());
        notified.as_mut().enable();
        let mut upcoming = timetable.upcoming();
        upcoming.sort_unstable_by_key(|(_, at)| *at);
        let now = clock.now();
        match upcoming.first() {
            None => notified.await,
            Some((_, at)) if *at > now => tokio::select! {
                () = clock.wait_until(*at) => {}
                () = notified => {}
            },
            Some(_) => {
                for (name, at) in upcoming.iter().take_while(|(_, at)| *at <= now) {
                    fire(timetable, name, *at).await;
                }
            }
        }
    }
}

async fn fire(timetable: &impl Timetable, name: &str, at: Millis) {
    if let Err(error) = timetable.fire(name, at).await {
        error!(name, %error, "a schedule could not fire; it is tried again");
        // The disk may need a moment.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Of firings that were missed the last, if it is not older than `age`. What
/// fires next after a time is told by `next`.
pub(crate) fn last_missed(
    since: Millis,
    now: Millis,
    age: Millis,
    next: impl Fn(Millis) -> Option<Millis>,
) -> Option<Millis> {
    let since = since.max(now.saturating_sub(age));
    std::iter::successors(next(since), |at| next(*at)).take_while(|at| *at <= now).last()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_missed_firing_counts_and_only_if_it_is_young() {
        let every_ten = |after: Millis| Some(after / 10 * 10 + 10);
        assert_eq!(last_missed(5, 47, 1000, every_ten), Some(40));
        assert_eq!(last_missed(40, 47, 1000, every_ten), None);
        assert_eq!(last_missed(5, 47, 5, every_ten), None);
    }
}
