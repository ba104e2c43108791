//! The warehouse: a database that files are loaded into, and the transaction
//! that loads one.

use arrow::record_batch::RecordBatch;
use futures::stream::BoxStream;
use millrace_contract::LoadMode;
use millrace_ledger::loads::{self, TableTotal, Verdict};
use millrace_ledger::{Database, DatabaseError, Dialect, Session, Transaction};

use crate::batches::Batches;
use crate::column::{Column, LOAD_ID, columns, quote};
use crate::{
    CommitGuard, LoadError, LoadPlan, Loaded, SourceError, mysql, postgres, sqlite, table,
};

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
        let columns = columns(plan)?;
        let mut batches = Batches::new(batches, plan);
        if self.database.dialect() == Dialect::Sqlite {
            // Everybody else waits for the file's one writer: let the rows be
            // at hand before the turn is taken.
            batches.wait().await;
        }
        let mut attempt = self.attempt(plan, &columns, &mut batches, guard).await?;
        if let Attempt::TableFirst = attempt {
            mysql::table::make_ready(&self.database, plan, &columns).await?;
            attempt = self.attempt(plan, &columns, &mut batches, guard).await?;
        }
        match attempt {
            Attempt::Ended(loaded) => Ok(loaded),
            Attempt::TableFirst => {
                Err(LoadError::TableChanged { table: plan.target.table.clone() })
            }
        }
    }

    /// One transaction: committed if it wrote something, undone otherwise.
    async fn attempt(
        &self,
        plan: &LoadPlan<'_>,
        columns: &[Column],
        batches: &mut Batches<'_>,
        guard: &dyn CommitGuard,
    ) -> Result<Attempt, LoadError> {
        let failed = |source| LoadError::Database { table: plan.target.table.clone(), source };
        let mut transaction = self.database.begin().await.map_err(failed)?;
        match fill(&mut transaction, plan, columns, batches, guard).await {
            Ok(fresh @ Attempt::Ended(Loaded::Fresh { .. })) => {
                transaction.commit().await.map_err(failed)?;
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

/// What one transaction came to.
enum Attempt {
    Ended(Loaded),
    /// The table has to be created or changed before, in a transaction of its
    /// own, since this database commits whatever it is in with that.
    TableFirst,
}

/// Everything between begin and commit.
async fn fill(
    transaction: &mut Transaction,
    plan: &LoadPlan<'_>,
    columns: &[Column],
    batches: &mut Batches<'_>,
    guard: &dyn CommitGuard,
) -> Result<Attempt, LoadError> {
    let failed = |source| LoadError::Database { table: plan.target.table.clone(), source };
    match fence(transaction, plan).await.map_err(failed)? {
        Verdict::Load => {}
        Verdict::Already { rows, committed_at } => {
            return Ok(Attempt::Ended(Loaded::Already { rows, committed_at }));
        }
        Verdict::Superseded { by } => return Ok(Attempt::Ended(Loaded::Superseded { by })),
    }
    let prepared = match transaction.dialect() {
        Dialect::Postgres | Dialect::Sqlite => {
            Some(table::prepare(transaction, plan, columns.to_vec()).await?)
        }
        Dialect::MySql => table::look(transaction, plan, columns).await?,
    };
    let Some(columns) = prepared else {
        return Ok(Attempt::TableFirst);
    };
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
        Session::MySql(connection, at) => {
            mysql::write(connection, &at, plan, &columns, load_id, batches).await?;
        }
    }
    let (sent, written) = (batches.rows(), plan.task.balance.written);
    if sent != written {
        return Err(LoadError::Unbalanced { sent, written });
    }
    if !guard.allowed().await {
        return Err(LoadError::LeaseLost);
    }
    Ok(Attempt::Ended(Loaded::Fresh { rows: sent, replaced }))
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
/// earlier contract, which would otherwise be there twice.
async fn remove_older(
    transaction: &mut Transaction,
    plan: &LoadPlan<'_>,
    load_id: i64,
) -> Result<u64, DatabaseError> {
    let target = plan.target;
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
