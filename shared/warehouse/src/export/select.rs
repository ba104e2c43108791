//! The statements that rows are read by. Names are quoted, values are
//! placeholders.

use millrace_contract::{ExportSource, QueryPiece};

use super::Extract;
use crate::column::quote;

/// The query or the table of an export, with its placeholders written.
pub(super) struct From {
    /// What stands behind `FROM`.
    pub(super) relation: String,
    /// The statement that gives all rows and columns.
    pub(super) all: String,
    is_query: bool,
}

impl From {
    /// Writes the source; `placeholder` writes the one of a parameter by its
    /// position in [`ExportSource::parameters`].
    pub(super) fn new(source: &ExportSource, mut placeholder: impl FnMut(usize) -> String) -> Self {
        let names = source.parameters();
        match source {
            ExportSource::Table { schema, table } => {
                let relation = match schema {
                    Some(schema) => format!("{}.{}", quote(schema), quote(table)),
                    None => quote(table),
                };
                let all = format!("SELECT * FROM {relation}");
                Self { relation, all, is_query: false }
            }
            ExportSource::Query(pieces) => {
                let mut sql = String::new();
                for piece in pieces {
                    match piece {
                        QueryPiece::Sql(text) => sql.push_str(text),
                        QueryPiece::Parameter(name) => {
                            let position = names.iter().position(|known| known == name);
                            sql.push_str(&placeholder(position.unwrap_or_default()));
                        }
                    }
                }
                // A comment at the end must not swallow the bracket.
                Self { relation: format!("({sql}\n) AS exported_rows"), all: sql, is_query: true }
            }
        }
    }

    /// The statement that gives these columns of the rows that meet all
    /// conditions. A query that nothing is asked of stays as it is, so that its
    /// rows keep their order.
    pub(super) fn rows(&self, columns: &[String], conditions: &[String], as_is: bool) -> String {
        if self.is_query && as_is && conditions.is_empty() {
            return self.all.clone();
        }
        let condition = match conditions {
            [] => String::new(),
            conditions => format!(" WHERE {}", conditions.join(" AND ")),
        };
        format!("SELECT {} FROM {}{condition}", columns.join(", "), self.relation)
    }
}

/// What has to hold for the growing column: `from` and `to` write the bounds.
pub(super) fn range(
    extract: &Extract<'_>,
    upper: Option<&str>,
    from: impl FnOnce() -> String,
    to: impl FnOnce() -> String,
) -> Vec<String> {
    let Some(growing) = &extract.growing else { return Vec::new() };
    let column = quote(growing.column);
    let mut conditions = Vec::new();
    if growing.from.is_some() {
        conditions.push(format!("{column} > {}", from()));
    }
    match upper {
        Some(_) => conditions.push(format!("{column} <= {}", to())),
        // Nothing has a value yet.
        None => conditions.push("1 = 0".to_owned()),
    }
    conditions
}
