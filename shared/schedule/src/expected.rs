//! By when something is to have come, again and again, and since when it is late.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::{Schedule, ScheduleError};

/// How far a look back goes at first; it doubles until something is found.
const FIRST_LOOK: TimeDelta = TimeDelta::hours(1);

/// A look back ends here: no cron expression fires before 1970.
const EARLIEST: DateTime<Utc> = DateTime::UNIX_EPOCH;

/// Times by which something is to have come since the one before. A rate counts
/// from 1970-01-01T00:00:00Z, so that `rate(6 hours)` is 0, 6, 12 and 18 o'clock in
/// UTC.
///
/// ```
/// use millrace_schedule::Expected;
///
/// let daily = Expected::parse("cron(0 7 * * ? *)", chrono_tz::Europe::London)?;
/// let late = daily.late(
///     "2026-07-01T00:00:00Z".parse()?,          // watched since
///     Some("2026-07-02T05:30:00Z".parse()?),    // the newest came
///     "2026-07-03T12:00:00Z".parse()?,          // now
/// );
/// assert_eq!(late.map(|late| late.since), Some("2026-07-03T06:00:00Z".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    schedule: Schedule,
    zone: Tz,
}

/// Nothing came by an expected time, nor since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Late {
    /// The first expected time by which nothing had come.
    pub since: DateTime<Utc>,
    /// The newest such time: the same as `since` unless several were missed.
    pub missed: DateTime<Utc>,
}

impl Expected {
    /// Reads `cron(…)`, on the wall clock of `zone`, or `rate(…)`.
    ///
    /// # Errors
    /// [`ScheduleError`] says what is wrong; `at(…)`, which does not come again, is.
    pub fn parse(text: &str, zone: Tz) -> Result<Self, ScheduleError> {
        match text.parse()? {
            Schedule::At(_) => Err(ScheduleError::Once(text.to_owned())),
            schedule @ (Schedule::Rate(_) | Schedule::Cron(_)) => Ok(Self { schedule, zone }),
        }
    }

    /// Since when what is expected is late at `now`, if it is. `newest` is when
    /// something came last. Times up to `watched_since` count for nothing: nobody
    /// can have missed them.
    pub fn late(
        &self,
        watched_since: DateTime<Utc>,
        newest: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Option<Late> {
        let missed = self.last(now).filter(|missed| *missed > watched_since)?;
        let before = self.last(missed - TimeDelta::nanoseconds(1));
        let came = |newest: DateTime<Utc>| before.is_none_or(|before| newest > before);
        if newest.is_some_and(came) {
            return None;
        }
        // What came last was in time for this one.
        let met = newest.and_then(|newest| self.next(newest - TimeDelta::nanoseconds(1)));
        let from = met.map_or(watched_since, |met| met.max(watched_since));
        Some(Late { since: self.next(from).map_or(missed, |since| since.min(missed)), missed })
    }

    /// The first expected time after `after`, if there is one.
    pub fn next(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.schedule.next_after_from(after, self.zone, EARLIEST)
    }

    /// The newest expected time that is not after `now`, if there is one.
    pub fn last(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut look = FIRST_LOOK;
        loop {
            let from = (now - look).max(EARLIEST);
            let up_to_now = |time: &DateTime<Utc>| *time <= now;
            if let Some(first) = self.next(from).filter(up_to_now) {
                let each = |time: &DateTime<Utc>| self.next(*time).filter(up_to_now);
                return std::iter::successors(Some(first), each).last();
            }
            if from == EARLIEST {
                return None;
            }
            look += look;
        }
    }
}

impl fmt::Display for Expected {
    /// The expression, and its time zone where that is not UTC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.zone {
            Tz::UTC => write!(f, "{}", self.schedule),
            zone => write!(f, "{} {zone}", self.schedule),
        }
    }
}

#[cfg(test)]
#[path = "expected_tests.rs"]
mod tests;
