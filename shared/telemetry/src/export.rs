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
use crate::span::{span, text};

/// How long the last spans may take when the worker ends.
const LAST: Duration = Duration::from_secs(2);

/// Exports a span for every message.
#[derive(Debug)]
pub struct Exporter {
    /// None once it was stopped.
    spans: Mutex<Option<Sender<Value>>>,
    dropped: Arc<AtomicU64>,
    posting: Mutex<Option<JoinHandle<()>>>,
}

impl Exporter {
    /// Starts to export as the settings say.
    pub fn start(settings: Settings) -> Arc<Self> {
        let (sender, spans) = channel(settings.queue);
        let dropped = Arc::<AtomicU64>::default();
        let poster = Poster { settings, dropped: Arc::clone(&dropped), has_failed: false };
        let posting = tokio::spawn(poster.run(spans));
        Arc::new(Self {
            spans: Mutex::new(Some(sender)),
            dropped,
            posting: Mutex::new(Some(posting)),
        })
    }

    /// Exports what was gathered, as far as that is quick.
    pub async fn stop(&self) {
        drop(self.spans.lock().unwrap_or_else(PoisonError::into_inner).take());
        let posting = self.posting.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(posting) = posting
            && timeout(LAST, posting).await.is_err()
        {
            tracing::debug!("the last spans were not exported");
        }
    }
}

impl Observer for Exporter {
    fn settled(&self, settlement: &Settlement<'_>) {
        if !settlement.delivery.trace.sampled {
            return;
        }
        let spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(spans) = spans else { return };
        match spans.try_reserve() {
            Ok(place) => place.send(span(settlement, SystemTime::now())),
            Err(_) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

struct Poster {
    settings: Settings,
    dropped: Arc<AtomicU64>,
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
        let body = request(&self.settings.resource, batch).to_string().into_bytes();
        let Settings { url, headers, timeout, .. } = &self.settings;
        let why = match send(Method::POST, url, headers, body, *timeout).await {
            Ok(answer) if answer.is_success() => {
                if std::mem::take(&mut self.has_failed) {
                    let dropped = self.dropped.swap(0, Ordering::Relaxed);
                    tracing::info!(dropped, "spans are exported again");
                }
                return;
            }
            Ok(answer) => format!("`{url}` answered {}: {}", answer.status, answer.brief()),
            Err(error) => error.to_string(),
        };
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
