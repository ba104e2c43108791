//! Dates and timestamps as ISO 8601 writes them, in the extended form that RFC
//! 3339, SQL and every database share.

/// A timestamp that was read: a wall-clock reading and the zone behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IsoTimestamp {
    /// Microseconds since 1970-01-01T00:00:00 on the clock that was read.
    pub(crate) wall_micros: i64,
    /// Seconds that clock is ahead of UTC. `None` where no zone is written.
    pub(crate) offset: Option<i32>,
}

impl IsoTimestamp {
    /// Microseconds since the epoch in UTC. A reading without a zone is taken
    /// for UTC.
    pub(crate) fn utc_micros(&self) -> i64 {
        self.wall_micros - i64::from(self.offset.unwrap_or(0)) * 1_000_000
    }
}

/// Reads `YYYY-MM-DD` as days since 1970-01-01.
#[inline]
pub(crate) fn parse_date(text: &[u8]) -> Option<i32> {
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = *<&[u8; 10]>::try_from(text).ok()? else {
        return None;
    };
    let year = two(y0, y1)? * 100 + two(y2, y3)?;
    let (month, day) = (two(m0, m1)?, two(d0, d1)?);
    let valid = (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
    (valid && year > 0).then(|| days_from_civil(year as i32, month, day))
}

/// Reads a date, or a date, `T` or a space, `HH:MM`, optionally `:SS` with a
/// fraction, and optionally a zone: `Z`, `±HH`, `±HHMM` or `±HH:MM`, which a
/// space may precede.
///
/// Digits beyond microseconds are dropped, as databases drop them.
#[inline]
pub(crate) fn parse_timestamp(text: &[u8]) -> Option<IsoTimestamp> {
    let (date, rest) = text.split_at_checked(10)?;
    let midnight = i64::from(parse_date(date)?) * 86_400_000_000;
    let Some((b'T' | b't' | b' ', clock)) = rest.split_first() else {
        return rest.is_empty().then_some(IsoTimestamp { wall_micros: midnight, offset: None });
    };
    let (micros, zone) = parse_clock(clock)?;
    Some(IsoTimestamp { wall_micros: midnight + micros, offset: parse_zone(zone)? })
}

/// Reads `HH:MM`, optionally `:SS` with a fraction, as microseconds of the day.
#[inline]
pub(crate) fn parse_time(text: &[u8]) -> Option<i64> {
    let (micros, rest) = parse_clock(text)?;
    rest.is_empty().then_some(micros)
}

/// Microseconds of the day and what follows.
fn parse_clock(text: &[u8]) -> Option<(i64, &[u8])> {
    let [h0, h1, b':', m0, m1, rest @ ..] = text else { return None };
    let (hour, minute) = (two(*h0, *h1)?, two(*m0, *m1)?);
    let (second, fraction, rest) = match rest {
        [b':', s0, s1, rest @ ..] => {
            let (fraction, rest) = parse_fraction(rest)?;
            (two(*s0, *s1)?, fraction, rest)
        }
        rest => (0, 0, rest),
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = i64::from(hour * 3600 + minute * 60 + second);
    Some((seconds * 1_000_000 + fraction, rest))
}

/// Microseconds behind a point or comma, and what follows.
fn parse_fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let [b'.' | b',', digits @ ..] = text else { return Some((0, text)) };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 {
        return None;
    }
    let micros = (0..6).fold(0, |micros, at| {
        let digit = if at < count { i64::from(digits[at] - b'0') } else { 0 };
        micros * 10 + digit
    });
    Some((micros, &digits[count..]))
}

/// `Some(None)` for no zone, `None` for what is not one.
fn parse_zone(text: &[u8]) -> Option<Option<i32>> {
    let text = text.strip_prefix(b" ").filter(|zone| !zone.is_empty()).unwrap_or(text);
    let (sign, hours, minutes) = match *text {
        [] => return Some(None),
        [b'Z' | b'z'] => return Some(Some(0)),
        [sign @ (b'+' | b'-'), h0, h1] => (sign, two(h0, h1)?, 0),
        [sign @ (b'+' | b'-'), h0, h1, m0, m1] | [sign @ (b'+' | b'-'), h0, h1, b':', m0, m1] => {
            (sign, two(h0, h1)?, two(m0, m1)?)
        }
        _ => return None,
    };
    let seconds = (hours * 3600 + minutes * 60) as i32;
    (hours <= 18 && minutes <= 59).then_some(Some(if sign == b'-' { -seconds } else { seconds }))
}

#[inline]
fn two(tens: u8, ones: u8) -> Option<u32> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then_some(u32::from(tens) * 10 + u32::from(ones))
}

fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar, by counting from
/// March so that leap days come last.
fn days_from_civil(year: i32, month: u32, day: u32) -> i32 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month as i32 + 9) % 12) + 2) / 5 + day as i32 - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Datelike, Days, NaiveDate};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn impossible_dates_are_refused() {
        for text in [
            "2023-02-29",
            "1900-02-29",
            "2024-13-01",
            "2024-00-10",
            "2024-04-31",
            "2024-01-00",
            "0000-01-01",
            "2024-1-1",
            "2024/01/01",
            "20240101",
            "2024-01-01 ",
            "",
            "2024-01-0١",
        ] {
            assert_eq!(parse_date(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse_date(b"1970-01-01"), Some(0));
        assert_eq!(parse_date(b"2000-02-29"), Some(11_016));
        assert_eq!(parse_date(b"1969-12-31"), Some(-1));
    }

    #[test]
    fn timestamps_are_read_in_all_their_spellings() {
        let instant = |text: &str| parse_timestamp(text.as_bytes());
        for text in [
            "2024-05-06T07:08:09.25Z",
            "2024-05-06 07:08:09.250000+00:00",
            "2024-05-06T09:08:09.250+0200",
            "2024-05-06 02:08:09.250000999 -05",
        ] {
            let expected = DateTime::parse_from_rfc3339("2024-05-06T07:08:09.25Z").expect("valid");
            let read = instant(text).expect(text);
            assert_eq!(read.utc_micros(), expected.timestamp_micros(), "{text}");
            assert!(read.offset.is_some(), "{text}");
        }
        for text in
            ["2024-05-06", "2024-05-06T00:00", "2024-05-06 00:00:00", "2024-05-06T00:00:00.0"]
        {
            let read = instant(text).expect(text);
            assert_eq!((read.wall_micros, read.offset), (1_714_953_600_000_000, None), "{text}");
        }
        for text in [
            "2024-05-06T24:00:00",
            "2024-05-06T07:60",
            "2024-05-06T07:08:60",
            "2024-05-06T07",
            "2024-05-06T",
            "2024-05-06 ",
            "2024-05-06T07:08:09.",
            "2024-05-06T07:08:09X",
            "2024-05-06T07:08:09 ",
            "2024-05-06T07:08:09+19:00",
            "2024-05-06T07:08:09+1",
            "07:08:09",
        ] {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_day_reads_back(day in 0u64..3_652_059) {
            let first = NaiveDate::from_ymd_opt(1, 1, 1).expect("valid");
            let date = first.checked_add_days(Days::new(day)).expect("in range");
            let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).expect("valid");
            let expected = date.num_days_from_ce() - epoch.num_days_from_ce();
            prop_assert_eq!(parse_date(date.to_string().as_bytes()), Some(expected));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[-0-9T:. Z+]{0,35}") {
            let _ = parse_timestamp(text.as_bytes());
        }
    }
}
