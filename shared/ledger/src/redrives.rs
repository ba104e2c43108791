//! Failures that were sent again: that they were, what became of them, and how the
//! copies in a dead-letter queue stand.

use std::collections::HashMap;

use chrono::Utc;
use millrace_contract::FileId;

use crate::dlq_actions::enter_all;
use crate::state::parse_state;
use crate::together::{by_halves, placeholders};
use crate::{Act, DlqAction, Failure, FailureKey, FileState, Ledger, LedgerError, Value};

/// Rows of one statement.
const MOST_ROWS: usize = 64;

/// A message of a dead-letter queue that is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sought<'a> {
    /// Its id in the queue it came from.
    pub message_id: &'a str,
    /// Its body, where that id may not be known: to be looked for by it.
    pub body: Option<&'a str>,
}

/// How a message of a dead-letter queue stands in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is not on record.
    Unknown,
    /// Nothing was done about it.
    Open,
    /// Something was: its copy is not needed any more.
    Over,
}

/// What became of a failure that was sent again.
#[derive(Debug, Clone, PartialEq)]
pub enum WhatBecame {
    /// Nothing yet.
    Waiting,
    /// It came to a good end, in a word: `loaded`, `superseded`, …
    Well(&'static str),
    /// It failed again.
    Again(Box<Failure>),
}

impl Ledger {
    /// Records that failures were sent again, and how. What is known to have come to
    /// a good end meanwhile stays so.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn redriven(
        &self,
        failures: &[(FailureKey, String, String)],
        actor: &str,
    ) -> Result<(), LedgerError> {
        let mut transaction = self.database.begin().await?;
        let mut actions = Vec::with_capacity(failures.len());
        for (key, fingerprint, how) in failures {
            let sql = "UPDATE millrace_failures SET redrives = redrives + 1, \
                           discard_reason = NULL, \
                           resolved_at = CASE WHEN resolution IN ('loaded', 'handled') \
                               THEN resolved_at ELSE $3 END, \
                           resolution = CASE WHEN resolution IN ('loaded', 'handled') \
                               THEN resolution ELSE 'redriven' END \
                       WHERE queue = $1 AND message_id = $2";
            let values: [Value; 3] =
                [key.queue.as_str().into(), key.message_id.as_str().into(), Utc::now().into()];
            transaction.execute(sql, &values).await?;
            actions.push(DlqAction {
                key: Some(key.clone()),
                fingerprint: Some(fingerprint.clone()),
                detail: Some(how.clone()),
                ..DlqAction::now(actor, Act::Redrive)
            });
        }
        enter_all(&mut transaction, &actions).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Records that a message was handled that is the redrive of a failure. That is
    /// the end of it if it is about no file; of others, their file tells.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn redrive_handled(&self, key: &FailureKey) -> Result<(), LedgerError> {
        let values: [Value; 3] =
            [key.queue.as_str().into(), key.message_id.as_str().into(), Utc::now().into()];
        let sql = "UPDATE millrace_failures SET resolution = 'handled', resolved_at = $3 \
                   WHERE queue = $1 AND message_id = $2 AND file_id IS NULL \
                     AND COALESCE(resolution, 'redriven') = 'redriven'";
        self.database.execute(sql, &values).await?;
        Ok(())
    }

    /// What became of a failure that was sent again, `files` being the file it is
    /// about and the one it is gone through again as. Failures among `before` are
    /// not new.
    ///
    /// # Errors
    /// [`LedgerError::Unreadable`] if a newer version of Millrace wrote it.
    pub async fn what_became(
        &self,
        key: &FailureKey,
        files: &[&FileId],
        before: &[FailureKey],
    ) -> Result<WhatBecame, LedgerError> {
        let names: Vec<&str> = files.iter().map(|file| file.as_str()).collect();
        let failures = self.failures_after(key, &names).await?;
        let is_new = |failure: &&Failure| failure.key() != *key && !before.contains(&failure.key());
        if let Some(again) = failures.iter().rfind(is_new) {
            return Ok(WhatBecame::Again(Box::new(again.clone())));
        }
        if let Some(word) = self.resolved_well(key).await? {
            return Ok(WhatBecame::Well(word));
        }
        for file in files {
            match self.state_of(file).await? {
                Some(
                    state @ (FileState::Loaded
                    | FileState::Unchanged
                    | FileState::Superseded
                    | FileState::Skipped),
                ) => return Ok(WhatBecame::Well(state.as_str())),
                Some(FileState::Registered | FileState::Transformed | FileState::Failed) | None => {
                }
            }
        }
        Ok(WhatBecame::Waiting)
    }

    async fn resolved_well(&self, key: &FailureKey) -> Result<Option<&'static str>, LedgerError> {
        let sql = "SELECT resolution FROM millrace_failures WHERE queue = $1 AND message_id = $2";
        let values = [key.queue.as_str().into(), key.message_id.as_str().into()];
        let row = self.database.fetch_optional(sql, &values).await?;
        let resolution: Option<String> = row.map_or(Ok(None), |row| row.get("resolution"))?;
        Ok(["loaded", "handled"].into_iter().find(|word| resolution.as_deref() == Some(*word)))
    }

    async fn state_of(&self, file: &FileId) -> Result<Option<FileState>, LedgerError> {
        let sql = "SELECT state FROM millrace_files WHERE file_id = $1";
        let row = self.database.fetch_optional(sql, &[file.as_str().into()]).await?;
        row.map(|row| parse_state(&row.get::<String>("state")?)).transpose()
    }

    /// How many failures of a queue nothing was done about.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn open_failures(&self, queue: &str) -> Result<u64, LedgerError> {
        let sql = "SELECT COUNT(*) AS failures FROM millrace_failures \
                   WHERE queue = $1 AND resolution IS NULL";
        let row = self.database.fetch_optional(sql, &[queue.into()]).await?;
        Ok(row.map_or(Ok(0), |row| row.count("failures"))?)
    }

    /// How messages that came from `queue` stand, in their order.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn standing(
        &self,
        queue: &str,
        messages: &[Sought<'_>],
    ) -> Result<Vec<Standing>, LedgerError> {
        let mut known: HashMap<String, Standing> = HashMap::new();
        for sought in by_halves(messages, MOST_ROWS) {
            let sql = format!(
                "SELECT message_id, resolution FROM millrace_failures \
                 WHERE queue = $1 AND message_id IN {}",
                placeholders(1, sought.len(), 2)
            );
            let ids = sought.iter().map(|sought| sought.message_id);
            let values: Vec<Value> = std::iter::once(queue).chain(ids).map(Value::from).collect();
            for row in self.database.fetch_all(&sql, &values).await? {
                let is_open = row.get::<Option<String>>("resolution")?.is_none();
                known.insert(row.get("message_id")?, standing(is_open));
            }
        }
        let mut standings = Vec::with_capacity(messages.len());
        for sought in messages {
            standings.push(match (known.get(sought.message_id), sought.body) {
                (Some(standing), _) => *standing,
                (None, Some(body)) => self.standing_of_body(queue, body).await?,
                (None, None) => Standing::Unknown,
            });
        }
        Ok(standings)
    }

    /// Several messages may have one body: as long as one of them is open, its copy
    /// is needed.
    async fn standing_of_body(&self, queue: &str, body: &str) -> Result<Standing, LedgerError> {
        let sql = "SELECT COUNT(*) AS found, \
                       COUNT(CASE WHEN resolution IS NULL THEN 1 END) AS open_ones \
                   FROM millrace_failures \
                   WHERE queue = $1 AND COALESCE(original_body, body) = $2";
        let row = self.database.fetch_optional(sql, &[queue.into(), body.into()]).await?;
        let Some(row) = row else { return Ok(Standing::Unknown) };
        Ok(match row.count("found")? {
            0 => Standing::Unknown,
            _ => standing(row.count("open_ones")? > 0),
        })
    }
}

fn standing(is_open: bool) -> Standing {
    if is_open { Standing::Open } else { Standing::Over }
}
