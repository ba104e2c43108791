//! Columns that evolve: their versions, which file brought each and what it
//! changed, and which version a file is read with.

use chrono::{DateTime, SubsecRound, Utc};
use millrace_contract::{ColumnChange, ColumnDef, ContractVersion, FileId};

use crate::{Ledger, LedgerError, Row, Transaction, Value};

/// One version of a dataset's columns under a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnVersion {
    /// 1, 2, … within the contract.
    pub version: u32,
    /// The columns.
    pub columns: Vec<ColumnDef>,
    /// How they differ from the version before; the first version says how they
    /// differ from what is declared.
    pub changes: Vec<ColumnChange>,
    /// The file that brought them.
    pub file_id: FileId,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// Columns that a file has made of those that were known to it.
#[derive(Debug, Clone, Copy)]
pub struct Evolution<'a> {
    /// The file.
    pub file_id: &'a FileId,
    /// Dataset name.
    pub dataset: &'a str,
    /// Contract version.
    pub contract: &'a ContractVersion,
    /// The version that was known; 0 if there was none.
    pub known: u32,
    /// The columns.
    pub columns: &'a [ColumnDef],
    /// How they differ from the known ones.
    pub changes: &'a [ColumnChange],
}

/// What became of an [`Evolution`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evolving {
    /// The file is to be read with this version, now and ever after.
    Settled(ColumnVersion),
    /// Another file was first. Evolve its columns, or do with them as they are.
    Overtaken(ColumnVersion),
}

const COLUMNS: &str = "v.version, v.columns, v.changes, v.file_id, v.created_at";

impl Ledger {
    /// The newest columns of a contract; `None` before its first file.
    ///
    /// # Errors
    /// [`LedgerError::Unreadable`] if a newer version of Millrace wrote them.
    pub async fn newest_columns(
        &self,
        dataset: &str,
        contract: &ContractVersion,
    ) -> Result<Option<ColumnVersion>, LedgerError> {
        let values: [Value; 2] = [dataset.into(), contract.as_str().into()];
        let row = self.database.fetch_optional(&newest(), &values).await?;
        row.as_ref().map(read_version).transpose()
    }

    /// A version of a contract's columns, if it is kept.
    ///
    /// # Errors
    /// As [`Ledger::newest_columns`].
    pub async fn column_version(
        &self,
        dataset: &str,
        contract: &ContractVersion,
        version: u32,
    ) -> Result<Option<ColumnVersion>, LedgerError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM millrace_column_versions AS v \
             WHERE v.dataset = $1 AND v.contract = $2 AND v.version = $3"
        );
        let values: [Value; 3] = [dataset.into(), contract.as_str().into(), version.into()];
        let row = self.database.fetch_optional(&sql, &values).await?;
        row.as_ref().map(read_version).transpose()
    }

    /// The columns that a file is read with, once they are settled: a
    /// redelivery is carried out with the same.
    ///
    /// # Errors
    /// As [`Ledger::newest_columns`].
    pub async fn columns_of(&self, file_id: &FileId) -> Result<Option<ColumnVersion>, LedgerError> {
        let row = self.database.fetch_optional(&of_file(), &[file_id.as_str().into()]).await?;
        row.as_ref().map(read_version).transpose()
    }

    /// Every version of a dataset's columns, the newest first; of all datasets
    /// if none is named.
    ///
    /// # Errors
    /// As [`Ledger::newest_columns`].
    pub async fn column_history(
        &self,
        dataset: Option<&str>,
        limit: u32,
    ) -> Result<Vec<(String, ColumnVersion)>, LedgerError> {
        let (condition, mut values) = match dataset {
            Some(dataset) => ("v.dataset = $1", vec![Value::from(dataset)]),
            None => ("1 = 1", Vec::new()),
        };
        values.push(limit.into());
        let sql = format!(
            "SELECT v.dataset, {COLUMNS} FROM millrace_column_versions AS v WHERE {condition} \
             ORDER BY v.created_at DESC, v.version DESC LIMIT ${}",
            values.len()
        );
        let rows = self.database.fetch_all(&sql, &values).await?;
        rows.iter().map(|row| Ok((row.get("dataset")?, read_version(row)?))).collect()
    }

    /// Settles the columns a file is read with: those it evolved, as the next
    /// version, or the known ones if it changes nothing. Only from the newest
    /// version can a next one come, so that two files which evolve the same
    /// columns at once go one after the other.
    ///
    /// # Errors
    /// [`LedgerError::UnknownFile`] if the file was never registered.
    pub async fn evolve_columns(&self, evolution: &Evolution<'_>) -> Result<Evolving, LedgerError> {
        let Evolution { file_id, dataset, contract, known, .. } = *evolution;
        let mut transaction = self.database.begin().await?;
        transaction.lock(&["columns", dataset, contract.as_str()]).await?;
        let before = transaction.fetch_optional(&of_file(), &[file_id.as_str().into()]).await?;
        if let Some(before) = &before {
            return Ok(Evolving::Settled(read_version(before)?));
        }
        let values: [Value; 2] = [dataset.into(), contract.as_str().into()];
        let newest = transaction.fetch_optional(&newest(), &values).await?;
        let newest = newest.as_ref().map(read_version).transpose()?;
        let settled = match newest {
            Some(newest) if newest.version != known => return Ok(Evolving::Overtaken(newest)),
            Some(newest) if evolution.changes.is_empty() => newest,
            Some(_) | None => {
                self.announce_columns(&mut transaction, evolution).await?;
                insert(&mut transaction, evolution).await?
            }
        };
        let sql = "UPDATE millrace_files SET column_version = $2 WHERE file_id = $1";
        let values: [Value; 2] = [file_id.as_str().into(), settled.version.into()];
        if transaction.execute(sql, &values).await? == 0 {
            return Err(LedgerError::UnknownFile(file_id.to_string()));
        }
        transaction.commit().await?;
        self.nudge();
        Ok(Evolving::Settled(settled))
    }
}

fn newest() -> String {
    format!(
        "SELECT {COLUMNS} FROM millrace_column_versions AS v \
         WHERE v.dataset = $1 AND v.contract = $2 ORDER BY v.version DESC LIMIT 1"
    )
}

fn of_file() -> String {
    format!(
        "SELECT {COLUMNS} FROM millrace_column_versions AS v JOIN millrace_files AS f \
             ON f.dataset = v.dataset AND f.contract = v.contract AND f.column_version = v.version \
         WHERE f.file_id = $1"
    )
}

async fn insert(
    transaction: &mut Transaction,
    evolution: &Evolution<'_>,
) -> Result<ColumnVersion, LedgerError> {
    let settled = ColumnVersion {
        version: evolution.known + 1,
        columns: evolution.columns.to_vec(),
        changes: evolution.changes.to_vec(),
        file_id: evolution.file_id.clone(),
        created_at: Utc::now().trunc_subsecs(6),
    };
    let values: [Value; 7] = [
        evolution.dataset.into(),
        evolution.contract.as_str().into(),
        settled.version.into(),
        serde_json::json!(settled.columns).to_string().into(),
        serde_json::json!(settled.changes).to_string().into(),
        settled.file_id.as_str().into(),
        settled.created_at.into(),
    ];
    let sql = "INSERT INTO millrace_column_versions \
                   (dataset, contract, version, columns, changes, file_id, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    transaction.execute(sql, &values).await?;
    Ok(settled)
}

fn read_version(row: &Row) -> Result<ColumnVersion, LedgerError> {
    let (columns, changes): (String, String) = (row.get("columns")?, row.get("changes")?);
    Ok(ColumnVersion {
        version: u32::try_from(row.count("version")?).unwrap_or(u32::MAX),
        columns: serde_json::from_str(&columns)
            .map_err(|_| LedgerError::unreadable("columns", &columns))?,
        changes: read_changes(&changes)?,
        file_id: FileId::from_text(row.get::<String>("file_id")?),
        created_at: row.get("created_at")?,
    })
}

pub(crate) fn read_changes(text: &str) -> Result<Vec<ColumnChange>, LedgerError> {
    serde_json::from_str(text).map_err(|_| LedgerError::unreadable("changes of columns", text))
}
