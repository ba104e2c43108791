//! Notices datasets that got no new file by the time at which one was expected.
//!
//! Every worker looks; the ledger sees to it that a missed time is told once, and
//! its end too. Nothing here reads a clock but [`Lateness::run`].

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use millrace_contract::{AlertKind, Occurrence};
use millrace_ledger::{Ledger, LedgerError, Watched};
use millrace_schedule::{Expected, Late};

/// How often it is looked.
const LOOK: Duration = Duration::from_secs(10);

/// Looks after datasets that are to have new files by some time.
#[derive(Debug, Clone)]
pub struct Lateness {
    ledger: Ledger,
    datasets: Vec<(String, Expected)>,
}

/// Whether a dataset got its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Name of the dataset.
    pub dataset: String,
    /// When its files are expected.
    pub expected: Expected,
    /// When its newest file was loaded.
    pub newest: Option<DateTime<Utc>>,
    /// Since when it is late, if it is.
    pub late: Option<Late>,
    /// When the next file is expected.
    pub next: Option<DateTime<Utc>>,
}

impl Lateness {
    /// Looks after `datasets`, each with when its files are expected.
    pub fn new(ledger: Ledger, datasets: impl IntoIterator<Item = (String, Expected)>) -> Self {
        Self { ledger, datasets: datasets.into_iter().collect() }
    }

    /// Looks again and again until `stopped` completes. What goes wrong is nobody's
    /// trouble here: it is looked again.
    pub async fn run(&self, stopped: impl Future<Output = ()>) {
        let mut stopped = std::pin::pin!(stopped);
        loop {
            if let Err(error) = self.check(Utc::now()).await {
                tracing::debug!(%error, "whether datasets are late waits for the ledger");
            }
            tokio::select! {
                () = &mut stopped => return,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Writes down what is late at `now`, and what is so no longer.
    ///
    /// # Errors
    /// [`LedgerError::Database`]; datasets before the failing one are done.
    pub async fn check(&self, now: DateTime<Utc>) -> Result<(), LedgerError> {
        for (dataset, expected) in &self.datasets {
            self.check_one(dataset, expected, now).await?;
        }
        Ok(())
    }

    async fn check_one(
        &self,
        dataset: &str,
        expected: &Expected,
        now: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        let words = expected.to_string();
        let watched = self.ledger.watched(dataset).await?;
        let Some(watched) = watched.filter(|watched| watched.expected == words) else {
            return self.ledger.watch(dataset, &words, now).await;
        };
        let newest = self.ledger.newest_load(dataset).await?;
        match expected.late(watched.since, newest, now) {
            Some(late) => self.tell_late(dataset, &watched, late, newest).await,
            None => self.tell_over(dataset, &watched, newest, now).await,
        }
    }

    async fn tell_late(
        &self,
        dataset: &str,
        watched: &Watched,
        late: Late,
        newest: Option<DateTime<Utc>>,
    ) -> Result<(), LedgerError> {
        if watched.missed_at.is_some_and(|told| told >= late.missed) {
            return Ok(());
        }
        let newest = match newest {
            Some(newest) => format!("the newest was loaded at {}", moment(newest)),
            None => "none was ever loaded".to_owned(),
        };
        let message = format!(
            "a file was expected by {} ({}); {newest}",
            moment(late.missed),
            watched.expected
        );
        let told = occurrence(dataset, late.missed, message);
        if self.ledger.missed(watched, (late.since, late.missed), &told).await? {
            let (since, missed) = (moment(late.since), moment(late.missed));
            tracing::warn!(dataset, since, missed, "no new file came in time");
        }
        Ok(())
    }

    async fn tell_over(
        &self,
        dataset: &str,
        watched: &Watched,
        newest: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        let Some(since) = watched.late_since else { return Ok(()) };
        let at = newest.unwrap_or(now);
        let lasted = u64::try_from((at - since).num_milliseconds()).unwrap_or_default();
        let message = format!("a file was loaded at {}", moment(at));
        let told = Occurrence { lasted_ms: Some(lasted), ..occurrence(dataset, at, message) };
        if self.ledger.caught_up(watched, &told).await? {
            tracing::info!(dataset, lasted_ms = lasted, "a new file came, late");
        }
        Ok(())
    }

    /// How every dataset stands at `now`. Writes nothing.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn standings(&self, now: DateTime<Utc>) -> Result<Vec<Standing>, LedgerError> {
        let mut standings = Vec::new();
        for (dataset, expected) in &self.datasets {
            let words = expected.to_string();
            let watched = self.ledger.watched(dataset).await?;
            let since = watched.filter(|watched| watched.expected == words);
            let newest = self.ledger.newest_load(dataset).await?;
            standings.push(Standing {
                dataset: dataset.clone(),
                expected: expected.clone(),
                newest,
                late: since.and_then(|watched| expected.late(watched.since, newest, now)),
                next: expected.next(now),
            });
        }
        Ok(standings)
    }
}

fn occurrence(dataset: &str, at: DateTime<Utc>, message: String) -> Occurrence {
    let dataset = Some(dataset.to_owned());
    Occurrence { dataset, ..Occurrence::new(AlertKind::LateDataset, at, message) }
}

fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
#[path = "lateness_tests.rs"]
mod tests;
