//! Views of the pipeline file: made once their tables are there, made anew when
//! their text changes, by whichever worker comes first.
//!
//! A view never costs a load. What can't be made yet, or never, is written down
//! in `millrace_views` with the reason, and tried again when the database's
//! tables are others than they were at the last attempt.

mod record;
mod statements;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use millrace_contract::View;
use millrace_ledger::{Database, DatabaseError, Dialect, Transaction};
use tokio::sync::Mutex;

pub use record::ViewRecord;
pub(crate) use record::records;
pub(crate) use statements::{bring_back, put_away};

/// What became of one attempt to have a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ViewNews {
    /// It was made, or made anew.
    Made {
        /// The view with its schema.
        view: String,
    },
    /// It can't be made, now or ever; it is tried again.
    Refused {
        /// The view with its schema.
        view: String,
        /// What the database said.
        problem: String,
    },
}

/// The views of a pipeline as one worker knows them. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Views {
    declared: Arc<[View]>,
    /// Whether all were there at the last look, so that a load asks nothing.
    settled: Arc<AtomicBool>,
    /// The tables at the last attempt; also keeps the handlers of a worker from
    /// trying at once.
    tables_seen: Arc<Mutex<Option<String>>>,
}

impl Views {
    pub(crate) fn new(declared: &[View]) -> Self {
        let settled = Arc::new(AtomicBool::new(declared.is_empty()));
        Self { declared: declared.into(), settled, tables_seen: Arc::default() }
    }

    /// Makes the views that are missing, if there is any hope that there was not
    /// at the last attempt.
    ///
    /// # Errors
    /// [`DatabaseError`] if the database can't be asked; what it says about a
    /// view is news.
    pub(crate) async fn refresh(
        &self,
        database: &Database,
    ) -> Result<Vec<ViewNews>, DatabaseError> {
        if self.settled.load(Ordering::Relaxed) {
            return Ok(Vec::new());
        }
        let mut seen = self.tables_seen.lock().await;
        if self.settled.load(Ordering::Relaxed) {
            return Ok(Vec::new());
        }
        let tables = tables(database).await?;
        if seen.as_ref() == Some(&tables) {
            return Ok(Vec::new());
        }
        let mut news = Vec::new();
        let mut all_there = true;
        let known = records(database).await?;
        for view in self.declared.iter() {
            if is_there(database, &known, view).await {
                continue;
            }
            match make(database, view).await? {
                Attempt::There => {}
                Attempt::Made => news.push(ViewNews::Made { view: view.full_name() }),
                Attempt::Refused { problem, is_new } => {
                    all_there = false;
                    if is_new {
                        news.push(ViewNews::Refused { view: view.full_name(), problem });
                    }
                }
            }
        }
        self.settled.store(all_there, Ordering::Relaxed);
        *seen = Some(tables);
        Ok(news)
    }
}

enum Attempt {
    There,
    Made,
    Refused {
        problem: String,
        /// Whether it was not refused for this before.
        is_new: bool,
    },
}

/// Whether a view was made of its text and can be read: asked without a
/// transaction, which could have to wait for a load.
async fn is_there(database: &Database, known: &[ViewRecord], view: &View) -> bool {
    let is_made = known.iter().any(|record| {
        record.name == view.name && record.schema == view.schema && record.is_made_as(&view.sql)
    });
    let read = format!("SELECT 1 AS readable FROM {} LIMIT 0", statements::quoted(view));
    // Whatever else is wrong shows when it is made.
    is_made && database.fetch_optional(&read, &[]).await.is_ok()
}

/// Has one view be there as it is declared, in a transaction of its own.
async fn make(database: &Database, view: &View) -> Result<Attempt, DatabaseError> {
    let mut transaction = database.begin().await?;
    transaction.lock(&["view", &view.full_name()]).await?;
    let before = record::find(&mut transaction, view).await?;
    let is_made = before.as_ref().is_some_and(|record| record.is_made_as(&view.sql));
    if is_made && statements::exists(&mut transaction, view).await? {
        transaction.rollback().await?;
        return Ok(Attempt::There);
    }
    match statements::create(&mut transaction, view).await {
        Ok(()) => {
            record::made(&mut transaction, view).await?;
            transaction.commit().await?;
            Ok(Attempt::Made)
        }
        Err(error) if record::is_about_the_view(&error) => {
            let problem = error.to_string();
            let is_new = before.is_none_or(|record| record.problem.as_ref() != Some(&problem));
            // What was tried is undone by itself; this is kept.
            record::refused(&mut transaction, view, &problem).await?;
            transaction.commit().await?;
            Ok(Attempt::Refused { problem, is_new })
        }
        Err(error) => Err(error),
    }
}

/// Something that is another text when tables or their columns are others.
async fn tables(database: &Database) -> Result<String, DatabaseError> {
    let sql = match database.dialect() {
        Dialect::Postgres => {
            "SELECT CAST(COUNT(*) AS TEXT) || ' ' || CAST(COALESCE(MAX(CAST(c.oid AS BIGINT)), 0) AS TEXT) \
                 || ' ' || CAST(COALESCE(SUM(CAST(a.atttypid AS BIGINT)), 0) AS TEXT) AS tables \
             FROM pg_catalog.pg_class AS c \
             JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
             JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 \
             WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT a.attisdropped \
                 AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'"
        }
        Dialect::Sqlite => {
            "SELECT CAST(COUNT(*) AS TEXT) || ' ' || CAST(COALESCE(SUM(LENGTH(sql)), 0) AS TEXT) \
                 AS tables FROM sqlite_master"
        }
        Dialect::MySql => {
            "SELECT CAST(CONCAT(COUNT(*), ' ', COALESCE(SUM(CRC32(CONCAT_WS(' ', table_name, \
                 column_name, column_type))), 0)) AS CHAR) AS tables \
             FROM information_schema.columns WHERE table_schema = DATABASE()"
        }
    };
    let row = database.fetch_optional(sql, &[]).await?;
    row.map_or_else(|| Ok(String::new()), |row| row.get("tables"))
}

/// Runs statements one after the other.
async fn run_all(
    transaction: &mut Transaction,
    statements: &[String],
) -> Result<(), DatabaseError> {
    for sql in statements {
        transaction.execute(sql, &[]).await?;
    }
    Ok(())
}
