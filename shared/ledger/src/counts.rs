//! How many files are how far.

use crate::state::parse_state;
use crate::{FileState, Ledger, LedgerError};

/// Files of one dataset in one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateCount {
    /// Dataset name.
    pub dataset: String,
    /// How far they have come.
    pub state: FileState,
    /// How many files.
    pub files: u64,
}

impl Ledger {
    /// Files by dataset and state.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn state_counts(&self) -> Result<Vec<StateCount>, LedgerError> {
        let sql = "SELECT dataset, state, COUNT(*) AS files FROM millrace_files \
                   GROUP BY dataset, state ORDER BY dataset, state";
        let rows = self.database.fetch_all(sql, &[]).await?;
        rows.iter()
            .map(|row| {
                Ok(StateCount {
                    dataset: row.get("dataset")?,
                    state: parse_state(&row.get::<String>("state")?)?,
                    files: row.count("files")?,
                })
            })
            .collect()
    }
}
