//! Reads `[stages.NAME.retry]`: how long a failed message stays away before it is
//! delivered again, by the class of its failure.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Serialize;

use crate::quantity::show_duration;
use crate::walk::Section;

/// A message can be hidden for twelve hours (Amazon SQS, "Visibility timeout").
const DELAY: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(12 * 60 * 60);

/// How long failed messages of a stage stay away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct StageRetry {
    /// After failures that pass by themselves.
    pub transient: RetryCurve,
    /// After a service asked for less.
    pub throttled: RetryCurve,
    /// After a dependency was down for everyone.
    pub outage: RetryCurve,
}

/// Delays that double with every receive. Each is drawn between nothing and its
/// ceiling, so that what failed together does not come back together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RetryCurve {
    /// Ceiling of the delay after the first receive.
    pub base: Duration,
    /// Ceiling of every delay.
    pub cap: Duration,
}

/// A class, what it is about, and its delays unless the file says otherwise.
pub(crate) struct RetryDefault {
    pub(crate) class: &'static str,
    pub(crate) about: &'static str,
    pub(crate) curve: RetryCurve,
}

pub(crate) const TRANSIENT: RetryDefault = RetryDefault {
    class: "transient",
    about: "Failures that pass by themselves: time-outs, resets, deadlocks.",
    curve: curve(5, 900),
};

pub(crate) const THROTTLED: RetryDefault = RetryDefault {
    class: "throttled",
    about: "A service asks for less: slow down, too many connections.",
    curve: curve(30, 1_800),
};

pub(crate) const OUTAGE: RetryDefault = RetryDefault {
    class: "outage",
    about: "A dependency is down for everyone, and went on being down.",
    curve: curve(60, 600),
};

const fn curve(base: u64, cap: u64) -> RetryCurve {
    RetryCurve { base: Duration::from_secs(base), cap: Duration::from_secs(cap) }
}

impl Default for StageRetry {
    fn default() -> Self {
        Self { transient: TRANSIENT.curve, throttled: THROTTLED.curve, outage: OUTAGE.curve }
    }
}

/// The delays of a stage; `stage` is its section, which may be absent.
pub(crate) fn read(stage: Option<&Section<'_>>) -> StageRetry {
    let section = stage.and_then(|stage| stage.section("retry"));
    let curve = |default: RetryDefault| {
        let section = section.as_ref().and_then(|retry| retry.section(default.class));
        section.map_or(default.curve, |section| read_curve(&section, default.curve))
    };
    StageRetry { transient: curve(TRANSIENT), throttled: curve(THROTTLED), outage: curve(OUTAGE) }
}

/// Where one end is not said, it gives way to the other.
fn read_curve(section: &Section<'_>, default: RetryCurve) -> RetryCurve {
    let of = |key| section.get(key).and_then(|entry| entry.duration(DELAY));
    match (of("base"), of("cap")) {
        (None, None) => default,
        (Some(base), None) => RetryCurve { base, cap: default.cap.max(base) },
        (None, Some(cap)) => RetryCurve { base: default.base.min(cap), cap },
        (Some(base), Some(cap)) => {
            if base > cap
                && let Some(entry) = section.get("cap")
            {
                let (base, cap) = (show_duration(base), show_duration(cap));
                entry.note(format!("`cap` is {cap}, but `base` is {base}"));
            }
            RetryCurve { base, cap: cap.max(base) }
        }
    }
}
