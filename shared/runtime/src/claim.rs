//! The right to a run that is on record elsewhere: it is waited for while somebody
//! else has it, and renewed while it is worked at.
//!
//! A lease is the right to a message, a claim that to what the message is about. A
//! file of its own since every stage whose runs are claimed has both to keep, whatever
//! the record is kept in.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use tokio::time::sleep;

use crate::{Lease, LeaseLost};

/// Renewals of a claim while it lasts.
const RENEWALS: u32 = 4;

/// How often it is looked whether a run is free.
const LOOK: Duration = Duration::from_secs(1);

/// Renews a claim that lasts for `lasting` after each renewal, four times as often as
/// needed; completes when the claim is lost. `renew` says whether it was still ours.
///
/// A renewal that fails is made up for by the next, since the claim lasts on without
/// it; with the fourth in a row it has run out.
pub async fn claim_lost<E, Renewing>(lasting: Duration, mut renew: impl FnMut() -> Renewing)
where
    E: fmt::Display,
    Renewing: Future<Output = Result<bool, E>>,
{
    let mut failed = 0;
    while failed < RENEWALS {
        sleep(lasting / RENEWALS).await;
        match renew().await {
            Ok(true) => failed = 0,
            Ok(false) => return,
            Err(error) => {
                tracing::debug!(%error, "the claim is renewed later");
                failed += 1;
            }
        }
    }
}

/// Asks for a run at once, and then every second for as long as `ask` answers that
/// somebody else is at it, by `None`.
///
/// # Errors
/// That of `ask`, or [`LeaseLost`] if the message is lost while it waits.
pub async fn until_free<T, E, Asking>(
    lease: &Lease,
    mut ask: impl FnMut() -> Asking,
) -> Result<T, E>
where
    E: From<LeaseLost>,
    Asking: Future<Output = Result<Option<T>, E>>,
{
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        tokio::select! {
            () = sleep(LOOK) => {}
            () = lease.lost() => return Err(LeaseLost.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use tokio::time::Instant;

    use super::*;

    const LASTING: Duration = Duration::from_secs(60);

    /// When a claim is lost whose renewals are answered so.
    async fn lost_after(answers: &[Result<bool, &'static str>]) -> Duration {
        let started = Instant::now();
        let mut answers = answers.iter().copied();
        claim_lost(LASTING, || {
            let answer = answers.next().expect("an answer");
            ready(answer)
        })
        .await;
        assert_eq!(answers.next(), None, "it was asked once for each answer");
        started.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_claim_is_renewed_four_times_while_it_lasts_until_it_is_anothers() {
        let answers = [Ok(true), Ok(true), Ok(true), Ok(true), Ok(true), Ok(false)];
        assert_eq!(lost_after(&answers).await, Duration::from_secs(6 * 15));
    }

    #[tokio::test(start_paused = true)]
    async fn a_claim_that_cannot_be_renewed_is_lost_when_it_has_run_out() {
        assert_eq!(lost_after(&[Err("away"); 4]).await, LASTING);
    }

    #[tokio::test(start_paused = true)]
    async fn one_renewal_makes_up_for_those_that_failed() {
        let away = Err("away");
        let answers = [away, away, away, Ok(true), away, away, away, away];
        assert_eq!(lost_after(&answers).await, Duration::from_secs(8 * 15));
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_is_asked_for_every_second_until_it_is_free() {
        let started = Instant::now();
        let mut answers = [None, None, Some("ours")].into_iter();
        let answer: Result<_, LeaseLost> = until_free(&Lease::lasting(LASTING), || {
            let answer = answers.next().expect("an answer");
            ready(Ok(answer))
        })
        .await;
        assert_eq!(answer, Ok("ours"));
        assert_eq!(started.elapsed(), Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_a_run_longer_than_for_its_message() {
        let started = Instant::now();
        let lease = Lease::lasting(Duration::from_secs(10));
        let asked: Result<(), _> = until_free(&lease, || ready(Ok(None))).await;
        assert_eq!(asked, Err(LeaseLost));
        // A lease ends a second before the message is seen again.
        assert_eq!(started.elapsed(), Duration::from_secs(9));
    }

    #[tokio::test(start_paused = true)]
    async fn what_keeps_a_run_from_being_asked_for_is_said_at_once() {
        #[derive(Debug, PartialEq)]
        struct Away;
        impl From<LeaseLost> for Away {
            fn from(_: LeaseLost) -> Self {
                panic!("the lease lasts")
            }
        }
        let started = Instant::now();
        let asked: Result<(), _> = until_free(&Lease::lasting(LASTING), || ready(Err(Away))).await;
        assert_eq!(asked, Err(Away));
        assert_eq!(started.elapsed(), Duration::ZERO);
    }
}
