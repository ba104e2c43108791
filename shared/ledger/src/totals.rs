//! Rejected and warned rows by dataset and rule.

use std::fmt;

use crate::replays::not_covered;
use crate::{Ledger, LedgerError};

/// What a broken rule did to its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RuleOutcome {
    /// The row went to the rejects.
    Rejected,
    /// The row was kept.
    Warned,
}

impl RuleOutcome {
    /// The name in the ledger and on the screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Warned => "warned",
        }
    }
}

impl fmt::Display for RuleOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Rows of one dataset that broke one rule, over all its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectTotal {
    /// Dataset name.
    pub dataset: String,
    /// The rule.
    pub rule: String,
    /// What it did to the rows.
    pub outcome: RuleOutcome,
    /// How many rows.
    pub rows: u64,
    /// How many files they are from.
    pub files: u64,
    /// What was wrong with one of them.
    pub example: String,
}

impl Ledger {
    /// Rows that broke rules, by dataset and rule, the most frequent first. Files
    /// that were gone through again since are left out: what is still wrong with
    /// them is counted there.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn reject_totals(
        &self,
        dataset: Option<&str>,
    ) -> Result<Vec<RejectTotal>, LedgerError> {
        let current = not_covered("n.state IN ('transformed', 'loaded')");
        let bigint = self.database.dialect().bigint();
        let sql = format!(
            "SELECT f.dataset, r.rule, r.outcome, CAST(SUM(r.row_count) AS {bigint}) AS row_count, \
                       COUNT(*) AS files, MIN(r.example) AS example \
                   FROM millrace_rejects AS r JOIN millrace_files AS f ON f.file_id = r.file_id \
                   WHERE f.dataset = COALESCE($1, f.dataset) AND {current} \
                   GROUP BY f.dataset, r.rule, r.outcome \
                   ORDER BY row_count DESC, f.dataset, r.rule"
        );
        let rows = self.database.fetch_all(&sql, &[dataset.into()]).await?;
        rows.iter()
            .map(|row| {
                let outcome: String = row.get("outcome")?;
                Ok(RejectTotal {
                    dataset: row.get("dataset")?,
                    rule: row.get("rule")?,
                    outcome: parse_outcome(&outcome)?,
                    rows: row.count("row_count")?,
                    files: row.count("files")?,
                    example: row.get("example")?,
                })
            })
            .collect()
    }
}

fn parse_outcome(text: &str) -> Result<RuleOutcome, LedgerError> {
    [RuleOutcome::Rejected, RuleOutcome::Warned]
        .into_iter()
        .find(|outcome| outcome.as_str() == text)
        .ok_or_else(|| LedgerError::unreadable("what a rule did", text))
}
