//! Where the ticks of an axis lie: round numbers, and round moments of the calendar.

use chrono::{Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};

use crate::rows::is_day;

/// A span of numbers with round ends and the ticks between.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ticks {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) step: f64,
}

impl Ticks {
    /// About `count` ticks from `low` to `high`, or a bit beyond.
    pub(crate) fn new(low: f64, high: f64, count: usize) -> Self {
        let (low, high) = match (low, high) {
            (low, high) if low < high => (low, high),
            (0.0, _) => (0.0, 1.0),
            (same, _) => (same.min(0.0), same.max(0.0)),
        };
        let step = round_step((high - low) / count.max(1) as f64);
        Self { low: (low / step).floor() * step, high: (high / step).ceil() * step, step }
    }

    /// The ticks, in order.
    pub(crate) fn all(&self) -> Vec<f64> {
        let count = ((self.high - self.low) / self.step).round() as usize;
        // By multiplication: sums of steps drift.
        let first = (self.low / self.step).round();
        (0..=count.min(100)).map(|index| (first + index as f64) * self.step).collect()
    }

    /// How far along the axis a number lies, 0 to 1.
    pub(crate) fn along(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }
}

/// The next of 1, 2, 2.5, 5 and 10 times a power of ten.
fn round_step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.log10().floor());
    let factor =
        [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().find(|&f| rough <= f * power * (1.0 + 1e-9));
    factor.unwrap_or(10.0) * power
}

/// How finely a column of moments tells time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Grain {
    Year,
    Month,
    Day,
    Minute,
}

impl Grain {
    /// The coarsest that tells them apart.
    pub(crate) fn of(moments: impl Iterator<Item = NaiveDateTime>) -> Self {
        let grain = |at: NaiveDateTime| match (is_day(at), at.day(), at.month()) {
            (false, ..) => Self::Minute,
            (true, 1, 1) => Self::Year,
            (true, 1, _) => Self::Month,
            (true, ..) => Self::Day,
        };
        // A single day is a day, even the first of a month.
        let (mut finest, mut count) = (Self::Year, 0);
        for at in moments {
            finest = finest.max(grain(at));
            count += 1;
        }
        match count {
            0 | 1 => finest.max(Self::Month),
            _ => finest,
        }
    }

    /// A moment in full.
    pub(crate) fn write(self, at: NaiveDateTime) -> String {
        let pattern = match self {
            Self::Year => "%Y",
            Self::Month => "%b %Y",
            Self::Day => "%-d %b %Y",
            Self::Minute => "%-d %b %Y %H:%M",
        };
        at.format(pattern).to_string()
    }

    /// A moment beside others: the year only where it begins, or first.
    pub(crate) fn short(self, at: NaiveDateTime, before: Option<NaiveDateTime>) -> String {
        let is_new_year = before.is_none_or(|before| before.year() != at.year());
        let is_new_day = before.is_none_or(|before| before.date() != at.date());
        let pattern = match self {
            Self::Year => "%Y",
            Self::Month if is_new_year => "%b %Y",
            Self::Month => "%b",
            Self::Day if is_new_year => "%-d %b %Y",
            Self::Day => "%-d %b",
            Self::Minute if is_new_day => "%-d %b %H:%M",
            Self::Minute => "%H:%M",
        };
        at.format(pattern).to_string()
    }
}

/// A distance between ticks.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stride {
    Minutes(i64),
    Days(u64),
    Months(u32),
}

const STRIDES: [Stride; 21] = [
    Stride::Minutes(1),
    Stride::Minutes(5),
    Stride::Minutes(15),
    Stride::Minutes(30),
    Stride::Minutes(60),
    Stride::Minutes(180),
    Stride::Minutes(360),
    Stride::Minutes(720),
    Stride::Days(1),
    Stride::Days(2),
    Stride::Days(7),
    Stride::Days(14),
    Stride::Months(1),
    Stride::Months(3),
    Stride::Months(6),
    Stride::Months(12),
    Stride::Months(24),
    Stride::Months(60),
    Stride::Months(120),
    Stride::Months(600),
    Stride::Months(1200),
];

impl Stride {
    fn minutes(self) -> f64 {
        match self {
            Self::Minutes(minutes) => minutes as f64,
            Self::Days(days) => days as f64 * 1440.0,
            Self::Months(months) => f64::from(months) * 43_830.0,
        }
    }

    /// The last tick at or before a moment.
    fn floor(self, at: NaiveDateTime) -> Option<NaiveDateTime> {
        match self {
            Self::Minutes(minutes) => {
                let past = i64::from(at.num_seconds_from_midnight()) / 60 / minutes * minutes;
                Some(at.date().and_time(NaiveTime::MIN) + TimeDelta::minutes(past))
            }
            Self::Days(days) if days < 7 => Some(at.date().and_time(NaiveTime::MIN)),
            // Weeks begin on Mondays.
            Self::Days(_) => {
                let past = u64::from(at.weekday().num_days_from_monday());
                Some(at.date().checked_sub_days(Days::new(past))?.and_time(NaiveTime::MIN))
            }
            Self::Months(months) => {
                let month = at.year().checked_mul(12)? + at.month0() as i32;
                let first = month.div_euclid(months as i32) * months as i32;
                let (year, month0) = (first.div_euclid(12), first.rem_euclid(12));
                let day = NaiveDate::from_ymd_opt(year, month0 as u32 + 1, 1)?;
                Some(day.and_time(NaiveTime::MIN))
            }
        }
    }

    fn next(self, at: NaiveDateTime) -> Option<NaiveDateTime> {
        match self {
            Self::Minutes(minutes) => at.checked_add_signed(TimeDelta::minutes(minutes)),
            Self::Days(days) => at.checked_add_days(Days::new(days)),
            Self::Months(months) => at.checked_add_months(Months::new(months)),
        }
    }

    fn grain(self) -> Grain {
        match self {
            Self::Minutes(_) => Grain::Minute,
            Self::Days(_) => Grain::Day,
            Self::Months(months) if months < 12 => Grain::Month,
            Self::Months(_) => Grain::Year,
        }
    }
}

/// Moments between two others with their labels: at most `most`, none finer than
/// `grain`.
pub(crate) fn moments(
    from: NaiveDateTime,
    to: NaiveDateTime,
    grain: Grain,
    most: usize,
) -> Vec<(NaiveDateTime, String)> {
    let span = (to - from).num_seconds() as f64 / 60.0;
    let fits =
        |stride: &&Stride| stride.grain() <= grain && span / stride.minutes() <= most.max(2) as f64;
    let stride = STRIDES.iter().find(fits).unwrap_or(&STRIDES[20]);
    let mut ticks: Vec<(NaiveDateTime, String)> = Vec::new();
    let mut at = stride.floor(from);
    while let Some(tick) = at.filter(|&tick| tick <= to) {
        if tick >= from {
            let before = ticks.last().map(|(before, _)| *before);
            ticks.push((tick, stride.grain().short(tick, before)));
        }
        at = stride.next(tick);
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::moment;

    #[test]
    fn ticks_are_round_and_hold_every_value() {
        for (low, high, expected) in [
            (0.0, 97.0, vec![0.0, 20.0, 40.0, 60.0, 80.0, 100.0]),
            (-3.0, 8.0, vec![-5.0, -2.5, 0.0, 2.5, 5.0, 7.5, 10.0]),
            (0.0, 0.0, vec![0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
            (0.0, 1e-6, vec![0.0, 2e-7, 4e-7, 6e-7, 8e-7, 1e-6]),
            (5.0, 5.0, vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
        ] {
            let all = Ticks::new(low, high, 5).all();
            assert_eq!(all.len(), expected.len(), "{all:?}");
            let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-9;
            assert!(all.iter().zip(&expected).all(near), "{all:?}");
        }
    }

    fn labels(from: &str, to: &str, most: usize) -> Vec<String> {
        let (from, to) = (moment(from).expect(from), moment(to).expect(to));
        let grain = if is_day(from) { Grain::Day } else { Grain::Minute };
        moments(from, to, grain, most).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn moments_are_those_of_the_calendar() {
        assert_eq!(labels("2023-11-01", "2024-02-01", 6), ["Nov 2023", "Dec", "Jan 2024", "Feb"]);
        assert_eq!(labels("2024-01-01", "2024-01-03", 9), ["1 Jan 2024", "2 Jan", "3 Jan"]);
        assert_eq!(labels("2015-03-01", "2024-02-01", 5), ["2016", "2018", "2020", "2022", "2024"]);
        let day = labels("2024-01-01T22:10:00", "2024-01-02T03:00:00", 8);
        assert_eq!(day, ["1 Jan 23:00", "2 Jan 00:00", "01:00", "02:00", "03:00"]);
    }

    #[test]
    fn a_column_is_as_fine_as_its_finest_moment() {
        let of = |texts: &[&str]| Grain::of(texts.iter().filter_map(|text| moment(text)));
        assert_eq!(of(&["2023-01-01", "2024-01-01"]), Grain::Year);
        assert_eq!(of(&["2024-01", "2024-02"]), Grain::Month);
        assert_eq!(of(&["2024-01", "2024-02-02"]), Grain::Day);
        assert_eq!(of(&["2024-01", "2024-02-02 10:00"]), Grain::Minute);
    }
}
