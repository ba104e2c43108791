//! The six fields of a cron expression: what may stand in them.

use crate::ScheduleError;
use crate::span::Span;

/// What a field takes.
#[derive(Debug)]
pub(crate) struct Field {
    /// As in `day of month`.
    pub(crate) name: &'static str,
    /// Lowest number.
    pub(crate) min: u16,
    /// Highest number.
    pub(crate) max: u16,
    /// Names of the numbers from the lowest.
    names: &'static [&'static str],
}

/// Minutes.
pub(crate) const MINUTE: Field = Field { name: "minute", min: 0, max: 59, names: &[] };
/// Hours.
pub(crate) const HOUR: Field = Field { name: "hour", min: 0, max: 23, names: &[] };
/// Days of the month.
pub(crate) const DATE: Field = Field { name: "day of month", min: 1, max: 31, names: &[] };
/// Months.
pub(crate) const MONTH: Field = Field {
    name: "month",
    min: 1,
    max: 12,
    names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
};
/// Days of the week: 1 is Sunday.
pub(crate) const WEEKDAY: Field = Field {
    name: "day of week",
    min: 1,
    max: 7,
    names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
};
/// Years.
pub(crate) const YEAR: Field = Field { name: "year", min: 1970, max: 2199, names: &[] };

impl Field {
    /// A number in range, or a name.
    pub(crate) fn number(&self, text: &str) -> Result<u16, ScheduleError> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        if let Some(index) = named.and_then(|index| u16::try_from(index).ok()) {
            return Ok(self.min + index);
        }
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|_| digits);
        number.filter(|number| (self.min..=self.max).contains(number)).ok_or_else(|| {
            let named = if self.names.is_empty() { "" } else { ", or its name" };
            self.wrong(text, format!("it is {} to {}{named}", self.min, self.max))
        })
    }

    /// The plain parts of a list.
    pub(crate) fn spans(&self, text: &str) -> Result<Vec<Span>, ScheduleError> {
        text.split(',').map(|part| Span::parse(part, self)).collect()
    }

    /// `part` can't stand in this field.
    pub(crate) fn wrong(&self, part: &str, reason: String) -> ScheduleError {
        ScheduleError::Field { field: self.name, part: part.to_owned(), reason }
    }
}
