//! How a worker behaves, with defaults, and what no worker can do.

use std::time::Duration;

use millrace_retry::Backoff;
use thiserror::Error;

/// How a worker behaves.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerConfig {
    /// Name of the stage, for logs and dead letters.
    pub stage: String,
    /// Queue to drain.
    pub queue: String,
    /// Queue that dead letters are sent to: `<queue>-dlq`.
    pub dead_letter_queue: String,
    /// Messages handled at the same time.
    pub concurrency: usize,
    /// Messages held at most, those being handled included. Messages beyond
    /// [`concurrency`](Self::concurrency) are taken only while handling is so
    /// quick that they start within [`prefetch`](Self::prefetch). Memory for
    /// message bodies is bounded by this many times 1 MiB.
    pub max_in_hand: usize,
    /// Bytes of the messages in hand from which on nothing is received. What polls
    /// in flight bring may be more.
    pub max_bytes: usize,
    /// How soon a message that waits for its turn must be expected to start for
    /// it to be received at all.
    pub prefetch: Duration,
    /// How long a message stays hidden from other workers without a heartbeat.
    pub visibility: Duration,
    /// How often visibility is extended while a message is held.
    pub heartbeat: Duration,
    /// Receives that a message gets, as in the queue's redrive policy.
    pub max_receive_count: u32,
    /// How long one poll waits for a message, at most 20 s. A worker that stops
    /// lets its poll end, so this is also how long stopping an idle one takes.
    pub wait: Duration,
    /// How long a send waits for others to share its request. A delete, which
    /// nobody waits for, waits five times as long.
    pub linger: Duration,
    /// How long running work may go on after the signal to stop.
    pub stop_timeout: Duration,
    /// How long a failed message stays away.
    pub backoff: Backoff,
}

impl WorkerConfig {
    /// The defaults for a stage's queue.
    pub fn new(stage: impl Into<String>, queue: impl Into<String>) -> Self {
        let queue = queue.into();
        Self {
            stage: stage.into(),
            dead_letter_queue: format!("{queue}-dlq"),
            queue,
            concurrency: 4,
            max_in_hand: 32,
            max_bytes: usize::MAX,
            prefetch: Duration::from_secs(1),
            visibility: Duration::from_secs(300),
            heartbeat: Duration::from_secs(100),
            max_receive_count: 5,
            wait: Duration::from_secs(20),
            linger: Duration::from_millis(20),
            stop_timeout: Duration::from_secs(25),
            backoff: Backoff::default(),
        }
    }

    /// Sets how many messages are handled at the same time, and how many are
    /// held: eight times as many, at least twenty.
    pub fn concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency;
        self.max_in_hand = concurrency.saturating_mul(8).max(20);
        self
    }

    /// Sets the visibility timeout, and the heartbeat to a third of it.
    pub fn visibility(mut self, visibility: Duration) -> Self {
        self.visibility = visibility;
        self.heartbeat = visibility / 3;
        self
    }

    /// Checks that the parts fit together.
    ///
    /// # Errors
    /// The first thing that does not.
    pub fn check(&self) -> Result<(), ConfigError> {
        let within = |name, value: Duration, low, high| {
            let fits = (Duration::from_secs(low)..=Duration::from_secs(high)).contains(&value);
            fits.then_some(()).ok_or(ConfigError::Duration { name, value, low, high })
        };
        within("visibility", self.visibility, 1, 43_200)?;
        within("wait", self.wait, 0, 20)?;
        if self.heartbeat.is_zero() || self.heartbeat * 2 > self.visibility {
            return Err(ConfigError::Heartbeat(self.heartbeat, self.visibility));
        }
        if self.concurrency == 0 {
            return Err(ConfigError::NoConcurrency);
        }
        if self.max_in_hand < self.concurrency {
            return Err(ConfigError::InHand(self.max_in_hand, self.concurrency));
        }
        if self.max_receive_count == 0 {
            return Err(ConfigError::NoReceives);
        }
        Ok(())
    }
}

/// Settings that do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// A duration that SQS does not take.
    #[error("`{name}` is {value:?}; set it to between {low} s and {high} s")]
    Duration {
        /// Name of the setting.
        name: &'static str,
        /// What it is.
        value: Duration,
        /// Seconds at least.
        low: u64,
        /// Seconds at most.
        high: u64,
    },
    /// One lost heartbeat would lose the lease.
    #[error("`heartbeat` is {0:?}; set it to half of `visibility` ({1:?}) or less")]
    Heartbeat(Duration, Duration),
    /// Nothing would ever be handled.
    #[error("`concurrency` is 0; set it to 1 or more")]
    NoConcurrency,
    /// Fewer messages than may be handled.
    #[error("`max_in_hand` is {0}; set it to `concurrency` ({1}) or more")]
    InHand(usize, usize),
    /// Every message would be dead.
    #[error("`max_receive_count` is 0; set it to 1 or more, as in the queue's redrive policy")]
    NoReceives,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_fit_together() {
        assert_eq!(WorkerConfig::new("s", "q").check(), Ok(()));
        let other = WorkerConfig::new("s", "q").concurrency(64).visibility(Duration::from_secs(1));
        assert_eq!(other.check(), Ok(()));
    }

    #[test]
    fn settings_that_lose_leases_are_refused() {
        let mut config = WorkerConfig::new("s", "q");
        config.heartbeat = config.visibility;
        let said = config.check().expect_err("too slow").to_string();
        assert!(said.starts_with("`heartbeat` is 300s"), "{said}");
        config = WorkerConfig::new("s", "q").visibility(Duration::from_secs(50_000));
        assert!(config.check().is_err());
        config = WorkerConfig::new("s", "q").concurrency(0);
        assert_eq!(config.check(), Err(ConfigError::NoConcurrency));
    }
}
