//! The catalog: who may write the table of a dataset, and what was written.
//!
//! A dataset is claimed for a while, and each claim has a number, its fence, as a
//! derived dataset is: whoever was claimed over can't say that anything was done. The
//! ledger is read after the claim, and who finds it claimed says so; so nothing that
//! changed goes unseen.
//!
//! Lists are doubted before they are written and known once all is done. So a list
//! that somebody wrote and did not live to tell of is written again by the next.

mod claim;

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::together::{by_halves, placeholders};
use crate::{Ledger, LedgerError, Row, Transaction, Value};

use claim::TURNS;
pub use claim::{CatalogClaim, CatalogClaimed};

/// Partitions of one statement.
const MOST_ROWS: usize = 64;

/// A dataset's table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogRecord {
    /// The dataset.
    pub dataset: String,
    /// The database that it is registered in.
    pub database: String,
    /// The table's name.
    pub table: String,
    /// Version of the contract of its newest file.
    pub contract: String,
    /// Names its columns, comments, partition columns and properties.
    pub definition: String,
    /// How many definitions there were so far.
    pub definitions: u64,
    /// When it was registered first.
    pub registered_at: DateTime<Utc>,
    /// When its definition last changed.
    pub changed_at: DateTime<Utc>,
    /// When it was last brought up to date.
    pub checked_at: DateTime<Utc>,
}

/// A partition and its list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogList {
    /// Follows from its location.
    pub id: String,
    /// Values of the partition columns, in order.
    pub values: Vec<String>,
    /// The folder of its list, as an `s3://` URL.
    pub location: String,
    /// Names what its list lists; empty where that is in doubt.
    pub list: String,
    /// Names the columns that it is registered with, where it is; empty where that is
    /// in doubt.
    pub columns: Option<String>,
    /// Objects that are listed.
    pub objects: u64,
    /// Their rows.
    pub rows: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When it was first there.
    pub registered_at: DateTime<Utc>,
    /// When its list or its columns last changed.
    pub changed_at: DateTime<Utc>,
}

/// What was written of a dataset.
#[derive(Debug, Clone, Copy)]
pub struct CatalogFacts<'a> {
    /// The database that the table is registered in.
    pub database: &'a str,
    /// The table's name.
    pub table: &'a str,
    /// Version of the contract of its newest file.
    pub contract: &'a str,
    /// Names its columns, comments, partition columns and properties.
    pub definition: &'a str,
    /// Partitions that came or changed.
    pub changed: &'a [CatalogList],
    /// The ids of those that are no more.
    pub gone: &'a [String],
}

impl Ledger {
    /// The tables that are registered, by dataset.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn catalog(&self) -> Result<Vec<CatalogRecord>, LedgerError> {
        let sql = "SELECT dataset, database_name, table_name, contract, definition, \
                       definitions, registered_at, changed_at, checked_at \
                   FROM millrace_catalog WHERE registered_at IS NOT NULL ORDER BY dataset";
        self.database.fetch_all(sql, &[]).await?.iter().map(record).collect()
    }

    /// The partitions of a dataset that have lists, by id.
    ///
    /// # Errors
    /// [`LedgerError::Unreadable`] if a newer version of Millrace wrote them.
    pub async fn catalog_lists(&self, dataset: &str) -> Result<Vec<CatalogList>, LedgerError> {
        let sql = "SELECT partition_id, part_values, location, list_digest, columns_digest, \
                       object_count, row_count, byte_count, registered_at, changed_at \
                   FROM millrace_catalog_partitions WHERE dataset = $1 ORDER BY partition_id";
        self.database.fetch_all(sql, &[dataset.into()]).await?.iter().map(list).collect()
    }

    /// Writes down that these lists are about to be written, so that nobody counts on
    /// what they say; false if the claim is lost, and then nothing is changed.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn doubt_lists(
        &self,
        claim: &CatalogClaim,
        lists: &[CatalogList],
    ) -> Result<bool, LedgerError> {
        let doubted = |list: &CatalogList| CatalogList { list: String::new(), ..list.clone() };
        let lists: Vec<CatalogList> = lists.iter().map(doubted).collect();
        let mut transaction = self.database.begin().await?;
        TURNS.lock(&mut transaction, &claim.dataset).await?;
        if !claim.turn().is_held(&mut transaction).await? {
            transaction.rollback().await?;
            return Ok(false);
        }
        put(&mut transaction, &claim.dataset, &lists).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Has every list of a dataset written again: somebody may have written older ones
    /// over them. It takes no claim, since it does no harm.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn doubt_catalog(&self, dataset: &str) -> Result<(), LedgerError> {
        let sql = "UPDATE millrace_catalog_partitions SET list_digest = '' WHERE dataset = $1";
        self.database.execute(sql, &[dataset.into()]).await?;
        Ok(())
    }

    /// Writes down what was done, and gives the claim back. Answers whether something
    /// changed since the claim; nothing if it is lost, and then nothing is changed.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn complete_catalog(
        &self,
        claim: &CatalogClaim,
        facts: &CatalogFacts<'_>,
    ) -> Result<Option<bool>, LedgerError> {
        let mut transaction = self.database.begin().await?;
        TURNS.lock(&mut transaction, &claim.dataset).await?;
        let Some(again) = claim.turn().give_back(&mut transaction).await? else {
            transaction.rollback().await?;
            return Ok(None);
        };
        remove(&mut transaction, &claim.dataset, facts.gone).await?;
        put(&mut transaction, &claim.dataset, facts.changed).await?;
        say(&mut transaction, &claim.dataset, facts).await?;
        transaction.commit().await?;
        Ok(Some(again))
    }
}

/// What is known of the table.
async fn say(
    transaction: &mut Transaction,
    dataset: &str,
    facts: &CatalogFacts<'_>,
) -> Result<(), LedgerError> {
    let sql = "SELECT definition FROM millrace_catalog WHERE dataset = $1";
    let known = transaction.fetch_optional(sql, &[dataset.into()]).await?;
    let known: Option<String> = known.map(|row| row.get("definition")).transpose()?.flatten();
    let sql = "UPDATE millrace_catalog SET database_name = $2, table_name = $3, contract = $4, \
                   checked_at = $5, registered_at = COALESCE(registered_at, $5) \
               WHERE dataset = $1";
    let now = Utc::now();
    let values: [Value; 5] = [
        dataset.into(),
        facts.database.into(),
        facts.table.into(),
        facts.contract.into(),
        now.into(),
    ];
    transaction.execute(sql, &values).await?;
    if known.as_deref() != Some(facts.definition) {
        let sql = "UPDATE millrace_catalog SET definition = $2, changed_at = $3, \
                       definitions = definitions + 1 WHERE dataset = $1";
        let values: [Value; 3] = [dataset.into(), facts.definition.into(), now.into()];
        transaction.execute(sql, &values).await?;
    }
    Ok(())
}

async fn remove(
    transaction: &mut Transaction,
    dataset: &str,
    ids: &[String],
) -> Result<(), LedgerError> {
    for ids in by_halves(ids, MOST_ROWS) {
        let sql = format!(
            "DELETE FROM millrace_catalog_partitions WHERE dataset = $1 AND partition_id IN {}",
            placeholders(1, ids.len(), 2)
        );
        let names = ids.iter().map(|id| Value::from(id.as_str()));
        let values: Vec<Value> = std::iter::once(dataset.into()).chain(names).collect();
        transaction.execute(&sql, &values).await?;
    }
    Ok(())
}

/// In place of what is known of them.
async fn put(
    transaction: &mut Transaction,
    dataset: &str,
    lists: &[CatalogList],
) -> Result<(), LedgerError> {
    let ids: Vec<String> = lists.iter().map(|list| list.id.clone()).collect();
    remove(transaction, dataset, &ids).await?;
    for lists in by_halves(lists, MOST_ROWS) {
        let sql = format!(
            "INSERT INTO millrace_catalog_partitions (dataset, partition_id, part_values, \
                 location, list_digest, columns_digest, object_count, row_count, byte_count, \
                 registered_at, changed_at) VALUES {}",
            placeholders(lists.len(), 11, 1)
        );
        let values: Vec<Value> = lists.iter().flat_map(|list| row(dataset, list)).collect();
        transaction.execute(&sql, &values).await?;
    }
    Ok(())
}

fn row(dataset: &str, list: &CatalogList) -> [Value; 11] {
    [
        dataset.into(),
        list.id.as_str().into(),
        json!(list.values).to_string().into(),
        list.location.as_str().into(),
        list.list.as_str().into(),
        list.columns.as_deref().into(),
        list.objects.into(),
        list.rows.into(),
        list.bytes.into(),
        list.registered_at.into(),
        list.changed_at.into(),
    ]
}

fn record(row: &Row) -> Result<CatalogRecord, LedgerError> {
    Ok(CatalogRecord {
        dataset: row.get("dataset")?,
        database: row.get("database_name")?,
        table: row.get("table_name")?,
        contract: row.get("contract")?,
        definition: row.get("definition")?,
        definitions: row.count("definitions")?,
        registered_at: row.get("registered_at")?,
        changed_at: row.get("changed_at")?,
        checked_at: row.get("checked_at")?,
    })
}

fn list(row: &Row) -> Result<CatalogList, LedgerError> {
    let values: String = row.get("part_values")?;
    Ok(CatalogList {
        id: row.get("partition_id")?,
        values: serde_json::from_str(&values)
            .map_err(|_| LedgerError::unreadable("a partition's values", &values))?,
        location: row.get("location")?,
        list: row.get("list_digest")?,
        columns: row.get("columns_digest")?,
        objects: row.count("object_count")?,
        rows: row.count("row_count")?,
        bytes: row.count("byte_count")?,
        registered_at: row.get("registered_at")?,
        changed_at: row.get("changed_at")?,
    })
}
