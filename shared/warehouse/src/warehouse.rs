//! The warehouse: a database that files are loaded into, and the transaction
//! that loads one.

use arrow::record_batch::RecordBatch;
use futures::stream::BoxStream;
use millrace_contract::{LoadMode, Replay};
use millrace_failpoint::{Point, reach};
use millrace_ledger::loads::{self, TableTotal, Verdict};
use millrace_ledger::{Database, DatabaseError, Dialect, Session, Transaction};

use crate::batches::Batches;
use crate::column::{Column, LOAD_ID, columns, quote};
use crate::{CommitGuard, LoadError, LoadPlan, Loaded, SourceError, postgres, sqlite, table};

/// The stage whose failpoints lie here.
const STAGE: &str = "load";

/// A database that files are loaded into. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Warehouse {
    database: Database,
}

impl Warehouse {
    /// Opens the warehouse in `database` and brings the commit record's table
    /// up to date.
    ///
    /// # Errors
    /// [`DatabaseError`], classified.
    pub async fn open(database: &Database) -> Result<Self, DatabaseError> {
        loads::open(database).await?;
        Ok(Self { database: database.clone() })
    }

    /// Loads one file: rows and commit record in one transaction, at most once.
    ///
    /// Two workers may load the same file; the second waits for the first and
    /// finds it [`Loaded::Already`], or is told to come back later if that takes
    /// long. Whatever error is returned, nothing of the file is in the table,
    /// unless the connection broke during the commit: then only the next
    /// attempt can tell, and it does.
    ///
    /// # Errors
    /// [`LoadError`], classified.
    pub async fn load(
        &self,
        plan: &LoadPlan<'_>,
        batches: BoxStream<'_, Result<RecordBatch, SourceError>>,
        guard: &dyn CommitGuard,
    ) -> Result<Loaded, LoadError> {
        let failed = |source| LoadError::Database { table: plan.target.table.clone(), source };
        let columns = columns(plan)?;
        let mut batches = Batches::new(batches, plan);
        if self.database.dialect() == Dialect::Sqlite {
            // Everybody else waits for the file's one writer: let the rows be
            // at hand before the turn is taken.
            batches.wait().await;
        }
        let mut transaction = self.database.begin().await.map_err(failed)?;
        reach(STAGE, Point::Began);
        match fill(&mut transaction, plan, columns, &mut batches, guard).await {
            Ok(fresh @ Loaded::Fresh { .. }) => {
                reach(STAGE, Point::BeforeCommit);
                transaction.commit().await.map_err(failed)?;
                reach(STAGE, Point::AfterCommit);
                Ok(fresh)
            }
            Ok(nothing_to_do) => {
                transaction.rollback().await.map_err(failed)?;
                Ok(nothing_to_do)
            }
            Err(error) => {
                // If this fails too, the connection is broken and the database
                // undoes the transaction by itself; the first error says why.
                let _undone = transaction.rollback().await;
                Err(error)
            }
        }
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// [`DatabaseError`] with the reason why there is none.
    pub async fn ping(&self) -> Result<(), DatabaseError> {
        self.database.ping().await
    }

    /// What loads brought, table by table.
    ///
    /// # Errors
    /// [`DatabaseError`], classified.
    pub async fn table_totals(&self) -> Result<Vec<TableTotal>, DatabaseError> {
        loads::table_totals(&self.database).await
    }
}

/// Everything between begin and commit.
async fn fill(
    transaction: &mut Transaction,
    plan: &LoadPlan<'_>,
    columns: Vec<Column>,
    batches: &mut Batches<'_>,
    guard: &dyn CommitGuard,
) -> Result<Loaded, LoadError> {
    let failed = |source| LoadError::Database { table: plan.target.table.clone(), source };
    match fence(transaction, plan).await.map_err(failed)? {
        Verdict::Load => {}
        Verdict::Already { rows, committed_at } => {
            return Ok(Loaded::Already { rows, committed_at });
        }
        Verdict::Superseded { by } => return Ok(Loaded::Superseded { by }),
        Verdict::Apart { of } => {
            return Err(LoadError::Apart { table: plan.target.table.clone(), of });
        }
    }
    let columns = table::prepare(transaction, plan, columns).await?;
    let mode = mode_name(plan.target.mode);
    let load_id =
        loads::enter(transaction, &plan.target.table, mode, plan.task).await.map_err(failed)?;
    let replaced = remove_older(transaction, plan, load_id).await.map_err(failed)?;
    match transaction.session() {
        Session::Postgres(connection, at) => {
            postgres::write(connection, &at, plan, &columns, load_id, batches).await?;
        }
        Session::Sqlite(connection, at) => {
            sqlite::write(connection, &at, plan, &columns, load_id, batches).await?;
        }
    }
    reach(STAGE, Point::AfterRows);
    let (sent, written) = (batches.rows(), plan.task.balance.written);
    if sent != written {
        return Err(LoadError::Unbalanced { sent, written });
    }
    if !guard.allowed().await {
        return Err(LoadError::LeaseLost);
    }
    Ok(Loaded::Fresh { rows: sent, replaced })
}

async fn fence(
    transaction: &mut Transaction,
    plan: &LoadPlan<'_>,
) -> Result<Verdict, DatabaseError> {
    if transaction.dialect() == Dialect::Postgres {
        // Rather than waiting all the lease for a large load, come back later.
        transaction.session().run_script("SET LOCAL lock_timeout = '30s'").await?;
    }
    loads::lock(transaction, &plan.target.table, plan.task).await
}

/// Rows that must leave for the new ones: those of the key's other versions when
/// files replace each other, and always those of this same version under an
/// earlier contract, which would otherwise be there twice. For rows that were
/// rejected before none leave: they are added.
async fn remove_older(
    transaction: &mut Transaction,
    plan: &LoadPlan<'_>,
    load_id: i64,
) -> Result<u64, DatabaseError> {
    let target = plan.target;
    if let Some(Replay::Rejects { .. }) = plan.task.replay {
        return Ok(0);
    }
    let this_version_only = match target.mode {
        LoadMode::Append => true,
        LoadMode::ReplaceFile => false,
        LoadMode::Upsert => return Ok(0),
    };
    let object = &plan.task.object;
    let older =
        loads::older(transaction, load_id, &target.table, object, this_version_only).await?;
    let sql = format!("DELETE FROM {} WHERE {} = $1", quote(&target.table), quote(LOAD_ID));
    let mut replaced = 0;
    for load in older {
        let rows = transaction.execute(&sql, &[load.into()]).await?;
        loads::replace(transaction, load_id, load, rows).await?;
        replaced += rows;
    }
    Ok(replaced)
}

fn mode_name(mode: LoadMode) -> &'static str {
    match mode {
        LoadMode::Append => "append",
        LoadMode::ReplaceFile => "replace_file",
        LoadMode::Upsert => "upsert",
    }
}
