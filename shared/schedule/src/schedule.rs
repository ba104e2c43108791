//! Any of the three forms.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::{At, Cron, Rate, ScheduleError, rate};

/// When something is to happen.
///
/// ```
/// use millrace_schedule::Schedule;
///
/// let schedule: Schedule = "rate(5 minutes)".parse().expect("a rate");
/// assert_eq!(schedule.to_string(), "rate(5 minutes)");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Schedule {
    /// At the same distance.
    Rate(Rate),
    /// By the wall clock and the calendar.
    Cron(Cron),
    /// Once.
    At(At),
}

impl Schedule {
    /// Reads the expression of an EventBridge rule, which is stricter than one
    /// of EventBridge Scheduler: it can't be `at(…)`, and the unit of a rate
    /// agrees with its number (`1 hour`, `2 hours`).
    ///
    /// # Errors
    /// [`ScheduleError`] says what is wrong.
    pub fn parse_for_rule(text: &str) -> Result<Self, ScheduleError> {
        let schedule: Self = text.parse()?;
        match (&schedule, inside(text, "rate").map(rate::parse)) {
            (Self::At(_), _) => Err(ScheduleError::OnceInRule(text.to_owned())),
            (Self::Rate(_), Some(Ok((_, false)))) => Err(ScheduleError::Agreement(text.to_owned())),
            (Self::Rate(_) | Self::Cron(_), _) => Ok(schedule),
        }
    }

    /// The first firing after `after`. A rate counts from `after`; see
    /// [`Rate::next_after`] for one that counts from elsewhere.
    pub fn next_after(&self, after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        self.next_after_from(after, zone, after)
    }

    /// The first firing after `after`, where a rate counts from `anchor`.
    pub fn next_after_from(
        &self,
        after: DateTime<Utc>,
        zone: Tz,
        anchor: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        match self {
            Self::Rate(rate) => rate.next_after(after, anchor),
            Self::Cron(cron) => cron.next_after(after, zone),
            Self::At(at) => at.instant(zone).filter(|instant| *instant > after),
        }
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        if let Some(rate) = inside(text, "rate") {
            return rate.parse().map(Self::Rate);
        }
        if let Some(cron) = inside(text, "cron") {
            return cron.parse().map(Self::Cron);
        }
        match inside(text, "at") {
            Some(at) => at.parse().map(Self::At),
            None => Err(ScheduleError::Form(text.to_owned())),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate(rate) => write!(f, "rate({rate})"),
            Self::Cron(cron) => write!(f, "cron({cron})"),
            Self::At(at) => write!(f, "at({at})"),
        }
    }
}

/// What stands in the brackets after `form`.
fn inside<'a>(text: &'a str, form: &str) -> Option<&'a str> {
    text.strip_prefix(form)?.strip_prefix('(')?.strip_suffix(')')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_stricter_than_schedules() {
        for (text, in_schedule, in_rule) in [
            ("rate(1 minute)", true, true),
            ("rate(5 minutes)", true, true),
            ("rate(1 minutes)", true, false),
            ("rate(5 hour)", true, false),
            ("at(2026-11-21T10:00:00)", true, false),
            ("cron(0 2 * * ? *)", true, true),
            ("rate(0 minutes)", false, false),
            ("rate(-1 minutes)", false, false),
            ("rate(+1 minute)", false, false),
            ("rate(1.5 hours)", false, false),
            ("rate(5 seconds)", false, false),
            ("rate(5minutes)", false, false),
            ("rate 5 minutes", false, false),
            ("at(2026-11-21)", false, false),
            ("at(2026-02-30T10:00:00)", false, false),
            ("at(2026-11-21T10:00:00Z)", false, false),
            ("", false, false),
        ] {
            assert_eq!(text.parse::<Schedule>().is_ok(), in_schedule, "{text}");
            assert_eq!(Schedule::parse_for_rule(text).is_ok(), in_rule, "{text}");
        }
    }

    #[test]
    fn a_rate_keeps_to_its_grid() {
        let rate: Rate = "15 minutes".parse().unwrap();
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let anchor = at("2026-11-21T10:07:30Z");
        let next = |after| rate.next_after(at(after), anchor).unwrap();
        assert_eq!(next("2026-11-21T09:00:00Z"), anchor);
        assert_eq!(next("2026-11-21T10:07:30Z"), at("2026-11-21T10:22:30Z"));
        assert_eq!(next("2026-11-21T10:50:00Z"), at("2026-11-21T10:52:30Z"));
    }

    #[test]
    fn once_is_once() {
        let schedule: Schedule = "at(2026-11-21T10:00:00)".parse().unwrap();
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let zone = chrono_tz::America::New_York;
        let fires = at("2026-11-21T15:00:00Z");
        assert_eq!(schedule.next_after(at("2026-11-21T14:59:59Z"), zone), Some(fires));
        assert_eq!(schedule.next_after(fires, zone), None);
        let skipped: Schedule = "at(2026-03-08T02:30:00)".parse().unwrap();
        assert_eq!(skipped.next_after(at("2026-01-01T00:00:00Z"), zone), None);
    }
}
