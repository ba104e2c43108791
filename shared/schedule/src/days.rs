//! The two day fields, of which an expression has one.

use std::fmt;

use chrono::{Datelike, Days as ChronoDays, Months, NaiveDate};

use crate::ScheduleError;
use crate::field::{DATE, WEEKDAY};
use crate::span::{Span, any_contains};

/// On which days: the other field is `?`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Days {
    /// By day of month.
    OfMonth(Vec<Date>),
    /// By day of week.
    OfWeek(Vec<Weekday>),
}

/// A part of the day-of-month field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Date {
    /// Plain numbers.
    Plain(Span),
    /// `L`: the last day.
    Last,
    /// `LW`: the last day that is no Saturday or Sunday.
    LastWorkday,
    /// `15W`: of the days that are no Saturday or Sunday the nearest to the
    /// 15th within the month.
    NearestWorkday(u16),
}

/// A part of the day-of-week field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Weekday {
    /// Plain numbers, 1 is Sunday.
    Plain(Span),
    /// `5L`: the last Thursday of the month.
    Last(u16),
    /// `3#2`: the second Tuesday of the month.
    Nth(u16, u16),
}

impl Days {
    /// Reads both fields.
    pub(crate) fn parse(of_month: &str, of_week: &str) -> Result<Self, ScheduleError> {
        match (of_month, of_week) {
            ("?", "?") => Err(ScheduleError::Days),
            ("?", of_week) => {
                of_week.split(',').map(Weekday::parse).collect::<Result<_, _>>().map(Self::OfWeek)
            }
            (of_month, "?") => {
                of_month.split(',').map(Date::parse).collect::<Result<_, _>>().map(Self::OfMonth)
            }
            _ => Err(ScheduleError::Days),
        }
    }

    /// Whether `day` is one of these.
    pub(crate) fn contains(&self, day: NaiveDate) -> bool {
        match self {
            Self::OfMonth(dates) => dates.iter().any(|date| date.is(day)),
            Self::OfWeek(weekdays) => weekdays.iter().any(|weekday| weekday.is(day)),
        }
    }

    /// The day-of-month field.
    pub(crate) fn of_month(&self) -> impl fmt::Display {
        fmt::from_fn(move |f| match self {
            Self::OfMonth(dates) => list(f, dates, Date::write),
            Self::OfWeek(_) => write!(f, "?"),
        })
    }

    /// The day-of-week field.
    pub(crate) fn of_week(&self) -> impl fmt::Display {
        fmt::from_fn(move |f| match self {
            Self::OfMonth(_) => write!(f, "?"),
            Self::OfWeek(weekdays) => list(f, weekdays, Weekday::write),
        })
    }
}

impl Date {
    fn parse(text: &str) -> Result<Self, ScheduleError> {
        match (text, text.strip_suffix('W')) {
            ("L", _) => Ok(Self::Last),
            ("LW", _) => Ok(Self::LastWorkday),
            (_, Some(day)) => DATE.number(day).map(Self::NearestWorkday),
            (_, None) => Span::parse(text, &DATE).map(Self::Plain),
        }
    }

    fn is(&self, day: NaiveDate) -> bool {
        match self {
            Self::Plain(span) => any_contains(std::slice::from_ref(span), day.day()),
            Self::Last => Some(day) == last_of_month(day),
            Self::LastWorkday => last_of_month(day).and_then(nearest_workday) == Some(day),
            Self::NearestWorkday(wanted) => {
                day.with_day(u32::from(*wanted)).and_then(nearest_workday) == Some(day)
            }
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(span) => span.write(&DATE, f),
            Self::Last => write!(f, "L"),
            Self::LastWorkday => write!(f, "LW"),
            Self::NearestWorkday(day) => write!(f, "{day}W"),
        }
    }
}

impl Weekday {
    fn parse(text: &str) -> Result<Self, ScheduleError> {
        if text == "L" {
            return Span::parse("SAT", &WEEKDAY).map(Self::Plain);
        }
        if let Some((day, nth)) = text.split_once('#') {
            let nth = nth.parse().ok().filter(|nth| (1..=5).contains(nth));
            let nth = nth.ok_or_else(|| {
                WEEKDAY.wrong(text, "after `#` stands 1 to 5, the week of the month".to_owned())
            })?;
            return Ok(Self::Nth(WEEKDAY.number(day)?, nth));
        }
        match text.strip_suffix('L') {
            Some(day) => WEEKDAY.number(day).map(Self::Last),
            None => Span::parse(text, &WEEKDAY).map(Self::Plain),
        }
    }

    fn is(&self, day: NaiveDate) -> bool {
        let weekday = day.weekday().number_from_sunday();
        match self {
            Self::Plain(span) => any_contains(std::slice::from_ref(span), weekday),
            Self::Last(wanted) => weekday == u32::from(*wanted) && is_last_week(day),
            Self::Nth(wanted, nth) => {
                weekday == u32::from(*wanted) && day.day0() / 7 + 1 == u32::from(*nth)
            }
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(span) => span.write(&WEEKDAY, f),
            Self::Last(day) => write!(f, "{day}L"),
            Self::Nth(day, nth) => write!(f, "{day}#{nth}"),
        }
    }
}

fn last_of_month(day: NaiveDate) -> Option<NaiveDate> {
    day.with_day(1)?.checked_add_months(Months::new(1))?.pred_opt()
}

fn is_last_week(day: NaiveDate) -> bool {
    let next = day.checked_add_days(ChronoDays::new(7));
    next.is_none_or(|next| next.month() != day.month())
}

/// The nearest day that is no Saturday or Sunday, in the same month.
fn nearest_workday(day: NaiveDate) -> Option<NaiveDate> {
    let (before, after) = match day.weekday() {
        chrono::Weekday::Sat => (day.pred_opt()?, day.succ_opt()?.succ_opt()?),
        chrono::Weekday::Sun => (day.pred_opt()?.pred_opt()?, day.succ_opt()?),
        chrono::Weekday::Mon
        | chrono::Weekday::Tue
        | chrono::Weekday::Wed
        | chrono::Weekday::Thu
        | chrono::Weekday::Fri => return Some(day),
    };
    let first = if day.weekday() == chrono::Weekday::Sat { before } else { after };
    let second = if first == before { after } else { before };
    [first, second].into_iter().find(|near| near.month() == day.month())
}

fn list<T>(
    f: &mut fmt::Formatter<'_>,
    parts: &[T],
    write: impl Fn(&T, &mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(",")?;
        }
        write(part, f)?;
    }
    Ok(())
}
