//! How long a message stays away before it is delivered again, by the class of
//! its failure and the number of times it was received.

use std::time::Duration;

use rand::Rng;

use crate::FailureClass;

/// The longest visibility timeout that SQS takes (12 h), and with that the
/// longest delay.
pub const MAX_DELAY: Duration = Duration::from_secs(43_200);

/// Doubles from `base` with every receive until `cap`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Curve {
    /// Ceiling of the delay after the first receive.
    pub base: Duration,
    /// Ceiling of every delay.
    pub cap: Duration,
}

impl Curve {
    /// A curve that starts at `base` seconds and ends at `cap` seconds.
    pub const fn from_secs(base: u64, cap: u64) -> Self {
        Self { base: Duration::from_secs(base), cap: Duration::from_secs(cap) }
    }

    /// The longest delay after `receive_count` receives (counted from 1).
    pub fn ceiling(&self, receive_count: u32) -> Duration {
        let doublings = receive_count.saturating_sub(1).min(31);
        self.base.saturating_mul(1 << doublings).min(self.cap).min(MAX_DELAY)
    }

    /// A delay between nothing and [`ceiling`](Self::ceiling), all equally
    /// likely ("full jitter" in the AWS Architecture Blog's *Exponential
    /// Backoff And Jitter*), so that what failed together does not come back
    /// together.
    pub fn delay(&self, receive_count: u32) -> Duration {
        self.delay_with(receive_count, &mut rand::rng())
    }

    /// As [`delay`](Self::delay), with randomness of the caller's choice.
    pub fn delay_with(&self, receive_count: u32, rng: &mut impl Rng) -> Duration {
        let ceiling = u64::try_from(self.ceiling(receive_count).as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(rng.random_range(0..=ceiling))
    }
}

/// A curve per retryable class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// For [`FailureClass::Transient`].
    pub transient: Curve,
    /// For [`FailureClass::Throttled`]: longer, since coming back early makes
    /// it worse.
    pub throttled: Curve,
    /// For [`FailureClass::Outage`].
    pub outage: Curve,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            transient: Curve::from_secs(5, 900),
            throttled: Curve::from_secs(30, 1800),
            outage: Curve::from_secs(60, 600),
        }
    }
}

impl Backoff {
    /// How long a message that failed with `class` at its `receive_count`-th
    /// receive stays away; `None` if the class is not tried again.
    pub fn delay(&self, class: FailureClass, receive_count: u32) -> Option<Duration> {
        Some(self.curve(class)?.delay(receive_count))
    }

    /// The curve of a class; `None` if the class is not tried again.
    pub fn curve(&self, class: FailureClass) -> Option<Curve> {
        match class {
            FailureClass::Transient => Some(self.transient),
            FailureClass::Throttled => Some(self.throttled),
            FailureClass::Outage => Some(self.outage),
            FailureClass::Denied
            | FailureClass::Missing
            | FailureClass::Poison
            | FailureClass::Contract => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn the_ceiling_doubles_with_every_receive_until_the_cap() {
        let curve = Curve::from_secs(5, 60);
        let seconds: Vec<u64> = (0..=6).map(|count| curve.ceiling(count).as_secs()).collect();
        assert_eq!(seconds, [5, 5, 10, 20, 40, 60, 60]);
    }

    #[test]
    fn the_same_seed_gives_the_same_delays() {
        let delays = |seed| -> Vec<Duration> {
            let mut rng = StdRng::seed_from_u64(seed);
            (1..=8).map(|count| Curve::from_secs(5, 900).delay_with(count, &mut rng)).collect()
        };
        assert_eq!(delays(7), delays(7));
        assert_ne!(delays(7), delays(8));
    }

    #[test]
    fn jitter_is_full_and_reaches_from_nothing_to_the_ceiling() {
        let mut rng = StdRng::seed_from_u64(1);
        let curve = Curve::from_secs(100, 100);
        let mut tenths = [0_u32; 10];
        for _ in 0..2_000 {
            let delay = curve.delay_with(1, &mut rng).as_millis();
            tenths[usize::try_from(delay / 10_000).expect("small").min(9)] += 1;
        }
        assert!(tenths.iter().all(|&hits| (140..=260).contains(&hits)), "{tenths:?}");
    }

    #[test]
    fn only_retryable_classes_have_a_delay() {
        for class in FailureClass::ALL {
            let delay = Backoff::default().delay(class, 1);
            assert_eq!(delay.is_some(), class.is_retryable(), "{class}");
        }
    }

    proptest! {
        #[test]
        fn a_delay_never_exceeds_its_ceiling_its_cap_or_what_sqs_takes(
            base in 0_u64..100_000,
            cap in 0_u64..100_000,
            count: u32,
            seed: u64,
        ) {
            let curve = Curve::from_secs(base, cap);
            let delay = curve.delay_with(count, &mut StdRng::seed_from_u64(seed));
            prop_assert!(delay <= curve.ceiling(count));
            prop_assert!(delay <= curve.cap);
            prop_assert!(delay <= MAX_DELAY);
        }

        #[test]
        fn a_throttled_message_may_stay_away_longer_than_a_transient_one(count in 1_u32..100) {
            let backoff = Backoff::default();
            prop_assert!(backoff.throttled.ceiling(count) > backoff.transient.ceiling(count));
        }
    }
}
