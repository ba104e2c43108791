//! Gathers spans and posts them to the collector. What it does not take is
//! dropped: telemetry holds up no message.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use millrace_http::{Method, send};
use millrace_runtime::{Observer, Settlement};
use serde_json::{Value, json};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use crate::Settings;
use crate::span::{spans, text};

/// How long the last spans may take when the worker ends.
const LAST: Duration = Duration::from_secs(2);

/// Exports the spans of every message.
#[derive(Debug)]
pub struct Exporter {
    /// None once it was stopped.
    spans: Mutex<Option<Sender<Value>>>,
    tally: Arc<Tally>,
    posting: Mutex<Option<JoinHandle<()>>>,
}

/// What became of spans so far.
#[derive(Debug, Default)]
struct Tally {
    exported: AtomicU64,
    dropped: AtomicU64,
}

impl Exporter {
    /// Starts to export as the settings say.
    pub fn start(settings: Settings) -> Arc<Self> {
        let (sender, spans) = channel(settings.queue);
        let tally = Arc::<Tally>::default();
        let poster = Poster { settings, tally: Arc::clone(&tally), has_failed: false };
        let posting = tokio::spawn(poster.run(spans));
        Arc::new(Self {
            spans: Mutex::new(Some(sender)),
            tally,
            posting: Mutex::new(Some(posting)),
        })
    }

    /// Spans that the collector took.
    pub fn exported(&self) -> u64 {
        self.tally.exported.load(Ordering::Relaxed)
    }

    /// Spans that it did not take, or that there was no room for.
    pub fn dropped(&self) -> u64 {
        self.tally.dropped.load(Ordering::Relaxed)
    }

    /// Exports what was gathered, as far as that is quick.
    pub async fn stop(&self) {
        drop(self.spans.lock().unwrap_or_else(PoisonError::into_inner).take());
        let posting = self.posting.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(posting) = posting else { return };
        if timeout(LAST, posting).await.is_err() {
            tracing::debug!("the last spans were not exported");
        }
        match self.dropped() {
            0 => {}
            dropped => tracing::warn!(dropped, "spans were not exported"),
        }
    }
}

impl Observer for Exporter {
    fn settled(&self, settlement: &Settlement<'_>) {
        if !settlement.delivery.trace.sampled {
            return;
        }
        let sender = self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(sender) = sender else { return };
        let count = settlement.parts.len() + 1;
        match sender.try_reserve_many(count) {
            Ok(places) => {
                let spans = spans(settlement, SystemTime::now());
                places.zip(spans).for_each(|(place, span)| place.send(span));
            }
            Err(_) => {
                self.tally.dropped.fetch_add(count as u64, Ordering::Relaxed);
            }
        }
    }
}

struct Poster {
    settings: Settings,
    tally: Arc<Tally>,
    has_failed: bool,
}

impl Poster {
    async fn run(mut self, mut spans: Receiver<Value>) {
        while let Some(first) = spans.recv().await {
            let mut batch = vec![first];
            let until = Instant::now() + self.settings.delay;
            while batch.len() < self.settings.batch
                && let Ok(Some(next)) = timeout_at(until, spans.recv()).await
            {
                batch.push(next);
            }
            self.post(batch).await;
        }
    }

    async fn post(&mut self, batch: Vec<Value>) {
        let count = batch.len() as u64;
        let body = request(&self.settings.resource, batch).to_string().into_bytes();
        let Settings { url, headers, timeout, .. } = &self.settings;
        let why = match send(Method::POST, url, headers, body, *timeout).await {
            Ok(answer) if answer.is_success() => {
                self.tally.exported.fetch_add(count, Ordering::Relaxed);
                if std::mem::take(&mut self.has_failed) {
                    let dropped = self.tally.dropped.load(Ordering::Relaxed);
                    tracing::info!(dropped, "spans are exported again");
                }
                return;
            }
            Ok(answer) => format!("`{url}` answered {}: {}", answer.status, answer.brief()),
            Err(error) => error.to_string(),
        };
        self.tally.dropped.fetch_add(count, Ordering::Relaxed);
        if !std::mem::replace(&mut self.has_failed, true) {
            tracing::warn!(why, "spans are not exported; they are dropped until they are");
        }
    }
}

/// `ExportTraceServiceRequest`.
fn request(resource: &[(String, String)], spans: Vec<Value>) -> Value {
    let attributes: Vec<_> = resource.iter().map(|(key, value)| text(key, value)).collect();
    json!({
        "resourceSpans": [{
            "resource": {"attributes": attributes},
            "scopeSpans": [{
                "scope": {"name": "millrace", "version": env!("CARGO_PKG_VERSION")},
                "spans": spans,
            }],
        }],
    })
}

#[cfg(test)]
#[path = "export_tests.rs"]
mod tests;
