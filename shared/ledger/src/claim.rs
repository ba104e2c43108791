//! The right to work at a run, which is a row of the table of its kind.
//!
//! A run is claimed for a while, and each claim has a number, its fence: whoever was
//! claimed over can't change the run any more. Exports, reports and upkeep each have
//! a table with `run_id`, `fence`, `claimed_until` and `state`; who may claim a run is
//! each one's own.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::{Database, LedgerError, Transaction, Value};

/// Until when a claim lasts that is made or renewed now.
pub(crate) fn until(lease: Duration) -> DateTime<Utc> {
    let lease = TimeDelta::from_std(lease).unwrap_or(TimeDelta::MAX);
    Utc::now().checked_add_signed(lease).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// A run that is claimed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held<'a> {
    /// The table of its kind.
    pub(crate) table: &'static str,
    /// Its `run_id`.
    pub(crate) run: &'a str,
    /// The claim's number.
    pub(crate) fence: i64,
}

/// A statement that changes a run, unless the claim is lost.
#[must_use]
pub(crate) struct Change {
    sql: String,
    values: Vec<Value>,
}

impl Held<'_> {
    /// Sets columns, as in `state = 'done', page = $1`, to values.
    pub(crate) fn set<const N: usize>(self, columns: &str, values: [Value; N]) -> Change {
        let Self { table, run, fence } = self;
        let (run_id, number) = (N + 1, N + 2);
        let sql = format!(
            "UPDATE {table} SET {columns} \
             WHERE run_id = ${run_id} AND fence = ${number} AND state = 'running'"
        );
        let values = values.into_iter().chain([run.into(), fence.into()]).collect();
        Change { sql, values }
    }

    /// Has the claim last for `lease` from now.
    pub(crate) fn renewed(self, lease: Duration) -> Change {
        self.set("claimed_until = $1", [until(lease).into()])
    }

    /// Ends the run for good.
    pub(crate) fn failed(self, reason: &str) -> Change {
        let reason = reason.replace('\0', "\u{fffd}");
        self.set(
            "state = 'failed', reason = $1, finished_at = $2",
            [reason.into(), Utc::now().into()],
        )
    }
}

impl Change {
    /// Makes it; false if the claim is lost.
    pub(crate) async fn make(&self, database: &Database) -> Result<bool, LedgerError> {
        Ok(database.execute(&self.sql, &self.values).await? > 0)
    }

    /// Makes it with whatever else the transaction does; false if the claim is lost.
    pub(crate) async fn make_in(&self, transaction: &mut Transaction) -> Result<bool, LedgerError> {
        Ok(transaction.execute(&self.sql, &self.values).await? > 0)
    }
}
