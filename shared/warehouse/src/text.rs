//! Values as text that loses nothing, for databases that take it.
//!
//! Dates are `YYYY-MM-DD`, timestamps `YYYY-MM-DD HH:MM:SS.ffffff` (with a `Z` at
//! the end for SQLite's instants), so that they sort, and compare with what
//! SQLite's own date functions give. Times of day are `HH:MM:SS.ffffff`.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime};

/// All digits of `mantissa` / 10^`scale`.
pub(crate) fn decimal(mantissa: i128, scale: u32) -> String {
    let sign = if mantissa < 0 { "-" } else { "" };
    let scale = scale as usize;
    let digits = format!("{:0>width$}", mantissa.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// `YYYY-MM-DD` for days from 1970-01-01.
pub(crate) fn date(days: i32) -> Result<String, String> {
    NaiveDate::from_epoch_days(days)
        .filter(|date| (0..=9999).contains(&date.year()))
        .map(|date| date.format("%Y-%m-%d").to_string())
        .ok_or_else(|| format!("day {days} from 1970-01-01 is not in the years 0 to 9999"))
}

/// `HH:MM:SS.ffffff` for microseconds from midnight.
pub(crate) fn time(micros: i64) -> Result<String, String> {
    let outside = || format!("microsecond {micros} is not within a day");
    let seconds = u32::try_from(micros.div_euclid(1_000_000)).map_err(|_| outside())?;
    let nanos = u32::try_from(micros.rem_euclid(1_000_000) * 1000).map_err(|_| outside())?;
    let time = NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanos);
    Ok(time.ok_or_else(outside)?.format("%H:%M:%S%.6f").to_string())
}

/// `YYYY-MM-DD HH:MM:SS.ffffff` for microseconds from 1970-01-01; for an instant
/// there is a `Z` at the end.
pub(crate) fn timestamp(micros: i64, utc: bool) -> Result<String, String> {
    let time: NaiveDateTime = DateTime::from_timestamp_micros(micros)
        .map(|time| time.naive_utc())
        .filter(|time| (0..=9999).contains(&time.year()))
        .ok_or_else(|| {
            format!("microsecond {micros} from 1970-01-01 is not in the years 0 to 9999")
        })?;
    let zone = if utc { "Z" } else { "" };
    Ok(format!("{}{zone}", time.format("%Y-%m-%d %H:%M:%S%.6f")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_1970_and_their_fractions_are_written_right() {
        assert_eq!(date(-1).as_deref(), Ok("1969-12-31"));
        assert_eq!(timestamp(-1, true).as_deref(), Ok("1969-12-31 23:59:59.999999Z"));
        assert_eq!(timestamp(0, false).as_deref(), Ok("1970-01-01 00:00:00.000000"));
        assert_eq!(time(86_399_999_999).as_deref(), Ok("23:59:59.999999"));
        assert!(time(86_400_000_000).is_err());
        assert!(time(-1).is_err());
        assert!(date(i32::MAX).is_err());
        assert!(timestamp(i64::MIN, false).is_err());
    }

    #[test]
    fn decimals_have_all_their_digits() {
        assert_eq!(decimal(5, 3), "0.005");
        assert_eq!(decimal(-12_345, 2), "-123.45");
        assert_eq!(decimal(7, 0), "7");
    }
}
