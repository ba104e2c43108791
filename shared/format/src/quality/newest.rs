//! The newest value of a column, over all rows that are written.

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::{cast, max};
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use chrono::DateTime;

use super::{FileCheck, FileRule};
use crate::FormatError;

/// Keeps the newest value for each rule about age.
pub(crate) struct Newest<'p>(Vec<(usize, &'p FileRule, Option<i64>)>);

impl<'p> Newest<'p> {
    /// Of the rules about age among `rules`; no value has been seen.
    pub(crate) fn new(rules: &'p [FileRule]) -> Self {
        let of_age = |rule: &&FileRule| matches!(rule.check, FileCheck::MaxAge { .. });
        let rules = rules.iter().enumerate().filter(|(_, rule)| of_age(rule));
        Self(rules.map(|(index, rule)| (index, rule, None)).collect())
    }

    /// Looks at the rows of a batch.
    pub(crate) fn see(&mut self, batch: &RecordBatch) -> Result<(), FormatError> {
        for (_, rule, newest) in &mut self.0 {
            let FileCheck::MaxAge { column, .. } = rule.check else { continue };
            let instants = DataType::Timestamp(TimeUnit::Microsecond, None);
            let column = cast(batch.column(column), &instants)
                .map_err(|error| FormatError::Encode(error.to_string()))?;
            *newest = max(column.as_primitive::<TimestampMicrosecondType>()).max(*newest);
        }
        Ok(())
    }

    /// The rules that are broken: their positions, and what the file is like.
    pub(crate) fn broken(&self) -> impl Iterator<Item = (usize, String)> + '_ {
        self.0.iter().filter_map(|(index, rule, newest)| {
            let FileCheck::MaxAge { at_most, from, .. } = rule.check else { return None };
            let newest = (*newest)?;
            let age = from.saturating_sub(newest);
            (age > at_most).then(|| (*index, described(newest, from)))
        })
    }
}

/// Microseconds since 1970 for a person.
fn described(newest: i64, from: i64) -> String {
    let shown = |instant| match DateTime::from_timestamp_micros(instant) {
        Some(instant) => instant.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
        None => format!("{instant} microseconds since 1970"),
    };
    format!("the newest value is {}, the file is of {}", shown(newest), shown(from))
}
