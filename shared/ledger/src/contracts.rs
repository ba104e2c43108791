//! Dataset definitions by contract version, so that a task planned before a
//! deployment is carried out as planned; and the columns that inference settled.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::Utc;
use millrace_contract::{ColumnDef, ContractVersion, Dataset};

use crate::{Ledger, LedgerError, Value};

/// Definitions that are kept in memory. A worker meets a few; should there ever be
/// more, they are read anew.
const REMEMBERED: usize = 256;

/// Definitions that were read. They never change: a contract version is the hash
/// of its definition.
#[derive(Debug, Default)]
pub(crate) struct Contracts(Mutex<HashMap<(String, String), Dataset>>);

impl Contracts {
    fn read(&self) -> MutexGuard<'_, HashMap<(String, String), Dataset>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, name: (String, String), dataset: Dataset) {
        let mut read = self.read();
        if read.len() >= REMEMBERED {
            read.clear();
        }
        read.insert(name, dataset);
    }
}

impl Ledger {
    /// Keeps a dataset's definition under its contract version. Again is fine.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn put_contract(
        &self,
        contract: &ContractVersion,
        dataset: &Dataset,
    ) -> Result<(), LedgerError> {
        if self.contract(&dataset.name, contract).await?.is_some() {
            return Ok(());
        }
        let definition = serde_json::json!(dataset).to_string();
        let values: [Value; 4] = [
            dataset.name.as_str().into(),
            contract.as_str().into(),
            definition.into(),
            Utc::now().into(),
        ];
        let met = self.database.dialect().on_conflict(&["dataset", "contract"], &[]);
        let sql = format!(
            "INSERT INTO millrace_contracts (dataset, contract, definition, created_at) \
             VALUES ($1, $2, $3, $4){met}"
        );
        self.database.execute(&sql, &values).await?;
        Ok(())
    }

    /// The definition of `dataset` under a contract version, if it is kept.
    ///
    /// # Errors
    /// [`LedgerError::Unreadable`] if a newer version of Millrace wrote it.
    pub async fn contract(
        &self,
        dataset: &str,
        contract: &ContractVersion,
    ) -> Result<Option<Dataset>, LedgerError> {
        let name = (dataset.to_owned(), contract.as_str().to_owned());
        if let Some(dataset) = self.contracts.read().get(&name) {
            return Ok(Some(dataset.clone()));
        }
        let sql = "SELECT definition FROM millrace_contracts WHERE dataset = $1 AND contract = $2";
        let values: [Value; 2] = [dataset.into(), contract.as_str().into()];
        let Some(row) = self.database.fetch_optional(sql, &values).await? else {
            return Ok(None);
        };
        let definition: String = row.get("definition")?;
        let dataset: Dataset = serde_json::from_str(&definition)
            .map_err(|_| LedgerError::unreadable("a dataset definition", &definition))?;
        self.contracts.remember(name, dataset.clone());
        Ok(Some(dataset))
    }

    /// Settles the inferred columns of a contract: the first candidate wins, and
    /// everybody is given the winner, in whatever order they ask.
    ///
    /// # Errors
    /// [`LedgerError::UnknownContract`] if the contract is not kept.
    pub async fn resolve_columns(
        &self,
        dataset: &str,
        contract: &ContractVersion,
        candidate: &[ColumnDef],
    ) -> Result<Vec<ColumnDef>, LedgerError> {
        if let Some(settled) = self.settled_columns(dataset, contract).await? {
            return Ok(settled);
        }
        let values: [Value; 3] = [
            dataset.into(),
            contract.as_str().into(),
            serde_json::json!(candidate).to_string().into(),
        ];
        let sql = "UPDATE millrace_contracts SET columns = $3 \
                   WHERE dataset = $1 AND contract = $2 AND columns IS NULL";
        self.database.execute(sql, &values).await?;
        self.settled_columns(dataset, contract).await?.ok_or_else(|| unknown(dataset, contract))
    }

    /// The columns that inference settled for a contract, once it did.
    ///
    /// # Errors
    /// [`LedgerError::UnknownContract`] if the contract is not kept.
    pub async fn settled_columns(
        &self,
        dataset: &str,
        contract: &ContractVersion,
    ) -> Result<Option<Vec<ColumnDef>>, LedgerError> {
        let sql = "SELECT columns FROM millrace_contracts WHERE dataset = $1 AND contract = $2";
        let values: [Value; 2] = [dataset.into(), contract.as_str().into()];
        let row = self
            .database
            .fetch_optional(sql, &values)
            .await?
            .ok_or_else(|| unknown(dataset, contract))?;
        let Some(columns) = row.get::<Option<String>>("columns")? else {
            return Ok(None);
        };
        serde_json::from_str(&columns)
            .map(Some)
            .map_err(|_| LedgerError::unreadable("columns", &columns))
    }
}

fn unknown(dataset: &str, contract: &ContractVersion) -> LedgerError {
    LedgerError::UnknownContract {
        dataset: dataset.to_owned(),
        contract: contract.as_str().to_owned(),
    }
}
