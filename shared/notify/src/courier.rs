//! Tells what the ledger holds to be told, beside a worker's work.
//!
//! Every worker has a courier; whoever takes something first tells it. What can't
//! be sent is put off, longer every time, and given up after days: an alert of last
//! week helps nobody, and a table that only grows would hurt.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use millrace_ledger::{DueAlert, DueEvent, Ledger, LedgerError};
use millrace_retry::{Curve, RequestError};

use crate::text::{Told, render};
use crate::{Bus, Event, Topic};

/// Events that are taken at a time: ten requests.
const EVENTS: u32 = 100;

/// How long what was taken is ours: longer than any request takes.
const LEASE: Duration = Duration::from_secs(90);

/// How often it is looked for what others left, when nothing is written here.
const LOOK: Duration = Duration::from_secs(5);

/// What is written together is sent together.
const LINGER: Duration = Duration::from_millis(200);

/// How long the last look of a worker that stops may take.
const LAST_LOOK: Duration = Duration::from_secs(5);

/// Pauses after what could not be sent.
const PAUSES: Curve = Curve::from_secs(5, 600);

/// When what can't be sent is given up.
const GIVEN_UP: TimeDelta = TimeDelta::days(3);

/// What a courier tells, where to, and how often.
pub struct CourierConfig {
    /// The pipeline's name.
    pub pipeline: String,
    /// Where alerts go, if they do.
    pub topic: Option<Arc<dyn Topic>>,
    /// Where events go, if they do.
    pub bus: Option<Arc<dyn Bus>>,
    /// How long a group of alerts is quiet after one was sent.
    pub digest: Duration,
}

/// Sends what is due.
pub struct Courier {
    ledger: Ledger,
    config: CourierConfig,
}

impl Courier {
    /// Tells what `ledger` holds.
    pub fn new(ledger: Ledger, config: CourierConfig) -> Self {
        Self { ledger, config }
    }

    /// Tells until `stopped` completes, and then what is left, within reason.
    pub async fn run(&self, stopped: impl Future<Output = ()>) {
        let mut stopped = std::pin::pin!(stopped);
        loop {
            self.tell().await;
            tokio::select! {
                () = &mut stopped => break,
                () = self.ledger.announced() => tokio::time::sleep(LINGER).await,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
        if tokio::time::timeout(LAST_LOOK, self.tell()).await.is_err() {
            tracing::debug!("what is left to be told is left to other workers");
        }
    }

    /// Tells everything that is due. What goes wrong is nobody's trouble here: it
    /// is due again later.
    pub async fn tell(&self) {
        if let Err(error) = self.tell_events().await {
            tracing::debug!(%error, "events wait for the ledger");
        }
        if let Err(error) = self.tell_alerts().await {
            tracing::debug!(%error, "alerts wait for the ledger");
        }
    }

    async fn tell_events(&self) -> Result<(), LedgerError> {
        let Some(bus) = &self.config.bus else { return Ok(()) };
        loop {
            let due = self.ledger.take_events(EVENTS, LEASE).await?;
            if due.is_empty() {
                return Ok(());
            }
            let events: Vec<Event> = due.iter().map(event).collect();
            let answers = bus.put(&events).await;
            self.settle_events(&due, &answers).await?;
        }
    }

    async fn settle_events(
        &self,
        due: &[DueEvent],
        answers: &[Result<(), RequestError>],
    ) -> Result<(), LedgerError> {
        let (mut ended, mut failed) = (Vec::new(), Vec::new());
        let mut first: Option<(&DueEvent, &RequestError)> = None;
        for (event, answer) in due.iter().zip(answers) {
            match answer {
                Ok(()) => ended.push(event.id),
                Err(error) if is_stale(event.created_at) => {
                    tracing::error!(%error, detail = event.detail, "an event is given up");
                    ended.push(event.id);
                }
                Err(error) => {
                    failed.push(event.id);
                    first.get_or_insert((event, error));
                }
            }
        }
        self.ledger.forget_events(&ended).await?;
        if let Some((event, error)) = first {
            let delay = pause(event.attempts);
            tracing::warn!(%error, events = failed.len(), ?delay, "events are sent later");
            self.ledger.postpone_events(&failed, delay).await?;
        }
        Ok(())
    }

    async fn tell_alerts(&self) -> Result<(), LedgerError> {
        let Some(topic) = &self.config.topic else { return Ok(()) };
        for alert in self.ledger.take_alerts(LEASE, self.config.digest).await? {
            let Some(message) = render(&self.told(&alert)) else { continue };
            match topic.publish(&message).await {
                Ok(()) => {
                    tracing::info!(subject = message.subject, "alert sent");
                    self.ledger.alert_sent(&alert, self.config.digest).await?;
                }
                Err(error) if is_stale(alert.first_at) => {
                    tracing::error!(%error, subject = message.subject, "an alert is given up");
                    self.ledger.alert_sent(&alert, self.config.digest).await?;
                }
                Err(error) => {
                    let delay = pause(alert.attempts);
                    let subject = message.subject;
                    tracing::warn!(%error, subject, ?delay, "an alert is sent later");
                    self.ledger.postpone_alert(&alert, delay).await?;
                }
            }
        }
        Ok(())
    }

    fn told<'a>(&'a self, alert: &'a DueAlert) -> Told<'a> {
        Told {
            pipeline: &self.config.pipeline,
            count: alert.count,
            before: alert.told,
            first_at: alert.first_at,
            last_at: alert.last_at,
            newest: &alert.newest,
        }
    }
}

fn event(due: &DueEvent) -> Event {
    Event { detail_type: due.detail_type.clone(), detail: due.detail.clone() }
}

/// Between half the ceiling and the ceiling, so that what failed is not tried at
/// once.
fn pause(attempts: u32) -> Duration {
    let ceiling = PAUSES.ceiling(attempts.saturating_add(1));
    ceiling / 2 + PAUSES.delay(attempts.saturating_add(1)) / 2
}

fn is_stale(since: DateTime<Utc>) -> bool {
    Utc::now() - since > GIVEN_UP
}

#[cfg(test)]
#[path = "courier_tests.rs"]
mod tests;
