//! Reads TOML tables key by key and notes everything that is wrong on the way,
//! each with its place, instead of stopping at the first.
//!
//! The keys a table may have, and the words a key may say, come from the JSON
//! Schema: what editors complete and what is accepted cannot differ.

use std::cell::RefCell;
use std::ops::Range;

use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::entry::Entry;
use crate::nearest::nearest;
use crate::problem::{Finding, Problem};

/// A byte range in the file.
pub(crate) type Span = Range<usize>;

/// Everything found so far.
#[derive(Debug, Default)]
pub(crate) struct Findings(RefCell<Vec<(Span, Finding)>>);

impl Findings {
    /// Notes a problem.
    pub(crate) fn note(&self, span: Span, key: &str, message: String, hint: Option<String>) {
        self.0.borrow_mut().push((span, Finding { key: key.to_owned(), message, hint }));
    }

    /// The problems in the order of the file.
    pub(crate) fn into_problems(self, text: &str) -> Vec<Problem> {
        let mut found = self.0.into_inner();
        found.sort_by_key(|(span, _)| span.start);
        found.into_iter().map(|(span, finding)| Problem::at(text, span, finding)).collect()
    }
}

/// A table being read.
#[derive(Clone)]
pub(crate) struct Section<'w> {
    pub(crate) findings: &'w Findings,
    /// Dotted path; empty for the file itself.
    pub(crate) path: String,
    /// Where the table begins: its key or its header.
    pub(crate) span: Span,
    table: &'w DeTable<'w>,
    schema: &'static Json,
}

impl<'w> Section<'w> {
    /// Opens a table and notes every key in it that does not belong.
    pub(crate) fn open(
        findings: &'w Findings,
        path: String,
        span: Span,
        table: &'w DeTable<'w>,
        schema: &'static Json,
    ) -> Self {
        let section = Self { findings, path, span, table, schema };
        section.note_unknown_keys();
        section
    }

    fn note_unknown_keys(&self) {
        let Some(properties) = self.schema["properties"].as_object() else { return };
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            if properties.contains_key(name) {
                continue;
            }
            let path = self.path_of(name);
            let hint = suggestion(name, properties.keys());
            self.findings.note(key.span(), &path, self.unknown(name), hint);
        }
    }

    fn unknown(&self, name: &str) -> String {
        match self.path.as_str() {
            "" => format!("unknown key `{name}`"),
            path => format!("unknown key `{name}` in `{path}`"),
        }
    }

    /// The path of a key of this table.
    pub(crate) fn path_of(&self, name: &str) -> String {
        let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let quoted = match !name.is_empty() && name.chars().all(bare) {
            true => name.to_owned(),
            false => format!("{name:?}"),
        };
        match self.path.as_str() {
            "" => quoted,
            path => format!("{path}.{quoted}"),
        }
    }

    /// A key's entry, if it is there.
    pub(crate) fn get(&self, name: &str) -> Option<Entry<'w>> {
        let (key, value) = self.table.get_key_value(name)?;
        Some(self.entry(key.span(), name, value, &self.schema["properties"][name]))
    }

    /// A key's entry; noted as missing if it is not there.
    pub(crate) fn need(&self, name: &str, example: &str) -> Option<Entry<'w>> {
        let entry = self.get(name);
        if entry.is_none() {
            self.missing(name, example);
        }
        entry
    }

    fn missing(&self, name: &str, example: &str) {
        let message = match self.path.as_str() {
            "" => format!("`{name}` is missing"),
            path => format!("`{name}` is missing in `{path}`"),
        };
        let hint = Some(format!("write `{name} = {example}`"));
        self.findings.note(self.span.clone(), &self.path_of(name), message, hint);
    }

    /// The table under a key, if it is there and a table.
    pub(crate) fn section(&self, name: &str) -> Option<Section<'w>> {
        self.get(name)?.section()
    }

    /// The entries of a table whose keys are the user's own, in file order.
    pub(crate) fn named(&self) -> Vec<(&'w str, Entry<'w>)> {
        let schema = &self.schema["additionalProperties"];
        let mut entries: Vec<_> = self
            .table
            .iter()
            .map(|(key, value)| {
                let name: &'w str = key.get_ref();
                (name, self.entry(key.span(), name, value, schema))
            })
            .collect();
        entries.sort_by_key(|(_, entry)| entry.key_span.start);
        entries
    }

    fn entry(
        &self,
        key_span: Span,
        name: &str,
        value: &'w Spanned<DeValue<'w>>,
        schema: &'static Json,
    ) -> Entry<'w> {
        Entry { findings: self.findings, path: self.path_of(name), key_span, value, schema }
    }
}

/// "did you mean", if one of the candidates is near enough.
pub(crate) fn suggestion<S: AsRef<str>>(
    name: &str,
    candidates: impl IntoIterator<Item = S>,
) -> Option<String> {
    Some(format!("did you mean `{}`?", nearest(name, candidates)?))
}
