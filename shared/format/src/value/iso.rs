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
    let [century, year, month, day] = four_pairs([y0, y1, y2, y3, m0, m1, d0, d1])?;
    days_from_civil(usize::from(century) * 100 + usize::from(year), month.into(), day.into())
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

/// Eight digits as four numbers of two digits, worked out at once.
#[inline]
fn four_pairs(digits: [u8; 8]) -> Option<[u8; 4]> {
    const ZEROS: u64 = 0x3030_3030_3030_3030;
    /// What lifts a byte above 9 into its highest bit.
    const ABOVE_NINE: u64 = 0x7676_7676_7676_7676;
    const HIGHEST_BITS: u64 = 0x8080_8080_8080_8080;
    let values = u64::from_le_bytes(digits) ^ ZEROS;
    if (values | values.wrapping_add(ABOVE_NINE)) & HIGHEST_BITS != 0 {
        return None;
    }
    // Every other byte becomes ten times itself and the byte behind it.
    let pairs = values.wrapping_mul(10).wrapping_add(values >> 8);
    let [century, _, year, _, month, _, day, _] = pairs.to_le_bytes();
    Some([century, year, month, day])
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar, for a year from 1
/// to 9999. `None` for a date that there is not.
#[inline]
fn days_from_civil(year: usize, month: usize, day: usize) -> Option<i32> {
    let (first, next) = (*YEARS.get(year)?, *YEARS.get(year + 1)?);
    let months = &MONTHS[usize::from(next - first == 366)];
    let (start, end) = (months.get(month.wrapping_sub(1))?, months.get(month)?);
    let day = i32::try_from(day).ok()?;
    let exists = year > 0 && day > 0 && day <= end - start;
    exists.then_some(first + start + day - 1)
}

/// Days from 1970-01-01 to the first day of each year from 0 to 10,000.
static YEARS: [i32; 10_001] = {
    let mut days = [0; 10_001];
    // The year 0 is a leap year.
    let (mut year, mut first) = (0, -719_528);
    while year < days.len() {
        days[year] = first;
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        first += if leap { 366 } else { 365 };
        year += 1;
    }
    days
};

/// Days from the first of January to the first day of each month, and to the end
/// of the year: of common years, then of leap years.
static MONTHS: [[i32; 13]; 2] = [
    [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365],
    [0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366],
];

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
