//! What workers agree by that there is an outage, and who tells of it: a small
//! object in the lake's bucket, replaced only by who knows what it holds. Here are
//! the decisions; they know no clock and no store.
//!
//! The ledger can't hold it, since it is mostly the ledger's database that is down.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// How long after an outage's end a worker may still find out that it is over: the
/// longest pause before a probe, and the longest probe.
const STRAGGLING: TimeDelta = TimeDelta::seconds(150);

/// How quickly things are noticed and taken on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    /// How long an outage lasts before it is told: what is over by then is none.
    pub(crate) confirm: Duration,
    /// How long it has to be over before that is told.
    pub(crate) settle: Duration,
    /// How often a worker in an outage looks at the marker.
    pub(crate) look: Duration,
    /// After which a taker that has not told is taken for dead.
    pub(crate) taken: Duration,
    /// After which an outage that nobody is in is over.
    pub(crate) stale: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            confirm: Duration::from_secs(4),
            settle: Duration::from_secs(4),
            look: Duration::from_secs(15),
            taken: Duration::from_secs(60),
            stale: Duration::from_secs(120),
        }
    }
}

/// What the marker holds: the newest outage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outage {
    /// When it began.
    pub(crate) since: DateTime<Utc>,
    /// What was wrong, in the words of who noticed first.
    pub(crate) reason: String,
    /// The stage of who noticed first.
    pub(crate) stage: String,
    /// When a worker was in it last.
    pub(crate) seen_at: DateTime<Utc>,
    /// When it ended; none while it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<DateTime<Utc>>,
    /// Whether its beginning, or its end if it is over, is told.
    pub(crate) told: bool,
    /// When somebody took it on to tell that.
    pub(crate) taken_at: DateTime<Utc>,
}

/// An outage as one worker is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Own {
    pub(crate) since: DateTime<Utc>,
    pub(crate) reason: String,
    pub(crate) stage: String,
}

/// What to do about the marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Others do what there is to do.
    Leave,
    /// Write it.
    Write(Outage),
    /// Write it, and tell of it if that succeeds.
    Tell(Outage),
}

/// What a worker does that is in an outage.
pub(crate) fn while_down(
    marker: Option<Outage>,
    own: &Own,
    now: DateTime<Utc>,
    pace: &Pace,
) -> Step {
    let begun = || Step::Tell(Outage::begun(own, now));
    let Some(marker) = marker else { return begun() };
    if let Some(until) = marker.until {
        let finds_out = own.since <= until && now < until + STRAGGLING;
        return if finds_out { Step::Leave } else { begun() };
    }
    if is_past(marker.seen_at, pace.stale, now) {
        return begun();
    }
    if !marker.told && is_past(marker.taken_at, pace.taken, now) {
        return Step::Tell(Outage { seen_at: now, taken_at: now, ..marker });
    }
    match is_past(marker.seen_at, pace.look, now) {
        true => Step::Write(Outage { seen_at: now, ..marker }),
        false => Step::Leave,
    }
}

/// What a worker does for whom the outage ended at `until`.
pub(crate) fn when_over(
    marker: Option<Outage>,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
    pace: &Pace,
) -> Step {
    match marker {
        Some(marker) if marker.until.is_none() => Step::Tell(marker.ended(until, now)),
        other => while_up(other, now, pace),
    }
}

/// What a worker does that is in no outage: it ends one that nobody is in any more,
/// and tells what somebody took on and did not tell.
pub(crate) fn while_up(marker: Option<Outage>, now: DateTime<Utc>, pace: &Pace) -> Step {
    let Some(marker) = marker else { return Step::Leave };
    if marker.until.is_none() {
        let nobody = is_past(marker.seen_at, pace.stale, now);
        let until = marker.seen_at;
        return if nobody { Step::Tell(marker.ended(until, now)) } else { Step::Leave };
    }
    match !marker.told && is_past(marker.taken_at, pace.taken, now) {
        true => Step::Tell(Outage { taken_at: now, ..marker }),
        false => Step::Leave,
    }
}

impl Outage {
    fn begun(own: &Own, now: DateTime<Utc>) -> Self {
        let Own { since, reason, stage } = own.clone();
        Self { since, reason, stage, seen_at: now, until: None, told: false, taken_at: now }
    }

    fn ended(self, until: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        Self { until: Some(until.max(self.since)), told: false, taken_at: now, ..self }
    }

    /// Whether the other is the same outage, as far on.
    pub(crate) fn is_as(&self, other: &Self) -> bool {
        self.since == other.since && self.until == other.until
    }
}

fn is_past(moment: DateTime<Utc>, span: Duration, now: DateTime<Utc>) -> bool {
    TimeDelta::from_std(span).is_ok_and(|span| now - moment >= span)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + second, 0).expect("a time")
    }

    fn own(second: i64) -> Own {
        Own { since: at(second), reason: "no answer".into(), stage: "load".into() }
    }

    fn told(step: Step) -> Outage {
        match step {
            Step::Tell(outage) => outage,
            Step::Leave | Step::Write(_) => panic!("to be told: {step:?}"),
        }
    }

    fn down(marker: Option<&Outage>, since: i64, now: i64) -> Step {
        while_down(marker.cloned(), &own(since), at(now), &Pace::default())
    }

    #[test]
    fn the_first_tells_and_the_others_leave_it_to_them() {
        let first = told(down(None, 0, 5));
        assert_eq!((first.since, first.told), (at(0), false));
        assert_eq!(down(Some(&first), 1, 6), Step::Leave);
    }

    #[test]
    fn who_took_it_on_and_died_is_replaced() {
        let first = told(down(None, 0, 5));
        let again = told(down(Some(&first), 1, 66));
        assert_eq!((again.since, again.taken_at), (at(0), at(66)));
        let known = Outage { told: true, ..first };
        assert_eq!(down(Some(&known), 1, 10), Step::Leave);
        let Step::Write(seen) = down(Some(&known), 1, 66) else { panic!("it is seen") };
        assert_eq!(seen.seen_at, at(66));
    }

    #[test]
    fn one_tells_the_end_and_stragglers_do_not_tell_a_new_beginning() {
        let open = Outage { told: true, ..told(down(None, 0, 5)) };
        let pace = Pace::default();
        let over = told(when_over(Some(open), at(30), at(34), &pace));
        assert_eq!((over.until, over.told), (Some(at(30)), false));
        assert_eq!(when_over(Some(over.clone()), at(31), at(35), &pace), Step::Leave);
        assert_eq!(down(Some(&over), 2, 80), Step::Leave);
        assert_eq!(told(down(Some(&over), 40, 45)).since, at(40), "another outage");
        assert_eq!(told(down(Some(&over), 2, 300)).since, at(2), "it never ended here");
        let late = told(while_up(Some(over.clone()), at(100), &pace));
        assert_eq!(late.until, over.until, "whoever took it on died");
    }

    #[test]
    fn an_outage_that_nobody_is_in_is_over() {
        let open = Outage { told: true, ..told(down(None, 0, 5)) };
        let pace = Pace::default();
        assert_eq!(while_up(Some(open.clone()), at(60), &pace), Step::Leave);
        assert_eq!(told(while_up(Some(open.clone()), at(126), &pace)).until, Some(at(5)));
        assert_eq!(told(down(Some(&open), 500, 505)).since, at(500));
    }
}
