//! Outages are told once for the whole pipeline, however many workers are in them,
//! and once more when they are over.
//!
//! Workers agree by a marker in the lake's bucket (see [`marker`](crate::marker)).
//! Where the bucket is what is down, the ledger's groups keep it at one; where both
//! are, a worker tells by itself, since an alert too many is better than none.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use millrace_contract::{AlertKind, Occurrence};
use millrace_ledger::Ledger;
use millrace_retry::{Curve, RequestError};
use millrace_storage::{Markers, StorageError};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use crate::Topic;
use crate::marker::{Outage, Own, Pace, Step, when_over, while_down, while_up};
use crate::text::{Told, render};

/// How long a look at the marker or the ledger may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Looks at the marker that fail before it is done without it.
const LOOKS: u32 = 3;

/// Pauses after an alert that could not be published.
const PAUSES: Curve = Curve::from_secs(2, 60);

/// Attempts at publishing one; whoever finds it untold then takes it on.
const PUBLISHES: u32 = 8;

/// What outages are told by.
#[derive(Clone)]
pub struct OutageConfig {
    /// The pipeline's name.
    pub pipeline: String,
    /// The worker's stage.
    pub stage: String,
    /// Bucket of the marker: the lake's.
    pub bucket: String,
    /// Key of the marker.
    pub key: String,
    /// Where the marker is.
    pub markers: Arc<dyn Markers>,
    /// Keeps alerts at one where the marker can't. Empty until the worker has it open.
    pub ledger: Arc<OnceLock<Ledger>>,
    /// Where alerts go.
    pub topic: Arc<dyn Topic>,
}

/// Tells of a worker's outages. Dropped, it tells no more.
#[derive(Debug)]
pub struct Outages {
    stage: String,
    down: watch::Sender<Option<Own>>,
    telling: AbortHandle,
}

impl Drop for Outages {
    fn drop(&mut self) {
        self.telling.abort();
    }
}

impl Outages {
    /// Starts telling, on a task of its own.
    pub fn start(config: OutageConfig) -> Self {
        Self::at_pace(config, Pace::default())
    }

    fn at_pace(config: OutageConfig, pace: Pace) -> Self {
        let (down, state) = watch::channel(None);
        let stage = config.stage.clone();
        let telling = tokio::spawn(Teller { config, pace }.run(state)).abort_handle();
        Self { stage, down, telling }
    }

    /// The worker is in an outage. Returns at once.
    pub fn began(&self, reason: &str) {
        let (stage, reason) = (self.stage.clone(), reason.to_owned());
        self.down.send_replace(Some(Own { since: Utc::now(), reason, stage }));
    }

    /// The worker's outage is over. Returns at once.
    pub fn ended(&self) {
        self.down.send_replace(None);
    }
}

struct Teller {
    config: OutageConfig,
    pace: Pace,
}

/// How an outage was told, so that its end is told the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// Somebody told, by the marker.
    Marker,
    /// The ledger's groups.
    Ledger,
    /// By itself.
    Alone,
}

impl Teller {
    async fn run(self, mut state: watch::Receiver<Option<Own>>) {
        loop {
            let down = state.borrow_and_update().clone();
            match down {
                Some(own) => {
                    let how = self.during(&own, &mut state).await;
                    if let Some((how, until)) = how {
                        self.after(&own, how, until).await;
                    }
                }
                None => tokio::select! {
                    changed = state.changed() => if changed.is_err() { return },
                    () = sleep(self.pace.stale) => self.look().await,
                },
            }
            if state.has_changed().is_err() {
                return;
            }
        }
    }

    /// From the beginning of an outage to its end: how it was told, and when it
    /// ended; none if there is nothing to tell.
    async fn during(
        &self,
        own: &Own,
        state: &mut watch::Receiver<Option<Own>>,
    ) -> Option<(How, DateTime<Utc>)> {
        if timeout(self.pace.confirm, state.wait_for(Option::is_none)).await.is_ok() {
            return None;
        }
        let mut over = std::pin::pin!(over(state, self.pace.settle));
        let (mut how, mut failed) = (None, 0);
        loop {
            let telling = async {
                match how {
                    None | Some(How::Marker) => match self.by_marker(own).await {
                        Ok(()) => how = Some(How::Marker),
                        Err(error) => {
                            tracing::debug!(%error, "the outage's marker can't be had");
                            failed += 1;
                        }
                    },
                    Some(How::Ledger | How::Alone) => {}
                }
                if how.is_none() && failed >= LOOKS {
                    how = self.without_marker(&occurrence(own)).await;
                }
                let pause = if how.is_none() { self.pace.look / 8 } else { self.pace.look };
                sleep(pause).await;
            };
            tokio::select! {
                until = &mut over => return Some((how?, until?)),
                () = telling => {}
            }
        }
    }

    async fn after(&self, own: &Own, how: How, until: DateTime<Utc>) {
        match how {
            How::Marker => {
                let step = |marker| when_over(marker, until, Utc::now(), &self.pace);
                if let Err(error) = self.step(step).await {
                    tracing::warn!(%error, "the end of an outage is left to others to tell");
                }
            }
            How::Ledger | How::Alone => {
                let lasted = u64::try_from((until - own.since).num_milliseconds()).unwrap_or(0);
                let over = Occurrence { lasted_ms: Some(lasted), at: until, ..occurrence(own) };
                if how == How::Alone || self.by_ledger(&over).await.is_none() {
                    self.publish(&over).await;
                }
            }
        }
    }

    /// Looks after what nobody else does.
    async fn look(&self) {
        let step = |marker| while_up(marker, Utc::now(), &self.pace);
        if let Err(error) = self.step(step).await {
            tracing::debug!(%error, "the outage's marker can't be had");
        }
    }

    async fn by_marker(&self, own: &Own) -> Result<(), StorageError> {
        self.step(|marker| while_down(marker, own, Utc::now(), &self.pace)).await
    }

    /// Decides by what the marker holds, writes it, and tells if that is ours.
    async fn step(&self, decide: impl Fn(Option<Outage>) -> Step) -> Result<(), StorageError> {
        let (marker, etag) = self.read().await?;
        let (outage, tells) = match decide(marker) {
            Step::Leave => return Ok(()),
            Step::Write(outage) => (outage, false),
            Step::Tell(outage) => (outage, true),
        };
        // If another was first, it has done what there was to do.
        if self.write(etag.as_deref(), &outage).await? && tells && self.tell(&outage).await {
            self.told(&outage).await?;
        }
        Ok(())
    }

    /// Says in the marker that an outage, or its end, is told.
    async fn told(&self, outage: &Outage) -> Result<(), StorageError> {
        for _ in 0..LOOKS {
            let (marker, etag) = self.read().await?;
            let Some(marker) = marker.filter(|marker| marker.is_as(outage)) else { break };
            if self.write(etag.as_deref(), &Outage { told: true, ..marker }).await? {
                break;
            }
        }
        Ok(())
    }

    /// What the marker holds, and what names that. One that can't be understood is
    /// written over.
    async fn read(&self) -> Result<(Option<Outage>, Option<String>), StorageError> {
        let OutageConfig { bucket, key, markers, .. } = &self.config;
        let marker = self.in_time(markers.read_marker(bucket, key)).await?;
        let Some(marker) = marker else { return Ok((None, None)) };
        Ok((serde_json::from_slice(&marker.body).ok(), Some(marker.etag)))
    }

    async fn write(&self, before: Option<&str>, outage: &Outage) -> Result<bool, StorageError> {
        let OutageConfig { bucket, key, markers, .. } = &self.config;
        let body = Bytes::from(serde_json::json!(outage).to_string());
        self.in_time(markers.replace_marker(bucket, key, before, body)).await
    }

    async fn in_time<T>(
        &self,
        asked: impl Future<Output = Result<T, StorageError>>,
    ) -> Result<T, StorageError> {
        let OutageConfig { bucket, key, .. } = &self.config;
        timeout(PATIENCE, asked).await.unwrap_or_else(|_| {
            let (url, detail) = (format!("s3://{bucket}/{key}"), "no answer in time".to_owned());
            Err(StorageError::Unreachable { url, detail })
        })
    }

    async fn tell(&self, outage: &Outage) -> bool {
        let own =
            Own { since: outage.since, reason: outage.reason.clone(), stage: outage.stage.clone() };
        let mut told = occurrence(&own);
        if let Some(until) = outage.until {
            let lasted = (until - outage.since).num_milliseconds();
            told.lasted_ms = Some(u64::try_from(lasted).unwrap_or(0));
            told.at = until;
        }
        self.publish(&told).await
    }

    async fn without_marker(&self, occurrence: &Occurrence) -> Option<How> {
        match self.by_ledger(occurrence).await {
            Some(how) => Some(how),
            None => self.publish(occurrence).await.then_some(How::Alone),
        }
    }

    async fn by_ledger(&self, occurrence: &Occurrence) -> Option<How> {
        let asked = self.config.ledger.get()?.alert_once(occurrence);
        timeout(PATIENCE, asked).await.ok()?.ok()?;
        Some(How::Ledger)
    }

    /// Publishes, and tries again if that fails; whether it succeeded.
    async fn publish(&self, occurrence: &Occurrence) -> bool {
        let newest = std::slice::from_ref(occurrence);
        let (pipeline, at) = (&self.config.pipeline, occurrence.at);
        let told = Told { pipeline, count: 1, before: 0, first_at: at, last_at: at, newest };
        let Some(message) = render(&told) else { return false };
        for attempt in 1..=PUBLISHES {
            match self.config.topic.publish(&message).await {
                Ok(()) => {
                    tracing::info!(subject = message.subject, "alert sent");
                    return true;
                }
                Err(error) => unsent(&error, attempt),
            }
            sleep(PAUSES.ceiling(attempt)).await;
        }
        false
    }
}

fn unsent(error: &RequestError, attempt: u32) {
    if attempt == 1 {
        tracing::warn!(%error, "an alert is sent later");
    }
}

fn occurrence(own: &Own) -> Occurrence {
    let Own { since, reason, stage } = own;
    let told = Occurrence::new(AlertKind::Outage, *since, reason.clone());
    Occurrence { stage: stage.parse().ok(), ..told }
}

/// Completes when there was no outage for `settle`: when it ended; none if the
/// worker went away.
async fn over(state: &mut watch::Receiver<Option<Own>>, settle: Duration) -> Option<DateTime<Utc>> {
    loop {
        drop(state.wait_for(Option::is_none).await.ok()?);
        let until = Utc::now();
        match timeout(settle, state.wait_for(Option::is_some)).await {
            Err(_) => return Some(until),
            Ok(again) => drop(again.ok()?),
        }
    }
}

#[cfg(test)]
#[path = "outage_tests.rs"]
mod tests;
