//! What time it is for every service here, and how to wait for a time.
//!
//! Normally it is the system's time. A test, or whoever wants to see a schedule
//! fire, can set it forward or stop it and move it by hand.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

/// Milliseconds since the Unix epoch.
pub(crate) type Millis = u64;

/// The one source of time of an endpoint: visibility timeouts, delays,
/// retention, schedules and the dates in answers all follow it. Clones share
/// it.
///
/// Time never goes back. What waits for a time wakes as soon as the clock is
/// moved past it.
#[derive(Debug, Clone)]
pub struct Clock(Arc<watch::Sender<Setting>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Setting {
    /// The system's time and this many milliseconds.
    Ahead(Millis),
    /// This time, until somebody moves it.
    Stopped(Millis),
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl Clock {
    /// The system's time.
    pub fn system() -> Self {
        Self(Arc::new(watch::Sender::new(Setting::Ahead(0))))
    }

    /// A clock that stands at `at` until it is moved.
    pub fn stopped(at: SystemTime) -> Self {
        Self(Arc::new(watch::Sender::new(Setting::Stopped(since_epoch(at)))))
    }

    /// Now.
    pub fn time(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.now())
    }

    /// Whether it stands still.
    pub fn is_stopped(&self) -> bool {
        matches!(*self.0.borrow(), Setting::Stopped(_))
    }

    /// Moves it forward.
    pub fn advance(&self, by: Duration) {
        let by = Millis::try_from(by.as_millis()).unwrap_or(Millis::MAX);
        self.0.send_modify(|setting| match setting {
            Setting::Ahead(ahead) => *ahead = ahead.saturating_add(by),
            Setting::Stopped(at) => *at = at.saturating_add(by),
        });
    }

    /// Stops it at the time it shows.
    pub fn stop(&self) {
        self.0.send_modify(|setting| *setting = Setting::Stopped(setting.now()));
    }

    /// Lets it run on from the time it shows.
    pub fn resume(&self) {
        self.0.send_modify(|setting| {
            let ahead = setting.now().saturating_sub(since_epoch(SystemTime::now()));
            *setting = Setting::Ahead(ahead);
        });
    }

    /// Now.
    pub(crate) fn now(&self) -> Millis {
        self.0.borrow().now()
    }

    /// Waits until it is `at` or later.
    pub(crate) async fn wait_until(&self, at: Millis) {
        let mut moved = self.0.subscribe();
        loop {
            let setting = *moved.borrow_and_update();
            let now = setting.now();
            if now >= at {
                return;
            }
            // The sender lives as long as this clock.
            let moves = async { drop(moved.changed().await) };
            match setting {
                Setting::Stopped(_) => moves.await,
                Setting::Ahead(_) => {
                    let rest = Duration::from_millis(at - now);
                    let _moved_first = tokio::time::timeout(rest, moves).await;
                }
            }
        }
    }

    /// Waits for some time to pass.
    pub(crate) async fn wait(&self, duration: Duration) {
        let duration = Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX);
        self.wait_until(self.now().saturating_add(duration)).await;
    }
}

impl Setting {
    fn now(self) -> Millis {
        match self {
            Self::Ahead(ahead) => since_epoch(SystemTime::now()).saturating_add(ahead),
            Self::Stopped(at) => at,
        }
    }
}

fn since_epoch(time: SystemTime) -> Millis {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn a_stopped_clock_wakes_who_waits_when_it_is_moved() {
        let clock = Clock::stopped(UNIX_EPOCH + HOUR);
        let wait = tokio::spawn({
            let clock = clock.clone();
            async move { clock.wait(HOUR).await }
        });
        tokio::task::yield_now().await;
        clock.advance(HOUR / 2);
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!wait.is_finished());
        clock.advance(HOUR / 2);
        tokio::time::timeout(Duration::from_secs(5), wait).await.expect("it woke").expect("ended");
        assert_eq!(clock.time(), UNIX_EPOCH + 3 * HOUR - HOUR);
    }

    #[tokio::test]
    async fn a_clock_can_be_set_forward_stopped_and_resumed() {
        let clock = Clock::system();
        let before = clock.time();
        clock.advance(HOUR);
        assert!(clock.time() >= before + HOUR);
        clock.stop();
        let stopped = clock.time();
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert_eq!(clock.time(), stopped);
        clock.resume();
        assert!(!clock.is_stopped());
        assert!(clock.time() >= stopped);
    }
}
