//! The plain part of every cron field: numbers, ranges, steps.

use std::fmt;

use crate::ScheduleError;
use crate::field::Field;

/// `from`, `from + step`, … up to `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Span {
    from: u16,
    to: u16,
    step: u16,
}

impl Span {
    /// Reads `*`, `5`, `1-5`, `0/15`, `*/15`, `10-30/5`.
    pub(crate) fn parse(text: &str, field: &Field) -> Result<Self, ScheduleError> {
        let (range, step) = match text.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (text, None),
        };
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (field.number(from)?, field.number(to)?),
            None if range == "*" => (field.min, field.max),
            None => {
                let from = field.number(range)?;
                (from, if step.is_some() { field.max } else { from })
            }
        };
        if from > to {
            return Err(field.wrong(text, "a range goes from the lower to the higher".to_owned()));
        }
        let step = step.map_or(Ok(1), |step| {
            let number = step.parse().ok().filter(|step| (1..=field.max).contains(step));
            number.ok_or_else(|| field.wrong(text, "the step after `/` is out of range".to_owned()))
        })?;
        // A single number has no steps: equal spans are written alike.
        Ok(Self { from, to, step: if from == to { 1 } else { step } })
    }

    /// Whether `value` is one of these.
    pub(crate) fn contains(&self, value: u16) -> bool {
        (self.from..=self.to).contains(&value) && (value - self.from).is_multiple_of(self.step)
    }

    /// As it is written in `field`.
    pub(crate) fn write(&self, field: &Field, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, step } = self;
        match (*from == field.min && *to == field.max, from == to) {
            (true, _) => write!(f, "*")?,
            (false, true) => return write!(f, "{from}"),
            (false, false) if *to == field.max && *step > 1 => write!(f, "{from}")?,
            (false, false) => write!(f, "{from}-{to}")?,
        }
        if *step > 1 { write!(f, "/{step}") } else { Ok(()) }
    }
}

/// Whether one of `spans` has `value`.
pub(crate) fn any_contains(spans: &[Span], value: u32) -> bool {
    u16::try_from(value).is_ok_and(|value| spans.iter().any(|span| span.contains(value)))
}
