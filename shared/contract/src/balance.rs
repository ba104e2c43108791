//! The row balance: every row that was read is written, rejected or skipped by
//! a named rule. Where SQL stands between reading and writing, the rows it took
//! and the rows it made are two accounts, and each has to be even.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How many rows a file had and what became of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowBalance {
    /// Rows found in the source, the header not counted.
    pub read: u64,
    /// Rows written to Parquet.
    pub written: u64,
    /// Rows rejected, each with a reason in the rejects object.
    pub rejected: u64,
    /// Rows left out on purpose, by the name of the rule (`blank_line`, …).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub skipped: BTreeMap<String, u64>,
    /// What went through the dataset's SQL; absent where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<SqlRows>,
}

/// The rows that went into a dataset's SQL and came out of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqlRows {
    /// Good rows that were handed to it.
    pub taken: u64,
    /// Rows it made of them, all of which are written.
    pub made: u64,
}

impl RowBalance {
    /// Rows skipped by all rules together.
    pub fn skipped_total(&self) -> u64 {
        self.skipped.values().sum()
    }

    /// Counts `rows` skipped by `rule`.
    pub fn skip(&mut self, rule: &str, rows: u64) {
        *self.skipped.entry(rule.to_owned()).or_default() += rows;
    }

    /// Rows that were good: written as they are, or handed to the SQL.
    pub fn good(&self) -> u64 {
        self.sql.map_or(self.written, |sql| sql.taken)
    }

    /// Checks read = written + rejected + skipped; with SQL, read = taken by it +
    /// rejected + skipped, and written = made by it.
    ///
    /// # Errors
    /// [`Unbalanced`] if a row went missing or was counted twice: a defect of
    /// ours, never of the file, so nothing may be committed.
    pub fn check(&self) -> Result<(), Unbalanced> {
        let accounted = self.good() + self.rejected + self.skipped_total();
        let all_made_is_written = self.sql.is_none_or(|sql| sql.made == self.written);
        if self.read == accounted && all_made_is_written {
            return Ok(());
        }
        Err(Unbalanced { balance: self.clone(), accounted })
    }
}

/// The rows of a file do not add up.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "row balance broken: {} rows read, but {} {} + {} rejected + {} skipped = {accounted}{}; \
     nothing was committed",
    balance.read,
    balance.good(),
    if balance.sql.is_some() { "taken by sql" } else { "written" },
    balance.rejected,
    balance.skipped_total(),
    made_text(balance)
)]
pub struct Unbalanced {
    /// The balance that does not add up.
    pub balance: RowBalance,
    /// The sum of its right-hand side.
    pub accounted: u64,
}

fn made_text(balance: &RowBalance) -> String {
    match balance.sql {
        Some(sql) => format!(", and {} written of {} made by sql", balance.written, sql.made),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_row_is_noticed() {
        let mut balance = RowBalance { read: 10, written: 7, rejected: 2, ..Default::default() };
        assert!(balance.check().is_err());
        balance.skip("blank_line", 1);
        assert_eq!(balance.check(), Ok(()));
    }
    #[test]
    fn rows_of_sql_are_balanced_on_both_sides() {
        let sql = Some(SqlRows { taken: 8, made: 3 });
        let balance = RowBalance { read: 10, written: 3, rejected: 2, sql, ..Default::default() };
        assert_eq!(balance.check(), Ok(()));
        let lost = RowBalance { written: 2, ..balance.clone() };
        let said = lost.check().expect_err("a row went missing").to_string();
        assert!(said.contains("2 written of 3 made by sql"), "{said}");
        assert!(RowBalance { read: 11, ..balance }.check().is_err());
    }
}
