//! Small files into one table together: one transaction, one look at the table,
//! one `COPY`, and a commit record for each.
//!
//! What makes a load happen once is the same as for a file alone: every file's
//! key is locked, has its own verdict and its own record, and its lease is asked
//! right before the commit. Should anything stand against the group (a value, a
//! constraint, one lost lease), it is undone, and its files are loaded one after
//! the other, so that each fails or succeeds by itself.

use std::collections::HashSet;

use arrow::record_batch::RecordBatch;
use futures::{StreamExt, stream};
use millrace_contract::LoadMode;
use millrace_failpoint::{Point, reach};
use millrace_ledger::loads::{self, Verdict};
use millrace_ledger::{Session, Transaction};
use millrace_retry::{Classify, FailureClass};

use crate::batches::Shape;
use crate::column::columns;
use crate::warehouse::{STAGE, limit_waiting, table};
use crate::{
    CommitGuard, LoadError, LoadPlan, Loaded, Warehouse, mysql, postgres, replace, sqlite,
};

/// A small file with all its rows at hand.
#[derive(Clone)]
pub struct SmallFile<'a> {
    /// What to load.
    pub plan: LoadPlan<'a>,
    /// Its rows.
    pub rows: &'a [RecordBatch],
    /// Asked right before the commit.
    pub guard: &'a dyn CommitGuard,
}

/// The rows of a file and the load that each of them names.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    pub(crate) load_id: i64,
    pub(crate) rows: &'a [RecordBatch],
}

impl Warehouse {
    /// Whether files with this mode can share a transaction. Where a row may meet
    /// one of another file, the order between files is the database's to keep.
    pub fn takes_groups(mode: LoadMode) -> bool {
        match mode {
            LoadMode::Append | LoadMode::ReplaceFile => true,
            LoadMode::ReplaceTable | LoadMode::Upsert | LoadMode::Merge => false,
        }
    }

    /// Loads small files that have the table, the mode and the columns in common,
    /// in one transaction where that can be; answers in their order. Each file is
    /// loaded at most once and answered as by [`Warehouse::load`].
    ///
    /// # Errors
    /// [`LoadError`] for the file that it is about.
    pub async fn load_together(&self, files: &[SmallFile<'_>]) -> Vec<Result<Loaded, LoadError>> {
        let mut answers: Vec<Option<Result<Loaded, LoadError>>> =
            files.iter().map(|file| checked(file).err().map(Err)).collect();
        let fit = (0..files.len()).filter(|&index| answers[index].is_none()).collect();
        let (group, later) = one_of_each_key(files, fit);
        if group.len() > 1 {
            let together: Vec<_> = group.iter().map(|&index| &files[index]).collect();
            // What stands against the group is found out file by file.
            if let Ok(loaded) = self.together(&together).await {
                for (&index, loaded) in group.iter().zip(loaded) {
                    answers[index] = Some(Ok(loaded));
                }
            }
        }
        let alone = group.into_iter().chain(later);
        let alone: Vec<_> = alone.filter(|&index| answers[index].is_none()).collect();
        self.one_by_one(files, alone, &mut answers).await;
        answers.into_iter().flatten().collect()
    }

    /// Once the database is down it is not asked again for every file.
    async fn one_by_one(
        &self,
        files: &[SmallFile<'_>],
        alone: Vec<usize>,
        answers: &mut [Option<Result<Loaded, LoadError>>],
    ) {
        let mut down = None;
        for index in alone {
            let file = &files[index];
            let answer = match &down {
                Some(source) => Err(file.plan.failed(Clone::clone(source))),
                None => self.alone(file).await,
            };
            if let Err(LoadError::Database { source, .. }) = &answer
                && source.class() == FailureClass::Outage
            {
                down = Some(source.clone());
            }
            answers[index] = Some(answer);
        }
    }

    async fn alone(&self, file: &SmallFile<'_>) -> Result<Loaded, LoadError> {
        let rows = stream::iter(file.rows.iter().cloned().map(Ok)).boxed();
        self.load(&file.plan, rows, file.guard).await
    }

    async fn together(&self, files: &[&SmallFile<'_>]) -> Result<Vec<Loaded>, LoadError> {
        let table = || files.first().map(|file| file.plan.target.full_name()).unwrap_or_default();
        let failed = |source| LoadError::Database { table: table(), source };
        let mut transaction = self.database().begin().await.map_err(failed)?;
        reach(STAGE, Point::Began);
        match fill(&mut transaction, files).await {
            Ok(loaded) => {
                reach(STAGE, Point::BeforeCommit);
                transaction.commit().await.map_err(failed)?;
                reach(STAGE, Point::AfterCommit);
                Ok(loaded)
            }
            Err(error) => {
                // If this fails too, the connection is broken, which undoes it.
                let _undone = transaction.rollback().await;
                Err(error)
            }
        }
    }
}

/// Holds the rows against the plan and the row balance.
fn checked(file: &SmallFile<'_>) -> Result<(), LoadError> {
    let (shape, mut rows) = (Shape::of(&file.plan), 0);
    for batch in file.rows {
        shape.check(batch, rows)?;
        rows += batch.num_rows() as u64;
    }
    let written = file.plan.task.balance.written;
    if rows == written { Ok(()) } else { Err(LoadError::Unbalanced { sent: rows, written }) }
}

/// The files that go together, in the order in which every group takes its locks:
/// of each key the oldest version. Its newer versions come later, in their order.
fn one_of_each_key(files: &[SmallFile<'_>], mut fit: Vec<usize>) -> (Vec<usize>, Vec<usize>) {
    let object = |index: usize| &files[index].plan.task.object;
    fit.sort_by_cached_key(|&index| {
        let object = object(index);
        let sequencer = object.sequencer.as_ref().map(|sequencer| sequencer.sort_key());
        (object.bucket.clone(), object.key.clone(), sequencer)
    });
    let mut keys = HashSet::new();
    fit.into_iter().partition(|&index| keys.insert((&object(index).bucket, &object(index).key)))
}

/// Everything between begin and commit.
async fn fill(
    transaction: &mut Transaction,
    files: &[&SmallFile<'_>],
) -> Result<Vec<Loaded>, LoadError> {
    let Some(first) = files.first().map(|file| &file.plan) else {
        return Ok(Vec::new());
    };
    let failed = |source| first.failed(source);
    let tasks: Vec<_> = files.iter().map(|file| file.plan.task).collect();
    let table_name = first.target.full_name();
    limit_waiting(transaction).await.map_err(failed)?;
    let judged = loads::lock_all(transaction, &table_name, &tasks).await.map_err(failed)?;
    let answers = judged.iter().map(|judged| refused(&judged.verdict, &table_name));
    let mut answers: Vec<_> = answers.collect::<Result<_, _>>()?;
    if answers.iter().all(Option::is_some) {
        return Ok(answers.into_iter().flatten().collect());
    }
    let columns = columns(first, transaction.dialect())?;
    let Some(columns) = table(transaction, first, &columns).await? else {
        // The first of the files makes it ready, alone.
        return Err(LoadError::TableChanged { table: table_name });
    };
    let mode = first.target.mode.as_str();
    let wanted: Vec<_> = (0..files.len()).filter(|&index| answers[index].is_none()).collect();
    let tasks: Vec<_> = wanted.iter().map(|&index| tasks[index]).collect();
    let load_ids = loads::enter_all(transaction, &table_name, mode, &tasks);
    let load_ids = load_ids.await.map_err(failed)?;
    let mut parts = Vec::with_capacity(files.len());
    for (index, load_id) in wanted.into_iter().zip(load_ids) {
        let file = files[index];
        let replaced = match judged[index].key_is_known {
            true => replace::older(transaction, &file.plan, load_id).await.map_err(failed)?,
            false => 0,
        };
        parts.push(Part { load_id, rows: file.rows });
        let rows = file.plan.task.balance.written;
        answers[index] = Some(Loaded::Fresh { rows, replaced });
    }
    match transaction.session() {
        Session::Postgres(connection, at) => {
            postgres::write_together(connection, &at, first, &columns, &parts).await?;
        }
        Session::Sqlite(connection, at) => {
            sqlite::write_together(connection, &at, first, &columns, &parts).await?;
        }
        Session::MySql(connection, at) => {
            mysql::write_together(connection, &at, first, &columns, &parts).await?;
        }
    }
    reach(STAGE, Point::AfterRows);
    for file in files {
        if !file.guard.allowed().await {
            return Err(LoadError::LeaseLost);
        }
    }
    Ok(answers.into_iter().flatten().collect())
}

/// What a file is told that is not to be loaded. One that can't be is found out
/// alone.
fn refused(verdict: &Verdict, table: &str) -> Result<Option<Loaded>, LoadError> {
    match verdict.clone() {
        Verdict::Load => Ok(None),
        Verdict::Already { rows, committed_at } => Ok(Some(Loaded::Already { rows, committed_at })),
        Verdict::Superseded { by } => Ok(Some(Loaded::Superseded { by })),
        Verdict::Apart { of } => Err(LoadError::Apart { table: table.to_owned(), of }),
    }
}
