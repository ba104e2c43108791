//! Entries of many files in one transaction.
//!
//! What is said about a small file costs the database more in round trips and
//! commits than in rows. Entries that come at the same time share both. Each has
//! its own answer: one that fails alone says so alone, and where the database
//! refuses the group, its entries are made one after the other.

use std::future::Future;

use millrace_retry::{Classify, FailureClass};

use crate::fault::Fault;
use crate::gathering::{Gathering, Waiting};
use crate::{Database, DatabaseError, Dialect, LedgerError, Transaction};

/// Entries of one transaction: beyond this, more do not make it faster.
const MOST: usize = 128;

/// Groups in flight to a server. More than one, so that a server that is far away
/// does not bound what a worker gets done; few, so that there are groups at all.
const TURNS: u32 = 4;

/// Something to be said in the ledger. To say it twice does no harm.
pub(crate) trait Entry: Send + Sync + 'static {
    /// What comes of it.
    type Answer: Send + 'static;

    /// Names what it locks. Groups take their locks in the order of these names,
    /// so that two of them wait for each other instead of deadlocking.
    fn place(&self) -> String;

    /// Says all of them, in this order, with an answer for each. An error of one
    /// that the others have no part in leaves nothing of it behind; any other is an
    /// error of all.
    fn enter_all(
        entries: &[&Self],
        transaction: &mut Transaction,
    ) -> impl Future<Output = Result<Answers<Self>, LedgerError>> + Send;
}

/// What came of each entry.
pub(crate) type Answers<E> = Vec<Result<<E as Entry>::Answer, LedgerError>>;

/// Items by halves: as many as `most` as long as there are, then powers of two, so
/// that a few statements, which connections keep prepared, do for every number.
pub(crate) fn by_halves<T>(mut items: &[T], most: usize) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let next = 1 << items.len().min(most).checked_ilog2()?;
        let (chunk, rest) = items.split_at(next);
        items = rest;
        Some(chunk)
    })
}

/// `($1, $2), ($3, $4)`, for rows of that many values, counting from `first`.
pub(crate) fn placeholders(rows: usize, columns: usize, first: usize) -> String {
    let row = |row: usize| {
        let from = first + row * columns;
        let numbers: Vec<_> = (from..from + columns).map(|number| format!("${number}")).collect();
        format!("({})", numbers.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

/// Makes entries of one kind.
#[derive(Debug)]
pub(crate) struct Together<E: Entry> {
    database: Database,
    gathering: Gathering<E, Result<E::Answer, LedgerError>>,
}

type Asked<E> = Waiting<E, Result<<E as Entry>::Answer, LedgerError>>;

impl<E: Entry> Together<E> {
    pub(crate) fn new(database: &Database) -> Self {
        let turns = match database.dialect() {
            // It has one writer.
            Dialect::Sqlite => 1,
            Dialect::Postgres | Dialect::MySql => (database.max_connections() / 2).clamp(1, TURNS),
        };
        let turns = usize::try_from(turns).unwrap_or(1);
        Self { database: database.clone(), gathering: Gathering::new(turns, MOST) }
    }

    /// Makes an entry, with others if there are any; it is durable when this
    /// returns.
    pub(crate) async fn enter(&self, entry: E) -> Result<E::Answer, LedgerError> {
        let database = self.database.clone();
        let answer = self.gathering.submit(entry, move |group| carry(database, group)).await;
        answer.unwrap_or_else(|| {
            let why = "the transaction was given up";
            Err(DatabaseError::new(Fault::Interrupted, self.database.name(), why).into())
        })
    }
}

async fn carry<E: Entry>(database: Database, mut group: Vec<Asked<E>>) {
    group.sort_by_cached_key(|asked| asked.job.place());
    match all(&database, &group).await {
        Ok(answers) => {
            for (asked, answer) in group.into_iter().zip(answers) {
                asked.answer(answer);
            }
        }
        Err(error) => match <[Asked<E>; 1]>::try_from(group) {
            Ok([only]) => only.answer(Err(error)),
            Err(group) => one_by_one(&database, group).await,
        },
    }
}

/// All entries in one transaction.
async fn all<E: Entry>(database: &Database, group: &[Asked<E>]) -> Result<Answers<E>, LedgerError> {
    let entries: Vec<&E> = group.iter().map(|asked| &asked.job).collect();
    let mut transaction = database.begin().await?;
    match E::enter_all(&entries, &mut transaction).await {
        Ok(answers) => {
            transaction.commit().await?;
            Ok(answers)
        }
        Err(error) => {
            // If this fails too, the connection is broken, which undoes it.
            let _undone = transaction.rollback().await;
            Err(error)
        }
    }
}

/// Each entry in a transaction of its own. Once the database is down it is not
/// asked again for each of them.
async fn one_by_one<E: Entry>(database: &Database, group: Vec<Asked<E>>) {
    let mut down: Option<DatabaseError> = None;
    for asked in group {
        let answer = match &down {
            Some(error) => Err(error.clone().into()),
            None => alone(database, &asked).await,
        };
        if let Err(LedgerError::Database(error)) = &answer
            && error.class() == FailureClass::Outage
        {
            down = Some(error.clone());
        }
        asked.answer(answer);
    }
}

async fn alone<E: Entry>(database: &Database, asked: &Asked<E>) -> Result<E::Answer, LedgerError> {
    let answers = all(database, std::slice::from_ref(asked)).await?;
    answers.into_iter().next().unwrap_or_else(|| {
        let why = "the entry was not made";
        Err(DatabaseError::new(Fault::Internal, database.name(), why).into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_powers_of_two_and_come_to_all() {
        let items: Vec<_> = (0..77).collect();
        let sizes: Vec<_> = by_halves(&items, 32).map(<[_]>::len).collect();
        assert_eq!(sizes, [32, 32, 8, 4, 1]);
        assert_eq!(by_halves(&items, 32).flatten().count(), 77);
        assert_eq!(by_halves::<u8>(&[], 32).count(), 0);
    }

    #[test]
    fn placeholders_are_numbered_through() {
        assert_eq!(placeholders(2, 3, 1), "($1, $2, $3), ($4, $5, $6)");
        assert_eq!(placeholders(1, 2, 2), "($2, $3)");
    }
}
