//! The names by which a dataset's rows can be partitioned and told apart.

use millrace_contract::{ColumnDef, DataType};

use crate::entry::Entry;
use crate::walk::suggestion;

/// The columns and captures of a dataset.
pub(crate) struct Known<'k> {
    /// Declared columns.
    pub(crate) columns: &'k [ColumnDef],
    /// What the pattern captures; a column of the same name gives it a type.
    pub(crate) captures: Vec<&'k str>,
    /// Whether there may be further columns.
    pub(crate) open: bool,
}

impl Known<'_> {
    /// The names in a list, having noted those that are unknown or said twice.
    pub(crate) fn names_in(&self, list: &[(&str, Entry<'_>)]) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for (name, entry) in list {
            if names.iter().any(|seen| seen == name) {
                entry.note(format!("`{name}` is named twice"));
                continue;
            }
            self.note_unknown(name, entry);
            names.push((*name).to_owned());
        }
        names
    }

    fn note_unknown(&self, name: &str, entry: &Entry<'_>) {
        let all = self.names();
        if self.open || all.contains(&name) {
            return;
        }
        entry.note_with(
            format!("`{name}` is neither a column nor captured by the pattern"),
            suggestion(name, &all).unwrap_or_else(|| format!("known: {}", all.join(", "))),
        );
    }

    /// All names, one that is both column and capture once.
    fn names(&self) -> Vec<&str> {
        let columns = self.columns.iter().map(|column| column.name.as_str());
        let captures = self.captures.iter().copied().filter(|name| self.column(name).is_none());
        columns.chain(captures).collect()
    }

    /// A declared column by name.
    fn column(&self, name: &str) -> Option<&ColumnDef> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The type of a declared column.
    pub(crate) fn type_of(&self, name: &str) -> Option<DataType> {
        self.column(name).map(|column| column.data_type)
    }

    /// Whether a file may leave the column empty: a declared one that is not
    /// required. A capture always has a value, and of what is inferred there is
    /// no telling.
    pub(crate) fn may_be_null(&self, name: &str) -> bool {
        let captured = self.captures.contains(&name);
        self.column(name).is_some_and(|column| !column.required && !captured)
    }
}
