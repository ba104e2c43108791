//! The right to work at a dataset, which one worker has at a time.
//!
//! A dataset is claimed for a while, and each claim has a number, its fence, as that of
//! a run has (`claim`). Whoever finds it claimed says so in its row and leaves; who gives
//! the claim back is told, and looks again. What is derived and what the catalog holds
//! each have a table with `dataset`, `fence`, `claimed_until`, `claimed_by`,
//! `asked_again` and a number that counts what was done.

use std::time::Duration;

use chrono::Utc;

use crate::claim::until;
use crate::{Database, LedgerError, Transaction, Value};

/// One kind of work at datasets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turns {
    /// Claims of one dataset are judged one after the other, under this name.
    pub(crate) lock: &'static str,
    /// Its table.
    pub(crate) table: &'static str,
    /// The column that counts from nothing.
    pub(crate) counter: &'static str,
}

/// A dataset that is claimed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn<'a> {
    /// The kind of work.
    pub(crate) of: Turns,
    /// The dataset.
    pub(crate) dataset: &'a str,
    /// The claim's number.
    pub(crate) fence: i64,
}

impl Turns {
    /// Has claims of a dataset wait until the transaction ends.
    pub(crate) async fn lock(
        self,
        transaction: &mut Transaction,
        dataset: &str,
    ) -> Result<(), LedgerError> {
        Ok(transaction.lock(&[self.lock, dataset]).await?)
    }

    /// Has whoever has the claim look again when it is given back.
    pub(crate) async fn join(
        self,
        transaction: &mut Transaction,
        dataset: &str,
    ) -> Result<(), LedgerError> {
        let sql = format!("UPDATE {} SET asked_again = 1 WHERE dataset = $1", self.table);
        transaction.execute(&sql, &[dataset.into()]).await?;
        Ok(())
    }
}

impl Turn<'_> {
    /// Claims the dataset for a message. It has a row already if it `is_known`.
    pub(crate) async fn take(
        self,
        transaction: &mut Transaction,
        message_id: &str,
        lease: Duration,
        is_known: bool,
    ) -> Result<(), LedgerError> {
        let Turns { table, counter, .. } = self.of;
        let sql = match is_known {
            true => format!(
                "UPDATE {table} SET fence = $2, claimed_until = $3, claimed_by = $4, \
                     asked_again = 0 WHERE dataset = $1"
            ),
            false => format!(
                "INSERT INTO {table} \
                     (dataset, fence, claimed_until, claimed_by, asked_again, {counter}) \
                 VALUES ($1, $2, $3, $4, 0, 0)"
            ),
        };
        let values: [Value; 4] =
            [self.dataset.into(), self.fence.into(), until(lease).into(), message_id.into()];
        transaction.execute(&sql, &values).await?;
        Ok(())
    }

    /// Has the claim last for `lease` from now; false if it is lost.
    pub(crate) async fn renew(
        self,
        database: &Database,
        lease: Duration,
    ) -> Result<bool, LedgerError> {
        let sql = format!(
            "UPDATE {} SET claimed_until = $1 WHERE dataset = $2 AND fence = $3",
            self.of.table
        );
        let values: [Value; 3] = [until(lease).into(), self.dataset.into(), self.fence.into()];
        Ok(database.execute(&sql, &values).await? > 0)
    }

    /// Whether it was not claimed over.
    pub(crate) async fn is_held(self, transaction: &mut Transaction) -> Result<bool, LedgerError> {
        let sql =
            format!("SELECT 1 AS found FROM {} WHERE dataset = $1 AND fence = $2", self.of.table);
        let values = [self.dataset.into(), self.fence.into()];
        Ok(transaction.fetch_optional(&sql, &values).await?.is_some())
    }

    /// Ends the claim. Answers whether somebody asked meanwhile; nothing if it is lost.
    pub(crate) async fn give_back(
        self,
        transaction: &mut Transaction,
    ) -> Result<Option<bool>, LedgerError> {
        let table = self.of.table;
        let sql = format!("SELECT asked_again FROM {table} WHERE dataset = $1 AND fence = $2");
        let values: [Value; 2] = [self.dataset.into(), self.fence.into()];
        let Some(row) = transaction.fetch_optional(&sql, &values).await? else { return Ok(None) };
        let again = row.get::<i64>("asked_again")? != 0;
        let sql = format!(
            "UPDATE {table} SET claimed_until = $1, asked_again = 0 \
             WHERE dataset = $2 AND fence = $3"
        );
        let values: [Value; 3] = [Utc::now().into(), self.dataset.into(), self.fence.into()];
        transaction.execute(&sql, &values).await?;
        Ok(Some(again))
    }

    /// Gives the claim back with nothing done, and answers as [`Turn::give_back`] does.
    pub(crate) async fn release(self, database: &Database) -> Result<Option<bool>, LedgerError> {
        let mut transaction = database.begin().await?;
        self.of.lock(&mut transaction, self.dataset).await?;
        let again = self.give_back(&mut transaction).await?;
        transaction.commit().await?;
        Ok(again)
    }
}
