//! What is still to be told, handed out to whoever tells it.
//!
//! Who takes something moves the moment on at which it is due, so that nobody else
//! takes it meanwhile; if the taker dies, it is due again when that moment comes.
//! So everything is told at least once, and twice only after a death.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use millrace_contract::Occurrence;

use crate::together::{by_halves, placeholders};
use crate::{Ledger, LedgerError, Row, Transaction, Value};

/// Rows of one statement.
const MOST_ROWS: usize = 64;

/// Occurrences that are handed out with a group: enough for examples.
const EXAMPLES: i64 = 5;

/// Groups that are handed out at a time.
const GROUPS: i64 = 50;

/// An event to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueEvent {
    /// Its number in the ledger.
    pub id: i64,
    /// `detail-type`.
    pub detail_type: String,
    /// `detail`, JSON.
    pub detail: String,
    /// When it was written down.
    pub created_at: DateTime<Utc>,
    /// Attempts before this one.
    pub attempts: u32,
}

/// Occurrences of a group, to be told in one alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueAlert {
    /// The group.
    pub group: String,
    /// How many occurrences.
    pub count: u64,
    /// How many were told before, since the group was last quiet: with any, this
    /// is a digest.
    pub told: u64,
    /// When the first of them happened.
    pub first_at: DateTime<Utc>,
    /// When the last of them happened.
    pub last_at: DateTime<Utc>,
    /// The newest of them, the newest first; at least one.
    pub newest: Vec<Occurrence>,
    /// Attempts at this alert before this one.
    pub attempts: u32,
    /// Their numbers: ranges, from and to.
    occurrences: Vec<(i64, i64)>,
}

impl Ledger {
    /// Takes events that are due, the oldest first, for `lease`.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn take_events(
        &self,
        most: u32,
        lease: Duration,
    ) -> Result<Vec<DueEvent>, LedgerError> {
        let now = Utc::now();
        let due = "SELECT event_id, detail_type, detail, created_at, attempts \
                   FROM millrace_events WHERE due_at <= $1 ORDER BY event_id LIMIT $2";
        let values: [Value; 2] = [now.into(), most.into()];
        // A look takes no lock, and mostly there is nothing.
        if self.database.fetch_optional(due, &[now.into(), 1_u32.into()]).await?.is_none() {
            return Ok(Vec::new());
        }
        let mut transaction = self.database.begin().await?;
        transaction.lock(&["events"]).await?;
        let rows = transaction.fetch_all(due, &values).await?;
        let events = rows.iter().map(read_event).collect::<Result<Vec<_>, _>>()?;
        let taken: Vec<Value> = events.iter().map(|event| event.id.into()).collect();
        postpone(&mut transaction, &taken, after(now, lease)).await?;
        transaction.commit().await?;
        Ok(events)
    }

    /// Forgets events: they are sent, or given up.
    ///
    /// # Errors
    /// [`LedgerError::Database`]; they are then sent again.
    pub async fn forget_events(&self, events: &[i64]) -> Result<(), LedgerError> {
        let events: Vec<Value> = events.iter().map(|&id| id.into()).collect();
        for events in by_halves(&events, MOST_ROWS) {
            let those = placeholders(1, events.len(), 1);
            let sql = format!("DELETE FROM millrace_events WHERE event_id IN {those}");
            self.database.execute(&sql, events).await?;
        }
        Ok(())
    }

    /// Puts events off: they could not be sent.
    ///
    /// # Errors
    /// [`LedgerError::Database`]; they are then due when the lease ends.
    pub async fn postpone_events(
        &self,
        events: &[i64],
        delay: Duration,
    ) -> Result<(), LedgerError> {
        let events: Vec<Value> = events.iter().map(|&id| id.into()).collect();
        let mut transaction = self.database.begin().await?;
        postpone(&mut transaction, &events, after(Utc::now(), delay)).await?;
        Ok(transaction.commit().await?)
    }

    /// Takes the groups of occurrences that are due, for `lease`. A group that was
    /// told of is due again `quiet` later; what was told longer ago than another
    /// `quiet` is forgotten.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn take_alerts(
        &self,
        lease: Duration,
        quiet: Duration,
    ) -> Result<Vec<DueAlert>, LedgerError> {
        let now = Utc::now();
        let values: [Value; 2] = [now.into(), GROUPS.into()];
        let due = "SELECT a.alert_group, MIN(a.happened_at) AS first_at, \
                       MAX(a.happened_at) AS last_at, MAX(a.alert_id) AS through \
                   FROM millrace_alerts AS a LEFT JOIN millrace_alert_groups AS g \
                       ON g.alert_group = a.alert_group \
                   WHERE g.due_at IS NULL OR g.due_at <= $1 \
                   GROUP BY a.alert_group ORDER BY MIN(a.alert_id) LIMIT $2";
        if self.database.fetch_optional(due, &[now.into(), 1_i64.into()]).await?.is_none() {
            return Ok(Vec::new());
        }
        let mut transaction = self.database.begin().await?;
        transaction.lock(&["alerts"]).await?;
        let mut alerts = Vec::new();
        for row in transaction.fetch_all(due, &values).await? {
            alerts.extend(read_alert(&mut transaction, &row, quiet).await?);
        }
        for alert in &alerts {
            take_group(&mut transaction, alert, after(now, lease)).await?;
        }
        transaction.commit().await?;
        Ok(alerts)
    }

    /// Records that an alert was sent: its group is quiet for a while.
    ///
    /// # Errors
    /// [`LedgerError::Database`]; it is then sent again when the lease ends.
    pub async fn alert_sent(&self, alert: &DueAlert, quiet: Duration) -> Result<(), LedgerError> {
        let now = Utc::now();
        let mut transaction = self.database.begin().await?;
        forget(&mut transaction, alert).await?;
        let values: [Value; 4] = [
            alert.group.as_str().into(),
            after(now, quiet).into(),
            now.into(),
            alert.told.saturating_add(alert.count).into(),
        ];
        let sql = "UPDATE millrace_alert_groups SET due_at = $2, sent_at = $3, told = $4, \
                   attempts = 0 WHERE alert_group = $1";
        transaction.execute(sql, &values).await?;
        Ok(transaction.commit().await?)
    }

    /// Puts an alert off: it could not be sent.
    ///
    /// # Errors
    /// [`LedgerError::Database`]; it is then due when the lease ends.
    pub async fn postpone_alert(
        &self,
        alert: &DueAlert,
        delay: Duration,
    ) -> Result<(), LedgerError> {
        let sql = "UPDATE millrace_alert_groups SET due_at = $2 WHERE alert_group = $1";
        let values: [Value; 2] = [alert.group.as_str().into(), after(Utc::now(), delay).into()];
        self.database.execute(sql, &values).await?;
        Ok(())
    }
}

fn after(now: DateTime<Utc>, delay: Duration) -> DateTime<Utc> {
    let delay = TimeDelta::from_std(delay).unwrap_or(TimeDelta::MAX);
    now.checked_add_signed(delay).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

async fn postpone(
    transaction: &mut Transaction,
    events: &[Value],
    due: DateTime<Utc>,
) -> Result<(), LedgerError> {
    for events in by_halves(events, MOST_ROWS) {
        let those = placeholders(1, events.len(), 2);
        let sql = format!(
            "UPDATE millrace_events SET due_at = $1, attempts = attempts + 1 \
             WHERE event_id IN {those}"
        );
        let values: Vec<Value> =
            std::iter::once(due.into()).chain(events.iter().cloned()).collect();
        transaction.execute(&sql, &values).await?;
    }
    Ok(())
}

fn read_event(row: &Row) -> Result<DueEvent, LedgerError> {
    Ok(DueEvent {
        id: row.get("event_id")?,
        detail_type: row.get("detail_type")?,
        detail: row.get("detail")?,
        created_at: row.get("created_at")?,
        attempts: attempts(row)?,
    })
}

fn attempts(row: &Row) -> Result<u32, LedgerError> {
    Ok(u32::try_from(row.count("attempts")?).unwrap_or(u32::MAX))
}

/// A group with its state and examples; none if no occurrence of it can be read
/// here, since a newer worker wrote them and tells of them.
async fn read_alert(
    transaction: &mut Transaction,
    row: &Row,
    quiet: Duration,
) -> Result<Option<DueAlert>, LedgerError> {
    let group: String = row.get("alert_group")?;
    let through: i64 = row.get("through")?;
    let sql = "SELECT occurrence FROM millrace_alerts WHERE alert_group = $1 AND alert_id <= $2 \
               ORDER BY alert_id DESC LIMIT $3";
    let values: [Value; 3] = [group.as_str().into(), through.into(), EXAMPLES.into()];
    let mut newest = Vec::new();
    for example in transaction.fetch_all(sql, &values).await? {
        newest.extend(serde_json::from_str::<Occurrence>(&example.get::<String>("occurrence")?));
    }
    if newest.is_empty() {
        return Ok(None);
    }
    let (first_at, last_at) = (row.get("first_at")?, row.get("last_at")?);
    let (told, attempts) = state(transaction, &group, first_at, quiet).await?;
    let occurrences = occurrences(transaction, &group, through).await?;
    let count = occurrences.iter().map(|(first, last)| last.abs_diff(*first) + 1).sum();
    Ok(Some(DueAlert { group, count, told, first_at, last_at, newest, attempts, occurrences }))
}

/// The occurrences up to an id, as ranges without a gap. One between them whose
/// transaction ends later is none of them: its id is drawn already, and it is told
/// next time.
async fn occurrences(
    transaction: &mut Transaction,
    group: &str,
    through: i64,
) -> Result<Vec<(i64, i64)>, LedgerError> {
    let sql = "SELECT alert_id FROM millrace_alerts WHERE alert_group = $1 AND alert_id <= $2 \
               ORDER BY alert_id";
    let mut ranges: Vec<(i64, i64)> = Vec::new();
    for row in transaction.fetch_all(sql, &[group.into(), through.into()]).await? {
        let id: i64 = row.get("alert_id")?;
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == id => *last = id,
            Some(_) | None => ranges.push((id, id)),
        }
    }
    Ok(ranges)
}

/// Takes out the occurrences that are told.
async fn forget(transaction: &mut Transaction, alert: &DueAlert) -> Result<(), LedgerError> {
    for ranges in by_halves(&alert.occurrences, MOST_ROWS) {
        let range = |at: usize| format!("alert_id BETWEEN ${} AND ${}", 2 * at + 2, 2 * at + 3);
        let those: Vec<String> = (0..ranges.len()).map(range).collect();
        let sql = format!(
            "DELETE FROM millrace_alerts WHERE alert_group = $1 AND ({})",
            those.join(" OR ")
        );
        let bounds = ranges.iter().flat_map(|(first, last)| [(*first).into(), (*last).into()]);
        let values: Vec<Value> =
            std::iter::once(alert.group.as_str().into()).chain(bounds).collect();
        transaction.execute(&sql, &values).await?;
    }
    Ok(())
}

/// How many occurrences of a group were told since it was last quiet, and how
/// often it was tried since.
async fn state(
    transaction: &mut Transaction,
    group: &str,
    first_at: DateTime<Utc>,
    quiet: Duration,
) -> Result<(u64, u32), LedgerError> {
    let sql = "SELECT sent_at, told, attempts FROM millrace_alert_groups WHERE alert_group = $1";
    let Some(row) = transaction.fetch_optional(sql, &[group.into()]).await? else {
        return Ok((0, 0));
    };
    let sent_at: Option<DateTime<Utc>> = row.get("sent_at")?;
    let goes_on = sent_at.is_some_and(|sent| first_at < after(sent, quiet.saturating_mul(2)));
    Ok((if goes_on { row.count("told")? } else { 0 }, attempts(&row)?))
}

async fn take_group(
    transaction: &mut Transaction,
    alert: &DueAlert,
    due: DateTime<Utc>,
) -> Result<(), LedgerError> {
    let met = transaction.dialect().on_conflict_set(
        &["alert_group"],
        &format!(
            "due_at = {}, attempts = millrace_alert_groups.attempts + 1",
            transaction.dialect().new_value("due_at")
        ),
    );
    let sql = format!(
        "INSERT INTO millrace_alert_groups (alert_group, due_at, told, attempts) \
         VALUES ($1, $2, 0, 1){met}"
    );
    let values: [Value; 2] = [alert.group.as_str().into(), due.into()];
    transaction.execute(&sql, &values).await?;
    Ok(())
}
