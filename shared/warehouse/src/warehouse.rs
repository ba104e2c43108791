//! The warehouse: a database that files are loaded into, and the transaction
//! that loads one.

use arrow::record_batch::RecordBatch;
use futures::stream::BoxStream;
use millrace_contract::{LoadMode, View};
use millrace_failpoint::{Point, reach};
use millrace_ledger::loads::{self, TableTotal, Verdict};
use millrace_ledger::{Database, DatabaseError, Dialect, Session, Transaction};

use crate::batches::Batches;
use crate::column::{Column, columns};
use crate::views::{self, Views};
use crate::{
    CommitGuard, LoadError, LoadPlan, Loaded, SourceError, ViewNews, ViewRecord, mysql, postgres,
    replace, sqlite, table,
};

/// The stage whose failpoints lie here.
pub(crate) const STAGE: &str = "load";

/// How often a table is made ready for a load whose database can't do that within
/// the load's own transaction.
const TABLE_ATTEMPTS: u32 = 5;

/// A database that files are loaded into. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Warehouse {
    database: Database,
    views: Views,
}

impl Warehouse {
    /// Opens the warehouse in `database` and brings the commit record's table
    /// up to date.
    ///
    /// # Errors
    /// [`DatabaseError`], classified.
    pub async fn open(database: &Database) -> Result<Self, DatabaseError> {
        loads::open(database).await?;
        Ok(Self { database: database.clone(), views: Views::default() })
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
        let columns = columns(plan, self.database.dialect())?;
        let mut batches = Batches::new(batches, plan);
        if self.database.dialect() == Dialect::Sqlite {
            // Everybody else waits for the file's one writer: let the rows be
            // at hand before the turn is taken.
            batches.wait().await;
        }
        // Others may change the table again before the next look at it.
        for _ in 0..TABLE_ATTEMPTS {
            match self.attempt(plan, &columns, &mut batches, guard).await? {
                Attempt::Ended(loaded) => return Ok(loaded),
                Attempt::TableFirst => {
                    mysql::table::make_ready(&self.database, plan, &columns).await?;
                }
            }
        }
        Err(LoadError::TableChanged { table: plan.target.full_name() })
    }

    /// One transaction: committed if it wrote something, undone otherwise.
    async fn attempt(
        &self,
        plan: &LoadPlan<'_>,
        columns: &[Column],
        batches: &mut Batches<'_>,
        guard: &dyn CommitGuard,
    ) -> Result<Attempt, LoadError> {
        let failed = |source| plan.failed(source);
        let mut transaction = self.database.begin().await.map_err(failed)?;
        reach(STAGE, Point::Began);
        match fill(&mut transaction, plan, columns, batches, guard).await {
            Ok(fresh @ Attempt::Ended(Loaded::Fresh { .. })) => {
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

    /// Has these views, each behind those it depends on.
    pub fn with_views(self, declared: &[View]) -> Self {
        Self { views: Views::new(declared), ..self }
    }

    /// Makes the views that are missing or whose text is another, as far as their
    /// tables are there. To be called at the start and after every load: once all
    /// views are there it asks the database nothing, and while some are not it
    /// tries only when tables have changed.
    ///
    /// # Errors
    /// [`DatabaseError`] if the database can't be asked, which no load should
    /// suffer for. What is wrong with a view is news, told once.
    pub async fn refresh_views(&self) -> Result<Vec<ViewNews>, DatabaseError> {
        self.views.refresh(&self.database).await
    }

    /// What is on record about views, by name.
    ///
    /// # Errors
    /// [`DatabaseError`], classified.
    pub async fn view_records(&self) -> Result<Vec<ViewRecord>, DatabaseError> {
        views::records(&self.database).await
    }

    /// Where the tables are.
    pub(crate) fn database(&self) -> &Database {
        &self.database
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
    let failed = |source| plan.failed(source);
    match fence(transaction, plan).await.map_err(failed)? {
        Verdict::Load => {}
        Verdict::Already { rows, committed_at } => {
            return Ok(Attempt::Ended(Loaded::Already { rows, committed_at }));
        }
        Verdict::Superseded { by } => return Ok(Attempt::Ended(Loaded::Superseded { by })),
        Verdict::Apart { of } => {
            return Err(LoadError::Apart { table: plan.target.full_name(), of });
        }
    }
    let Some(columns) = table(transaction, plan, columns).await? else {
        return Ok(Attempt::TableFirst);
    };
    let (table, mode) = (plan.target.full_name(), plan.target.mode.as_str());
    let load_id = loads::enter(transaction, &table, mode, plan.task).await.map_err(failed)?;
    let replaced = replace::older(transaction, plan, load_id).await.map_err(failed)?;
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
    reach(STAGE, Point::AfterRows);
    batches.check_balance(plan)?;
    if !guard.allowed().await {
        return Err(LoadError::LeaseLost);
    }
    Ok(Attempt::Ended(Loaded::Fresh { rows: batches.rows(), replaced }))
}

/// The columns as the table's types want them; none if the table has to be made
/// ready first.
pub(crate) async fn table(
    transaction: &mut Transaction,
    plan: &LoadPlan<'_>,
    columns: &[Column],
) -> Result<Option<Vec<Column>>, LoadError> {
    match transaction.dialect() {
        Dialect::Postgres | Dialect::Sqlite => {
            table::prepare(transaction, plan, columns.to_vec()).await.map(Some)
        }
        Dialect::MySql => table::look(transaction, plan, columns).await,
    }
}

async fn fence(
    transaction: &mut Transaction,
    plan: &LoadPlan<'_>,
) -> Result<Verdict, DatabaseError> {
    limit_waiting(transaction).await?;
    let table = plan.target.full_name();
    if plan.target.mode == LoadMode::ReplaceTable {
        // One file after the other, whatever its key: the newest stays.
        return loads::lock_table(transaction, &table, plan.task).await;
    }
    loads::lock(transaction, &table, plan.task).await
}

/// Rather than waiting all the lease for a large load, come back later.
pub(crate) async fn limit_waiting(transaction: &mut Transaction) -> Result<(), DatabaseError> {
    match transaction.dialect() {
        Dialect::Postgres => {
            transaction.session().run_script("SET LOCAL lock_timeout = '30s'").await
        }
        // Sessions wait no longer than that.
        Dialect::MySql | Dialect::Sqlite => Ok(()),
    }
}
