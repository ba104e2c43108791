//! One key's value, read as what it has to be.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{DeserializeOwned, IntoDeserializer, value};
use serde_json::Value as Json;
use toml::Spanned;
use toml::de::DeValue;

use crate::quantity;
use crate::walk::{Findings, Section, Span, suggestion};

/// A key's value and everything needed to complain about it.
#[derive(Clone)]
pub(crate) struct Entry<'w> {
    pub(crate) findings: &'w Findings,
    pub(crate) path: String,
    pub(crate) key_span: Span,
    pub(crate) value: &'w Spanned<DeValue<'w>>,
    pub(crate) schema: &'static Json,
}

impl<'w> Entry<'w> {
    /// Notes a problem with the value.
    pub(crate) fn note(&self, message: impl Display) {
        self.findings.note(self.span(), &self.path, message.to_string(), None);
    }

    /// Notes a problem with the value and what to do about it.
    pub(crate) fn note_with(&self, message: impl Display, hint: impl Into<String>) {
        self.findings.note(self.span(), &self.path, message.to_string(), Some(hint.into()));
    }

    /// Where the value is; a table's own span can be empty, then its key's.
    pub(crate) fn span(&self) -> Span {
        match self.value.get_ref() {
            DeValue::Table(_) => self.key_span.clone(),
            _ => self.value.span(),
        }
    }

    /// The key's last part.
    fn name(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or(&self.path)
    }

    fn wrong_type<T>(&self, wanted: &str) -> Option<T> {
        let found = match self.value.get_ref() {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.note(format!("`{}` has to be {wanted}, but is {found}", self.name()));
        None
    }

    /// A text.
    pub(crate) fn text(&self) -> Option<&'w str> {
        match self.value.get_ref() {
            DeValue::String(text) => Some(text),
            _ => self.wrong_type("a text in quotes"),
        }
    }

    /// A text that a type of its own reads.
    pub(crate) fn parsed<T: FromStr<Err: Display>>(&self) -> Option<T> {
        self.text()?.parse().map_err(|error: T::Err| self.note(error)).ok()
    }

    /// `true` or `false`.
    pub(crate) fn flag(&self) -> Option<bool> {
        match self.value.get_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            _ => self.wrong_type("true or false"),
        }
    }

    /// A whole number within bounds.
    pub(crate) fn number(&self, bounds: RangeInclusive<u64>) -> Option<u64> {
        let DeValue::Integer(digits) = self.value.get_ref() else {
            return self.wrong_type("a whole number");
        };
        let number = u64::from_str_radix(digits.as_str(), digits.radix()).ok();
        let within = number.filter(|number| bounds.contains(number));
        if within.is_none() {
            let (low, high) = bounds.into_inner();
            self.note(format!("`{}` has to be {low} to {high}, not {digits}", self.name()));
        }
        within
    }

    /// A duration such as `"5m"` within bounds.
    pub(crate) fn duration(&self, bounds: RangeInclusive<Duration>) -> Option<Duration> {
        let example = r#"write a text such as "30s", "5m" or "2h""#;
        let DeValue::String(text) = self.value.get_ref() else {
            self.note_with(format!("`{}` has to be a duration", self.name()), example);
            return None;
        };
        let Some(duration) = quantity::duration(text) else {
            self.note_with(format!("`{text}` is not a duration"), example);
            return None;
        };
        if !bounds.contains(&duration) {
            let low = quantity::show_duration(*bounds.start());
            let high = quantity::show_duration(*bounds.end());
            self.note(format!("`{}` has to be {low} to {high}, not `{text}`", self.name()));
            return None;
        }
        Some(duration)
    }

    /// A number of bytes: a whole number, or a text such as `"8MiB"`.
    pub(crate) fn size(&self, bounds: RangeInclusive<u64>) -> Option<u64> {
        let DeValue::String(text) = self.value.get_ref() else {
            return self.number(bounds);
        };
        let Some(size) = quantity::size(text) else {
            let example = r#"write a text such as "512KiB", "8MiB" or "2GB""#;
            self.note_with(format!("`{text}` is not a number of bytes"), example);
            return None;
        };
        if !bounds.contains(&size) {
            let (low, high) = bounds.into_inner();
            let (low, high) = (quantity::show_size(low), quantity::show_size(high));
            self.note(format!("`{}` has to be {low} to {high}, not `{text}`", self.name()));
            return None;
        }
        Some(size)
    }

    /// One of the words the JSON Schema lists.
    pub(crate) fn choice<T: DeserializeOwned>(&self) -> Option<T> {
        let text = self.text()?;
        let word: value::StrDeserializer<'_, value::Error> = text.into_deserializer();
        if let Ok(choice) = T::deserialize(word) {
            return Some(choice);
        }
        let words = crate::schema::words(self.schema);
        self.note_with(
            format!("`{text}` is not one of {}", words.join(", ")),
            suggestion(text, &words).unwrap_or_else(|| format!("write {:?}", words[0])),
        );
        None
    }

    /// Whether it is a list of nothing.
    pub(crate) fn is_empty_list(&self) -> bool {
        matches!(self.value.get_ref(), DeValue::Array(items) if items.is_empty())
    }

    /// The elements of a list.
    pub(crate) fn items(&self) -> Option<Vec<Entry<'w>>> {
        let DeValue::Array(items) = self.value.get_ref() else {
            return self.wrong_type("a list");
        };
        let entry = |(index, value): (usize, &'w Spanned<DeValue<'w>>)| Entry {
            findings: self.findings,
            path: format!("{}[{index}]", self.path),
            key_span: value.span(),
            value,
            schema: &self.schema["items"],
        };
        Some(items.iter().enumerate().map(entry).collect())
    }

    /// A list of texts, each with its entry so that it can be complained about.
    pub(crate) fn texts(&self) -> Option<Vec<(&'w str, Entry<'w>)>> {
        let items = self.items()?;
        Some(items.into_iter().filter_map(|item| Some((item.text()?, item))).collect())
    }

    /// A table.
    pub(crate) fn section(&self) -> Option<Section<'w>> {
        match self.value.get_ref() {
            DeValue::Table(table) => Some(Section::open(
                self.findings,
                self.path.clone(),
                self.key_span.clone(),
                table,
                self.schema,
            )),
            _ => self.wrong_type("a table"),
        }
    }
}
