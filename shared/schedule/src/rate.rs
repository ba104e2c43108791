//! `rate(5 minutes)`: again and again, at the same distance.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};

use crate::ScheduleError;

/// A fixed distance between firings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    value: u32,
    unit: RateUnit,
}

/// The unit of a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RateUnit {
    /// 60 seconds.
    Minute,
    /// 60 minutes.
    Hour,
    /// 24 hours, whatever the wall clock does.
    Day,
}

impl Rate {
    /// Every `value` units; `None` for 0.
    pub fn new(value: u32, unit: RateUnit) -> Option<Self> {
        (value > 0).then_some(Self { value, unit })
    }

    /// The distance.
    pub fn period(&self) -> TimeDelta {
        let minutes = match self.unit {
            RateUnit::Minute => 1,
            RateUnit::Hour => 60,
            RateUnit::Day => 24 * 60,
        };
        TimeDelta::minutes(i64::from(self.value) * minutes)
    }

    /// The first time after `after` on the grid that begins at `anchor`; the
    /// anchor itself belongs to the grid.
    pub fn next_after(&self, after: DateTime<Utc>, anchor: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if after < anchor {
            return Some(anchor);
        }
        let period = self.period().num_milliseconds();
        let past = after.signed_duration_since(anchor).num_milliseconds() / period;
        let steps = past.checked_add(1)?.checked_mul(period)?;
        anchor.checked_add_signed(TimeDelta::try_milliseconds(steps)?)
    }
}

impl RateUnit {
    fn of(word: &str) -> Option<(Self, bool)> {
        match word {
            "minute" => Some((Self::Minute, true)),
            "minutes" => Some((Self::Minute, false)),
            "hour" => Some((Self::Hour, true)),
            "hours" => Some((Self::Hour, false)),
            "day" => Some((Self::Day, true)),
            "days" => Some((Self::Day, false)),
            _ => None,
        }
    }
}

/// Reads the inside of `rate(…)`, and whether the unit agrees with the number.
pub(crate) fn parse(text: &str) -> Result<(Rate, bool), ScheduleError> {
    let wrong = || ScheduleError::Rate(text.to_owned());
    let (value, unit) = text.trim().split_once(char::is_whitespace).ok_or_else(wrong)?;
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let value = value.parse().ok().filter(|_| digits).ok_or_else(wrong)?;
    let (unit, singular) = RateUnit::of(unit.trim()).ok_or_else(wrong)?;
    let rate = Rate::new(value, unit).ok_or_else(wrong)?;
    Ok((rate, singular == (value == 1)))
}

impl FromStr for Rate {
    type Err = ScheduleError;

    /// Reads `5 minutes`; a unit that does not agree with its number is
    /// understood.
    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        parse(text).map(|(rate, _)| rate)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            RateUnit::Minute => "minute",
            RateUnit::Hour => "hour",
            RateUnit::Day => "day",
        };
        let plural = if self.value == 1 { "" } else { "s" };
        write!(f, "{} {unit}{plural}", self.value)
    }
}
