//! What is said about a file as it goes on, and how it is said about many files at
//! once: one statement for all of them wherever there is one.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::Utc;
use millrace_contract::FileId;

use crate::announce::Announcer;
use crate::progress::known;
use crate::together::{Answers, Entry, by_halves, placeholders};
use crate::{LedgerError, Transaction, Value};

/// Rows or files of one statement.
const MOST_ROWS: usize = 64;

/// What is said about one file.
#[derive(Debug)]
pub(crate) struct Progress {
    pub(crate) file_id: FileId,
    /// A statement that has to change the file's row, with its values. The rest is
    /// not said about a file that is unknown.
    pub(crate) update: Option<(&'static str, Vec<Value>)>,
    /// Rows of `millrace_rejects`, which take the place of the file's earlier ones.
    pub(crate) counts: Option<Vec<[Value; 5]>>,
    /// Whether the file's open failures are over.
    pub(crate) closes_failures: bool,
    /// A row of `millrace_hops`.
    pub(crate) hop: Option<[Value; 7]>,
    /// Writes down that the file is loaded, if it was not before.
    pub(crate) announcer: Option<Arc<Announcer>>,
}

impl Progress {
    /// Nothing yet.
    pub(crate) fn of(file_id: &FileId) -> Self {
        let file_id = file_id.clone();
        Self {
            file_id,
            update: None,
            counts: None,
            closes_failures: false,
            hop: None,
            announcer: None,
        }
    }

    /// Whether the file is known.
    async fn update(
        &self,
        transaction: &mut Transaction,
    ) -> Result<Result<(), LedgerError>, LedgerError> {
        match &self.update {
            Some((sql, values)) => {
                Ok(known(transaction.execute(sql, values).await?, &self.file_id))
            }
            None => Ok(Ok(())),
        }
    }
}

impl Entry for Progress {
    type Answer = ();

    fn place(&self) -> String {
        self.file_id.to_string()
    }

    async fn enter_all(
        entries: &[&Self],
        transaction: &mut Transaction,
    ) -> Result<Answers<Self>, LedgerError> {
        let news = not_loaded(transaction, entries).await?;
        let mut answers = Vec::with_capacity(entries.len());
        for entry in entries {
            answers.push(entry.update(transaction).await?);
        }
        let known = entries.iter().zip(&answers).filter(|(_, answer)| answer.is_ok());
        let known: Vec<&Self> = known.map(|(entry, _)| *entry).collect();
        count(transaction, &known).await?;
        close_failures(transaction, &known).await?;
        hop(transaction, &known).await?;
        announce(transaction, entries, &news).await?;
        Ok(answers)
    }
}

/// A rule is counted once per outcome; its rows add up.
async fn count(transaction: &mut Transaction, entries: &[&Progress]) -> Result<(), LedgerError> {
    let counted = entries.iter().filter_map(|entry| Some((entry, entry.counts.as_ref()?)));
    let counted: Vec<_> = counted.collect();
    let files: Vec<Value> =
        counted.iter().map(|(entry, _)| entry.file_id.as_str().into()).collect();
    for files in by_halves(&files, MOST_ROWS) {
        let those = placeholders(1, files.len(), 1);
        let forget = format!("DELETE FROM millrace_rejects WHERE file_id IN {those}");
        transaction.execute(&forget, files).await?;
    }
    let dialect = transaction.dialect();
    let more =
        format!("row_count = millrace_rejects.row_count + {}", dialect.new_value("row_count"));
    let sql = format!(
        "INSERT INTO millrace_rejects (file_id, rule, outcome, row_count, example) \
         VALUES ($1, $2, $3, $4, $5){}",
        dialect.on_conflict_set(&["file_id", "outcome", "rule"], &more)
    );
    for values in counted.iter().flat_map(|(_, counts)| *counts) {
        transaction.execute(&sql, values).await?;
    }
    Ok(())
}

async fn close_failures(
    transaction: &mut Transaction,
    entries: &[&Progress],
) -> Result<(), LedgerError> {
    let over = entries.iter().filter(|entry| entry.closes_failures);
    let over: Vec<Value> = over.map(|entry| entry.file_id.as_str().into()).collect();
    for files in by_halves(&over, MOST_ROWS) {
        let values: Vec<Value> =
            std::iter::once(Utc::now().into()).chain(files.iter().cloned()).collect();
        if transaction.execute(&closing(files.len()), &values).await? > 0 {
            mend_files(transaction, files).await?;
        }
    }
    Ok(())
}

/// A file that failed and was gone through again as a whole under another id is
/// where it belongs as well.
async fn mend_files(transaction: &mut Transaction, files: &[Value]) -> Result<(), LedgerError> {
    // MySQL reads the table it changes only through a derived one.
    let sql = format!(
        "UPDATE millrace_files SET state = 'loaded', reason = NULL, \
             loaded_at = COALESCE(loaded_at, $1) \
         WHERE state = 'failed' AND file_id IN (SELECT mended.file_id FROM ( \
             SELECT o.file_id FROM millrace_files AS o JOIN millrace_files AS m \
                 ON o.file_id = m.replay_of OR o.replay_of = m.replay_of \
             WHERE m.replay = 'whole' AND m.file_id IN {}) AS mended)",
        placeholders(1, files.len(), 2)
    );
    let values: Vec<Value> =
        std::iter::once(Utc::now().into()).chain(files.iter().cloned()).collect();
    transaction.execute(&sql, &values).await?;
    Ok(())
}

/// Where a file was gone through again, it has mended what it is a replay of, and
/// whatever became of earlier replays. All of them are of one object, by which they
/// are found: this runs for every file, so it must not look at all of them. `COALESCE`,
/// so that no database thinks of going through all failures that are open.
fn closing(files: usize) -> String {
    let those = placeholders(1, files, 2);
    format!(
        "UPDATE millrace_failures SET resolution = 'loaded', resolved_at = $1 \
         WHERE COALESCE(resolution, 'redriven') = 'redriven' AND (file_id IN {those} OR file_id IN ( \
             SELECT o.file_id FROM millrace_files AS m JOIN millrace_files AS o \
                 ON o.bucket = m.bucket AND o.object_key = m.object_key \
                 AND o.dataset = m.dataset \
                 AND (o.file_id = m.replay_of OR o.replay_of = m.replay_of) \
             WHERE m.file_id IN {those} AND m.replay_of IS NOT NULL))"
    )
}

async fn hop(transaction: &mut Transaction, entries: &[&Progress]) -> Result<(), LedgerError> {
    let hops: Vec<[Value; 7]> = entries.iter().filter_map(|entry| entry.hop.clone()).collect();
    for hops in by_halves(&hops, MOST_ROWS) {
        let sql = format!(
            "INSERT INTO millrace_hops \
                 (file_id, stage, attempt, started_at, duration_ms, outcome, detail) VALUES {}",
            placeholders(hops.len(), 7, 1)
        );
        transaction.execute(&sql, hops.as_flattened()).await?;
    }
    Ok(())
}

/// Files that would be told of once they are loaded, and are not yet.
async fn not_loaded(
    transaction: &mut Transaction,
    entries: &[&Progress],
) -> Result<HashSet<String>, LedgerError> {
    let told = entries.iter().filter(|entry| entry.announcer.is_some());
    let files: Vec<Value> = told.map(|entry| entry.file_id.as_str().into()).collect();
    Announcer::not_loaded(transaction, &files).await
}

/// All entries of a ledger have the same announcer.
async fn announce(
    transaction: &mut Transaction,
    entries: &[&Progress],
    news: &HashSet<String>,
) -> Result<(), LedgerError> {
    let announcer = entries.iter().find_map(|entry| entry.announcer.as_ref());
    let Some(announcer) = announcer.filter(|_| !news.is_empty()) else { return Ok(()) };
    announcer.announce_loads(transaction, news).await
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;
    use crate::{Database, Ledger};

    #[tokio::test]
    async fn closing_failures_looks_at_the_files_it_is_about_and_no_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}", folder.path().join("ledger.db").display());
        let database = Database::connect(&SecretString::from(url), 1).await.expect("a file");
        Ledger::open(&database).await.expect("a ledger");
        let values: Vec<Value> = ["now", "a", "b"].map(Value::from).into();
        let plan = format!("EXPLAIN QUERY PLAN {}", closing(2));
        let steps = database.fetch_all(&plan, &values).await.expect("a plan");
        let steps: Vec<String> =
            steps.iter().map(|step| step.get("detail").expect("a text")).collect();
        assert!(steps.iter().any(|step| step.contains("SEARCH m USING")), "{steps:#?}");
        assert!(steps.iter().all(|step| !step.starts_with("SCAN")), "{steps:#?}");
    }
}
