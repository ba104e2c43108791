//! The row balance: every row that was read is written, rejected or skipped by
//! a named rule.

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

    /// Checks read = written + rejected + skipped.
    ///
    /// # Errors
    /// [`Unbalanced`] if a row went missing or was counted twice: a defect of
    /// ours, never of the file, so nothing may be committed.
    pub fn check(&self) -> Result<(), Unbalanced> {
        let accounted = self.written + self.rejected + self.skipped_total();
        if self.read == accounted {
            return Ok(());
        }
        Err(Unbalanced { balance: self.clone(), accounted })
    }
}

/// The rows of a file do not add up.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "row balance broken: {} rows read, but {} written + {} rejected + {} skipped = {accounted}; \
     nothing was committed",
    balance.read, balance.written, balance.rejected, balance.skipped_total()
)]
pub struct Unbalanced {
    /// The balance that does not add up.
    pub balance: RowBalance,
    /// The sum of its right-hand side.
    pub accounted: u64,
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
}
