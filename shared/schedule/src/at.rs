//! `at(2026-11-21T10:00:00)`: once.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;

use crate::{ScheduleError, zone};

const FORMAT: &str = "%Y-%m-%dT%H:%M:%S";
/// The length of what [`FORMAT`] reads with every digit there.
const LENGTH: usize = "yyyy-mm-ddThh:mm:ss".len();

/// One time on the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct At(NaiveDateTime);

impl At {
    /// That time in a time zone: the first of two if the clock shows it twice,
    /// none if it is skipped.
    pub fn instant(&self, zone: Tz) -> Option<DateTime<Utc>> {
        zone::instant(self.0, zone)
    }
}

impl FromStr for At {
    type Err = ScheduleError;

    /// Reads `yyyy-mm-ddThh:mm:ss`.
    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let time = NaiveDateTime::parse_from_str(text, FORMAT).ok();
        let time = time.filter(|_| text.len() == LENGTH);
        time.map(Self).ok_or_else(|| ScheduleError::Time(text.to_owned()))
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format(FORMAT))
    }
}
