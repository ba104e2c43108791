//! Protects the task that a worker runs in from being stopped when its service is
//! scaled in, while it is at work that a stop would interrupt.
//!
//! A worker that is told to stop finishes what it does within its stop timeout, so
//! short work needs no protection, and a worker that is busy with short work can
//! be scaled in at once. Work that has gone on for a while gets it, and keeps it
//! until there has been none for a while, so that it is not set and taken back
//! for every message.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use thiserror::Error;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::context::Context;

/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// A message that has been in hand for this long is long work: short of the stop
/// timeout, so that what is younger has time left to end by itself.
const LONG: Duration = Duration::from_secs(2);

/// How long there must have been no long work until protection is dropped.
const IDLE: Duration = Duration::from_secs(10);

/// How long protection lasts by itself: a worker that hangs is not kept for good.
const LASTING: Duration = Duration::from_secs(30 * 60);

/// When it is renewed.
const RENEWED_AFTER: Duration = Duration::from_secs(10 * 60);

/// Pause after it could not be set.
const PAUSE: Duration = Duration::from_secs(60);

/// Who can protect the task.
#[async_trait]
pub trait TaskProtection: Send + Sync + 'static {
    /// Protects the task for `lasting`; or, with none, no longer.
    ///
    /// # Errors
    /// [`ProtectionError`] if it is not so.
    async fn protect(&self, lasting: Option<Duration>) -> Result<(), ProtectionError>;
}

/// The task is not protected, or still is.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct ProtectionError(String);

impl ProtectionError {
    /// Says why.
    pub fn new(reason: impl ToString) -> Self {
        Self(reason.to_string())
    }
}

/// Protects the task whenever there is long work, until it is dropped.
pub(crate) async fn guard(context: Arc<Context>, protection: Option<Arc<dyn TaskProtection>>) {
    let Some(protection) = protection else { return std::future::pending().await };
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut guard = Guard::default();
    loop {
        looks.tick().await;
        let longest = context.holdings.longest_held();
        guard.look(longest, |lasting| protection.protect(lasting)).await;
    }
}

/// What is known of the protection.
#[derive(Debug, Default)]
struct Guard {
    /// When it was set last; none if it is not.
    set_at: Option<Instant>,
    /// When there was long work last.
    worked_at: Option<Instant>,
    /// Nothing is tried before.
    quiet_until: Option<Instant>,
    has_complained: bool,
}

impl Guard {
    async fn look<F>(
        &mut self,
        longest: Option<Duration>,
        protect: impl FnOnce(Option<Duration>) -> F,
    ) where
        F: Future<Output = Result<(), ProtectionError>>,
    {
        let now = Instant::now();
        if longest.is_some_and(|held| held >= LONG) {
            self.worked_at = Some(now);
        }
        let Some(lasting) = self.wanted(now) else { return };
        if self.quiet_until.is_some_and(|moment| now < moment) {
            return;
        }
        match protect(lasting).await {
            Ok(()) => {
                self.set_at = lasting.map(|_| now);
                self.quiet_until = None;
            }
            Err(error) => {
                self.quiet_until = Some(now + PAUSE);
                self.complain(&error);
            }
        }
    }

    /// What is to be set now, if anything: `Some(None)` is no protection.
    fn wanted(&self, now: Instant) -> Option<Option<Duration>> {
        let since = |moment: Instant| now.saturating_duration_since(moment);
        let is_working = self.worked_at.is_some_and(|moment| since(moment) < IDLE);
        match (is_working, self.set_at) {
            (true, None) => Some(Some(LASTING)),
            (true, Some(set_at)) if since(set_at) >= RENEWED_AFTER => Some(Some(LASTING)),
            (false, Some(_)) => Some(None),
            (true, Some(_)) | (false, None) => None,
        }
    }

    /// Once: the work goes on without it, and messages are handed back when the
    /// task is stopped in the middle.
    fn complain(&mut self, error: &ProtectionError) {
        if !std::mem::replace(&mut self.has_complained, true) {
            tracing::warn!(%error, "the task can't be protected from being scaled in");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// What was asked for, second by second, while messages were in hand for so
    /// long.
    async fn asked(held: impl Fn(u64) -> Option<u64>, seconds: u64) -> Vec<(u64, bool)> {
        let (mut guard, asked) = (Guard::default(), Mutex::new(Vec::new()));
        for second in 0..seconds {
            let held = held(second).map(Duration::from_secs);
            let protect = |lasting: Option<Duration>| {
                asked.lock().expect("a lock").push((second, lasting.is_some()));
                std::future::ready(Ok(()))
            };
            guard.look(held, protect).await;
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        asked.into_inner().expect("a lock")
    }

    #[tokio::test(start_paused = true)]
    async fn short_work_needs_no_protection() {
        assert_eq!(asked(|_| Some(1), 100).await, []);
    }

    #[tokio::test(start_paused = true)]
    async fn long_work_is_protected_until_there_is_none_for_a_while() {
        let held = |second| (second < 20).then_some(second);
        assert_eq!(asked(held, 60).await, [(2, true), (29, false)]);
    }

    #[tokio::test(start_paused = true)]
    async fn one_long_message_after_another_does_not_toggle_it() {
        let held = |second: u64| Some(second % 6);
        assert_eq!(asked(held, 300).await, [(2, true)]);
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_renewed_before_it_lapses() {
        let renewed = asked(Some, 1_300).await;
        assert_eq!(renewed, [(2, true), (602, true), (1_202, true)]);
    }

    #[tokio::test(start_paused = true)]
    async fn where_nobody_answers_it_is_tried_again_now_and_then() {
        let (mut guard, mut tries) = (Guard::default(), 0);
        for _ in 0..125 {
            let protect = |_| {
                tries += 1;
                std::future::ready(Err(ProtectionError::new("nobody there")))
            };
            guard.look(Some(LONG), protect).await;
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(tries, 3);
    }
}
