//! The condition that a filter comes to, with its values counted from `$1`.

use std::fmt;

use crate::Value;

/// Parts of a condition, all of which hold.
#[derive(Default)]
pub(crate) struct Narrowed {
    parts: Vec<String>,
    values: Vec<Value>,
}

impl Narrowed {
    /// By a condition that has no value.
    pub(crate) fn only(&mut self, part: impl Into<String>) {
        self.parts.push(part.into());
    }

    /// By a column and an operator, as in `state =`, and a value, if there is one.
    pub(crate) fn by(&mut self, condition: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            let place = self.bind(value);
            self.parts.push(format!("{condition} {place}"));
        }
    }

    /// The place of a value.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    /// The place of the number of rows at most; all without it.
    pub(crate) fn limit(&mut self, rows: Option<u32>) -> String {
        self.bind(i64::from(rows.unwrap_or(u32::MAX)))
    }

    /// What is bound to the places.
    pub(crate) fn values(&self) -> &[Value] {
        &self.values
    }

    /// The condition, and what is bound to its places.
    pub(crate) fn into_parts(self) -> (String, Vec<Value>) {
        (self.to_string(), self.values)
    }
}

impl fmt::Display for Narrowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts.as_slice() {
            [] => f.write_str("1 = 1"),
            parts => f.write_str(&parts.join(" AND ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_asks_for_nothing_holds_for_every_row() {
        let mut wanted = Narrowed::default();
        wanted.by("state =", None::<&str>);
        assert_eq!(wanted.to_string(), "1 = 1");
        assert!(wanted.values().is_empty());
    }

    #[test]
    fn places_are_counted_in_the_order_of_their_values() {
        let mut wanted = Narrowed::default();
        wanted.only("told_at IS NULL");
        wanted.by("stream =", Some("s"));
        wanted.by("state =", None::<&str>);
        wanted.by("row_count >", Some(7_i64));
        assert_eq!(wanted.limit(Some(5)), "$3");
        assert_eq!(wanted.to_string(), "told_at IS NULL AND stream = $1 AND row_count > $2");
        assert_eq!(wanted.values(), ["s".into(), 7_i64.into(), 5_i64.into()]);
    }
}
