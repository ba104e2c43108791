//! `cron(0 2 * * ? *)`: by the wall clock and the calendar.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc};
use chrono_tz::Tz;

use crate::days::Days;
use crate::field::{Field, HOUR, MINUTE, MONTH, YEAR};
use crate::span::{Span, any_contains};
use crate::{ScheduleError, zone};

/// Minutes, hours, day of month, month, day of week, year, as AWS writes them:
/// `? * , - / L W #`, names of months and days, 1 for Sunday, the years 1970 to
/// 2199, and `?` in one of the two day fields.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cron {
    minutes: Vec<Span>,
    hours: Vec<Span>,
    months: Vec<Span>,
    days: Days,
    years: Vec<Span>,
}

impl Cron {
    /// The first firing after `after`, if there is one.
    pub fn next_after(&self, after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let mut shown = after.with_timezone(&zone).naive_local();
        loop {
            shown = self.next_shown(shown)?;
            // Skipped by the clock, or shown the second time: not this one.
            match zone::instant(shown, zone) {
                Some(instant) if instant > after => return Some(instant),
                Some(_) | None => {}
            }
        }
    }

    /// The first matching time on a wall clock that is never changed.
    fn next_shown(&self, after: NaiveDateTime) -> Option<NaiveDateTime> {
        if let Some(time) = self.next_time(after.date(), Some(after.time())) {
            return Some(time);
        }
        let mut day = after.date();
        loop {
            day = self.next_day(day)?;
            if let Some(time) = self.next_time(day, None) {
                return Some(time);
            }
        }
    }

    /// The first matching time on `day`, after a time of day or at all.
    fn next_time(&self, day: NaiveDate, after: Option<NaiveTime>) -> Option<NaiveDateTime> {
        if !self.has(day) {
            return None;
        }
        let from = after.map_or(0, |after| after.hour());
        let hours = (from..24).filter(|hour| any_contains(&self.hours, *hour));
        let times = hours.flat_map(|hour| {
            let minutes = (0..60).filter(|minute| any_contains(&self.minutes, *minute));
            minutes.filter_map(move |minute| NaiveTime::from_hms_opt(hour, minute, 0))
        });
        let mut times = times.filter(|time| after.is_none_or(|after| *time > after));
        times.next().map(|time| day.and_time(time))
    }

    /// The first matching day after `day`.
    fn next_day(&self, day: NaiveDate) -> Option<NaiveDate> {
        let mut day = day;
        loop {
            day = day.succ_opt()?;
            if day.year() > i32::from(YEAR.max) {
                return None;
            }
            if !any_contains(&self.years, day.year_ce().1) {
                day = NaiveDate::from_ymd_opt(day.year(), 12, 31)?;
            } else if self.has(day) {
                return Some(day);
            }
        }
    }

    fn has(&self, day: NaiveDate) -> bool {
        any_contains(&self.years, day.year_ce().1)
            && any_contains(&self.months, day.month())
            && self.days.contains(day)
    }
}

impl FromStr for Cron {
    type Err = ScheduleError;

    /// Reads the six fields.
    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, of_month, months, of_week, years] = fields[..] else {
            let (expression, found) = (text.to_owned(), fields.len());
            return Err(ScheduleError::Fields { expression, found });
        };
        Ok(Self {
            minutes: MINUTE.spans(minutes)?,
            hours: HOUR.spans(hours)?,
            months: MONTH.spans(months)?,
            days: Days::parse(of_month, of_week)?,
            years: YEAR.spans(years)?,
        })
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |spans: &[Span], field: &Field, f: &mut fmt::Formatter<'_>| {
            for (index, span) in spans.iter().enumerate() {
                if index > 0 {
                    f.write_str(",")?;
                }
                span.write(field, f)?;
            }
            f.write_str(" ")
        };
        plain(&self.minutes, &MINUTE, f)?;
        plain(&self.hours, &HOUR, f)?;
        write!(f, "{} ", self.days.of_month())?;
        plain(&self.months, &MONTH, f)?;
        write!(f, "{} ", self.days.of_week())?;
        for (index, span) in self.years.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            span.write(&YEAR, f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
