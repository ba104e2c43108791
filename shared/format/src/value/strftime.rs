//! Dates and timestamps written to `strftime` patterns.

use chrono::format::{Item, Parsed, StrftimeItems, parse};
use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};

use super::IsoTimestamp;

/// Patterns, tried in turn.
#[derive(Debug, Clone)]
pub(crate) struct Patterns(Vec<Vec<Item<'static>>>);

impl Patterns {
    /// Compiles patterns. Answers the one that is wrong if one is.
    pub(crate) fn compile(patterns: &[String]) -> Result<Self, &str> {
        let compile = |pattern: &'_ String| StrftimeItems::new(pattern).parse_to_owned().ok();
        let compiled: Result<_, &str> =
            patterns.iter().map(|pattern| compile(pattern).ok_or(pattern.as_str())).collect();
        compiled.map(Self)
    }

    /// Reads a date as days since 1970-01-01. A time of day in the pattern is
    /// read and dropped.
    pub(crate) fn date(&self, text: &[u8]) -> Option<i32> {
        self.first(text, |parsed| parsed.to_naive_date().ok()).map(days)
    }

    /// Reads a timestamp; a pattern without a time of day gives midnight.
    pub(crate) fn timestamp(&self, text: &[u8]) -> Option<IsoTimestamp> {
        self.first(text, |parsed| {
            let offset = parsed.offset();
            let wall = wall_clock(parsed, offset.unwrap_or(0))?;
            Some(IsoTimestamp { wall_micros: wall.and_utc().timestamp_micros(), offset })
        })
    }

    /// Reads a time of day as microseconds.
    pub(crate) fn time(&self, text: &[u8]) -> Option<i64> {
        let time = self.first(text, |parsed| parsed.to_naive_time().ok())?;
        let seconds = i64::from(time.num_seconds_from_midnight());
        Some(seconds * 1_000_000 + i64::from(time.nanosecond() / 1000))
    }

    fn first<T>(&self, text: &[u8], read: impl Fn(&Parsed) -> Option<T>) -> Option<T> {
        let text = std::str::from_utf8(text).ok()?;
        self.0.iter().find_map(|items| {
            let mut parsed = Parsed::new();
            parse(&mut parsed, text, items.iter()).ok()?;
            read(&parsed)
        })
    }
}

fn wall_clock(parsed: &Parsed, offset: i32) -> Option<NaiveDateTime> {
    let read = parsed.to_naive_datetime_with_offset(offset).ok();
    let has_no_time = || parsed.hour_div_12().is_none() && parsed.hour_mod_12().is_none();
    match read {
        Some(wall) => Some(wall),
        None if has_no_time() => parsed.to_naive_date().ok()?.and_hms_opt(0, 0, 0),
        None => None,
    }
}

/// Days since 1970-01-01.
fn days(date: NaiveDate) -> i32 {
    const EPOCH_FROM_CE: i32 = 719_163;
    date.num_days_from_ce() - EPOCH_FROM_CE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(list: &[&str]) -> Patterns {
        let owned: Vec<_> = list.iter().map(|pattern| (*pattern).to_owned()).collect();
        Patterns::compile(&owned).expect("valid patterns")
    }

    #[test]
    fn patterns_are_tried_in_turn() {
        let dates = patterns(&["%d/%m/%Y", "%Y%m%d", "%b %d, %Y"]);
        let day = super::super::parse_date(b"2024-03-31");
        for text in ["31/03/2024", "20240331", "Mar 31, 2024"] {
            assert_eq!(dates.date(text.as_bytes()), day, "{text}");
        }
        for text in ["31/13/2024", "2024-03-31", "31/03/2024 10:00", "", "30/02/2024"] {
            assert_eq!(dates.date(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn timestamps_may_lack_a_clock_or_have_a_zone() {
        let read = |pattern, text: &str| patterns(&[pattern]).timestamp(text.as_bytes());
        let iso = |text: &str| super::super::parse_timestamp(text.as_bytes());
        let pattern = "%d/%m/%Y %H:%M:%S";
        assert_eq!(read(pattern, "31/03/2024 23:59:01"), iso("2024-03-31T23:59:01"));
        assert_eq!(read("%d.%m.%Y", "31.03.2024"), iso("2024-03-31"));
        assert_eq!(
            read("%Y-%m-%d %I:%M %p %z", "2024-03-31 11:30 PM +0200"),
            iso("2024-03-31T23:30+02:00")
        );
        assert_eq!(
            read("%s", "1711922341").map(|read| read.wall_micros),
            Some(1_711_922_341_000_000)
        );
        assert_eq!(read(pattern, "31/03/2024 24:00:00"), None);
    }

    #[test]
    fn a_pattern_that_is_none_is_named() {
        let wrong = ["%Y".to_owned(), "%Q".to_owned()];
        assert_eq!(Patterns::compile(&wrong).expect_err("wrong"), "%Q");
    }
}
