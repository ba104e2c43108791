//! What people did about dead letters: who, when, what and why. Every action is
//! in the transaction of what it did, so that the record can't be without it.

use std::fmt;

use chrono::{DateTime, Utc};
use millrace_contract::{FileId, ObjectVersion};

use crate::failures::storable;
use crate::together::{by_halves, placeholders};
use crate::{FailureKey, Ledger, LedgerError, Row, Transaction, Value};

/// Rows of one statement.
const MOST_ROWS: usize = 64;

/// A kind of action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// The message was sent again.
    Redrive,
    /// Its body was changed.
    Edit,
    /// It was given up.
    Discard,
    /// It was found in a dead-letter queue and recorded.
    Adopt,
    /// Failures were written out.
    Export,
}

impl Act {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::Redrive, Self::Edit, Self::Discard, Self::Adopt, Self::Export];

    /// The name in the ledger and on the screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Redrive => "redrive",
            Self::Edit => "edit",
            Self::Discard => "discard",
            Self::Adopt => "adopt",
            Self::Export => "export",
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Something that was done about one failure, or about many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DlqAction {
    /// When.
    pub at: DateTime<Utc>,
    /// Who: `user@host`, with the IAM role where it is known.
    pub actor: String,
    /// What.
    pub act: Act,
    /// The failure; none where it is about many.
    pub key: Option<FailureKey>,
    /// The failure's fingerprint.
    pub fingerprint: Option<String>,
    /// How, or why.
    pub detail: Option<String>,
}

/// What an edited body is about.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EditedFacts {
    /// Dataset, where the body names one.
    pub dataset: Option<String>,
    /// File, where the body names one.
    pub file_id: Option<FileId>,
    /// Object, where the body names one.
    pub object: Option<ObjectVersion>,
}

impl DlqAction {
    /// An action of this moment that is about no failure yet.
    pub fn now(actor: &str, act: Act) -> Self {
        let actor = actor.to_owned();
        Self { at: Utc::now(), actor, act, key: None, fingerprint: None, detail: None }
    }

    pub(crate) async fn enter(&self, transaction: &mut Transaction) -> Result<(), LedgerError> {
        enter_all(transaction, std::slice::from_ref(self)).await
    }

    fn values(&self) -> [Value; 7] {
        let key = self.key.as_ref();
        [
            self.at.into(),
            self.actor.as_str().into(),
            self.act.as_str().into(),
            key.map(|key| key.queue.as_str()).into(),
            key.map(|key| key.message_id.as_str()).into(),
            self.fingerprint.as_deref().into(),
            self.detail.as_deref().map(storable).into(),
        ]
    }
}

impl Ledger {
    /// Records an action that changed nothing in the ledger, such as an export.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn record_dlq_action(&self, action: &DlqAction) -> Result<(), LedgerError> {
        let mut transaction = self.database.begin().await?;
        action.enter(&mut transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// What was done about a failure, in order.
    ///
    /// # Errors
    /// [`LedgerError::Unreadable`] if a newer version of Millrace did it.
    pub async fn dlq_actions(&self, key: &FailureKey) -> Result<Vec<DlqAction>, LedgerError> {
        let sql = "SELECT acted_at, actor, action, queue, message_id, fingerprint, detail \
                   FROM millrace_dlq_actions WHERE queue = $1 AND message_id = $2 \
                   ORDER BY action_id";
        let values = [key.queue.as_str().into(), key.message_id.as_str().into()];
        self.database.fetch_all(sql, &values).await?.iter().map(read).collect()
    }

    /// Gives failures up, for a reason. They stay on record. Answers how many were
    /// still open.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn discard_failures(
        &self,
        failures: &[(FailureKey, String)],
        actor: &str,
        reason: &str,
    ) -> Result<u64, LedgerError> {
        let mut transaction = self.database.begin().await?;
        let mut actions = Vec::with_capacity(failures.len());
        for (key, fingerprint) in failures {
            let values: [Value; 4] = [
                key.queue.as_str().into(),
                key.message_id.as_str().into(),
                Utc::now().into(),
                storable(reason).into(),
            ];
            let sql = "UPDATE millrace_failures SET resolution = 'discarded', resolved_at = $3, \
                           discard_reason = $4 \
                       WHERE queue = $1 AND message_id = $2 \
                         AND COALESCE(resolution, 'redriven') = 'redriven'";
            if transaction.execute(sql, &values).await? > 0 {
                actions.push(DlqAction {
                    key: Some(key.clone()),
                    fingerprint: Some(fingerprint.clone()),
                    detail: Some(reason.to_owned()),
                    ..DlqAction::now(actor, Act::Discard)
                });
            }
        }
        enter_all(&mut transaction, &actions).await?;
        transaction.commit().await?;
        Ok(actions.len() as u64)
    }

    /// Changes the body of an open failure; the first one is kept beside it, and
    /// what the new one is about is taken over where it was not known. Answers
    /// whether the failure was open.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn edit_failure(
        &self,
        (key, fingerprint): (&FailureKey, &str),
        body: &str,
        facts: &EditedFacts,
        actor: &str,
    ) -> Result<bool, LedgerError> {
        let object = facts.object.as_ref().map(|object| serde_json::json!(object).to_string());
        let values: [Value; 6] = [
            key.queue.as_str().into(),
            key.message_id.as_str().into(),
            storable(body).into(),
            facts.dataset.as_deref().into(),
            facts.file_id.as_ref().map(FileId::as_str).into(),
            object.into(),
        ];
        // Assignments see each other's results in MySQL: the original comes first.
        let sql = "UPDATE millrace_failures SET original_body = COALESCE(original_body, body), \
                       body = $3, dataset = COALESCE(dataset, $4), \
                       file_id = COALESCE(file_id, $5), object = COALESCE(object, $6) \
                   WHERE queue = $1 AND message_id = $2 AND resolution IS NULL";
        let mut transaction = self.database.begin().await?;
        let is_open = transaction.execute(sql, &values).await? > 0;
        if is_open {
            let action = DlqAction {
                key: Some(key.clone()),
                fingerprint: Some(fingerprint.to_owned()),
                detail: Some(format!("{} bytes now", body.len())),
                ..DlqAction::now(actor, Act::Edit)
            };
            action.enter(&mut transaction).await?;
        }
        transaction.commit().await?;
        Ok(is_open)
    }
}

pub(crate) async fn enter_all(
    transaction: &mut Transaction,
    actions: &[DlqAction],
) -> Result<(), LedgerError> {
    let rows: Vec<[Value; 7]> = actions.iter().map(DlqAction::values).collect();
    for rows in by_halves(&rows, MOST_ROWS) {
        let sql = format!(
            "INSERT INTO millrace_dlq_actions \
                 (acted_at, actor, action, queue, message_id, fingerprint, detail) VALUES {}",
            placeholders(rows.len(), 7, 1)
        );
        transaction.execute(&sql, rows.as_flattened()).await?;
    }
    Ok(())
}

fn read(row: &Row) -> Result<DlqAction, LedgerError> {
    let action: String = row.get("action")?;
    let act = Act::ALL.into_iter().find(|act| act.as_str() == action);
    let queue: Option<String> = row.get("queue")?;
    let message_id: Option<String> = row.get("message_id")?;
    Ok(DlqAction {
        at: row.get("acted_at")?,
        actor: row.get("actor")?,
        act: act.ok_or_else(|| LedgerError::unreadable("an action", &action))?,
        key: queue.zip(message_id).map(|(queue, message_id)| FailureKey { queue, message_id }),
        fingerprint: row.get("fingerprint")?,
        detail: row.get("detail")?,
    })
}
