//! The right to make a derived dataset: whose it is, and what becomes of those
//! who ask for it meanwhile.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::turn::{Turn, Turns};
use crate::{Ledger, LedgerError, Row, Transaction, Value};

/// Who makes derived datasets.
pub(super) const TURNS: Turns =
    Turns { lock: "derive", table: "millrace_derived", counter: "run_number" };

/// A worker that wants to make a derived dataset.
#[derive(Debug, Clone, Copy)]
pub struct DeriveWish<'a> {
    /// The dataset.
    pub dataset: &'a str,
    /// The message that asks for it.
    pub message_id: &'a str,
    /// How long changes are gathered: so long it rests since a run began. Nothing
    /// for those who do not wait.
    pub debounce: Option<Duration>,
    /// How long the claim lasts unless it is renewed.
    pub lease: Duration,
}

/// Whether a worker may make a derived dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeriveClaimed {
    /// It may.
    Yes(DeriveClaim),
    /// Somebody else is at it, and will look again.
    Joined,
    /// A run began a moment ago. The message is to be sent again, to come after
    /// this long.
    Early(Duration),
    /// As before, and another message comes by then.
    Gathered,
}

/// The right to make a derived dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeriveClaim {
    /// The dataset.
    pub dataset: String,
    /// The claim's number.
    pub fence: i64,
    /// What the last run that was done was made of.
    pub made_of: Option<String>,
    /// What that run said its partitions come from.
    pub origins: Option<String>,
}

impl DeriveClaim {
    pub(super) fn turn(&self) -> Turn<'_> {
        Turn { of: TURNS, dataset: &self.dataset, fence: self.fence }
    }
}

impl Ledger {
    /// Claims a derived dataset, unless somebody else is at it or it is too early.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn claim_derivation(
        &self,
        wish: &DeriveWish<'_>,
    ) -> Result<DeriveClaimed, LedgerError> {
        let mut transaction = self.database.begin().await?;
        TURNS.lock(&mut transaction, wish.dataset).await?;
        let known = Known::find(&mut transaction, wish.dataset).await?;
        let answer = decide(wish, known.as_ref(), Utc::now());
        let fence = known.as_ref().map_or(1, |known| known.fence + 1);
        let dataset: Value = wish.dataset.into();
        let claimed = match answer {
            Decision::Take => {
                let turn = Turn { of: TURNS, dataset: wish.dataset, fence };
                turn.take(&mut transaction, wish.message_id, wish.lease, known.is_some()).await?;
                let made_of = made_of(&mut transaction, wish.dataset).await?;
                let dataset = wish.dataset.to_owned();
                let origins = known.and_then(|known| known.origins);
                DeriveClaimed::Yes(DeriveClaim { dataset, fence, made_of, origins })
            }
            Decision::Join => {
                TURNS.join(&mut transaction, wish.dataset).await?;
                DeriveClaimed::Joined
            }
            Decision::Wait(due) => {
                let sql = "UPDATE millrace_derived SET due_at = $2, due_message = $3 \
                           WHERE dataset = $1";
                let values = [dataset, due.into(), wish.message_id.into()];
                transaction.execute(sql, &values).await?;
                DeriveClaimed::Early((due - Utc::now()).to_std().unwrap_or_default())
            }
            Decision::Leave => DeriveClaimed::Gathered,
        };
        transaction.commit().await?;
        Ok(claimed)
    }

    /// Keeps a claim for longer; false if it is lost.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn renew_derivation(
        &self,
        claim: &DeriveClaim,
        lease: Duration,
    ) -> Result<bool, LedgerError> {
        claim.turn().renew(&self.database, lease).await
    }

    /// Gives a claim back without an end of its run. Answers whether something
    /// changed since the claim; nothing if it was lost.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn release_derivation(
        &self,
        claim: &DeriveClaim,
    ) -> Result<Option<bool>, LedgerError> {
        claim.turn().release(&self.database).await
    }
}

/// What is known of a derived dataset.
#[derive(Debug, Clone)]
struct Known {
    fence: i64,
    claimed_until: DateTime<Utc>,
    claimed_by: String,
    begun_at: Option<DateTime<Utc>>,
    due_at: Option<DateTime<Utc>>,
    due_message: Option<String>,
    origins: Option<String>,
}

impl Known {
    async fn find(
        transaction: &mut Transaction,
        dataset: &str,
    ) -> Result<Option<Self>, LedgerError> {
        let sql = "SELECT fence, claimed_until, claimed_by, begun_at, due_at, due_message, \
                       origins FROM millrace_derived WHERE dataset = $1";
        let row = transaction.fetch_optional(sql, &[dataset.into()]).await?;
        let read = |row: &Row| {
            Ok::<_, LedgerError>(Self {
                fence: row.get("fence")?,
                claimed_until: row.get("claimed_until")?,
                claimed_by: row.get("claimed_by")?,
                begun_at: row.get("begun_at")?,
                due_at: row.get("due_at")?,
                due_message: row.get("due_message")?,
                origins: row.get("origins")?,
            })
        };
        row.as_ref().map(read).transpose()
    }
}

/// What is done about a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    Take,
    Join,
    Wait(DateTime<Utc>),
    Leave,
}

fn decide(wish: &DeriveWish<'_>, known: Option<&Known>, now: DateTime<Utc>) -> Decision {
    let Some(known) = known else { return Decision::Take };
    // A message that comes again while it has the claim: whoever had it is no more,
    // and nobody would look again.
    if known.claimed_until > now {
        let is_own = known.claimed_by == wish.message_id;
        return if is_own { Decision::Take } else { Decision::Join };
    }
    let rest = wish.debounce.and_then(|debounce| TimeDelta::from_std(debounce).ok());
    let due = known.begun_at.zip(rest).and_then(|(begun, rest)| begun.checked_add_signed(rest));
    let Some(due) = due.filter(|due| *due > now) else { return Decision::Take };
    // A message that comes again sends again: the one it sent may never have left.
    let another = known.due_message.as_deref().is_some_and(|id| id != wish.message_id);
    match known.due_at {
        Some(at) if at > now && another => Decision::Leave,
        Some(_) | None => Decision::Wait(due),
    }
}

async fn made_of(
    transaction: &mut Transaction,
    dataset: &str,
) -> Result<Option<String>, LedgerError> {
    let sql = "SELECT inputs FROM millrace_derive_runs WHERE dataset = $1 AND state = 'done' \
               ORDER BY run_number DESC LIMIT 1";
    let row = transaction.fetch_optional(sql, &[dataset.into()]).await?;
    Ok(row.as_ref().map(|row| row.get("inputs")).transpose()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_767_225_600 + seconds, 0).expect("a time")
    }

    fn wish(message_id: &'static str) -> DeriveWish<'static> {
        DeriveWish {
            dataset: "d",
            message_id,
            debounce: Some(Duration::from_secs(10)),
            lease: Duration::from_secs(30),
        }
    }

    fn idle(begun: i64) -> Known {
        Known {
            fence: 1,
            claimed_until: at(0),
            claimed_by: "x".into(),
            begun_at: Some(at(begun)),
            due_at: None,
            due_message: None,
            origins: None,
        }
    }

    #[test]
    fn one_message_waits_for_all_until_the_rest_is_over() {
        assert_eq!(decide(&wish("a"), None, at(0)), Decision::Take);
        let known = idle(0);
        assert_eq!(decide(&wish("a"), Some(&known), at(3)), Decision::Wait(at(10)));
        let waiting = Known { due_at: Some(at(10)), due_message: Some("a".into()), ..known };
        assert_eq!(decide(&wish("b"), Some(&waiting), at(4)), Decision::Leave);
        assert_eq!(decide(&wish("a"), Some(&waiting), at(4)), Decision::Wait(at(10)));
        assert_eq!(decide(&wish("b"), Some(&waiting), at(10)), Decision::Take);
    }

    #[test]
    fn who_asks_while_somebody_is_at_it_joins_and_who_does_not_wait_is_not_early() {
        let busy = Known { claimed_until: at(20), ..idle(0) };
        assert_eq!(decide(&wish("a"), Some(&busy), at(3)), Decision::Join);
        assert_eq!(decide(&wish("x"), Some(&busy), at(3)), Decision::Take, "it came again");
        let by_hand = DeriveWish { debounce: None, ..wish("a") };
        assert_eq!(decide(&by_hand, Some(&busy), at(3)), Decision::Join);
        assert_eq!(decide(&by_hand, Some(&idle(0)), at(3)), Decision::Take);
    }
}
