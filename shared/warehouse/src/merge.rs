//! The statements of mode `merge`: the pipeline file's own SQL, with the names of
//! the tables put in.

use millrace_ledger::DatabaseError;

use crate::column::quote_table;
use crate::{LoadError, LoadPlan};

/// The temporary table that holds the rows of the file.
pub(crate) const STAGE: &str = "millrace_stage";

/// Characters of a statement that an error repeats.
const SHOWN: usize = 120;

/// A statement that is ready to run.
pub(crate) struct Statement {
    number: usize,
    pub(crate) sql: String,
}

/// The statements of a load in their order. `stage` is quoted already.
pub(crate) fn statements(plan: &LoadPlan<'_>, stage: &str) -> Vec<Statement> {
    let table = quote_table(plan.target);
    let put_in = |sql: &String| sql.replace("{input}", stage).replace("{table}", &table);
    let numbered = plan.target.sql.iter().map(put_in).enumerate();
    numbered.map(|(index, sql)| Statement { number: index + 1, sql }).collect()
}

impl Statement {
    /// What the database said of the statement.
    pub(crate) fn failed(&self, plan: &LoadPlan<'_>, source: DatabaseError) -> LoadError {
        let words = plan.target.sql.get(self.number - 1).map_or("", String::as_str);
        let words: Vec<&str> = words.split_whitespace().collect();
        let words = words.join(" ");
        let mut shown: String = words.chars().take(SHOWN).collect();
        if shown.len() < words.len() {
            shown.push('…');
        }
        let (table, number) = (plan.target.full_name(), self.number);
        LoadError::Statement { table, number, sql: shown, source }
    }
}
