//! What a worker does, in numbers: counted while it works, rendered for
//! Prometheus and for CloudWatch.

mod emf;
mod histogram;
mod prometheus;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use millrace_retry::FailureClass;

pub use self::emf::Emf;
use self::histogram::Histogram;
pub use self::prometheus::MEDIA_TYPE as PROMETHEUS;
use crate::{Counts, Ending, Observer, Settlement};

/// Datasets that are told apart; those beyond are counted under `other`, so that
/// memory stays bounded whatever messages say.
const MOST_DATASETS: usize = 1_000;

/// What a worker does, in numbers.
#[derive(Debug, Default)]
pub struct Metrics {
    stage: String,
    received: AtomicU64,
    in_hand: AtomicU64,
    outage: AtomicBool,
    settled: Mutex<Settled>,
}

/// What came of messages.
#[derive(Debug, Clone, Default)]
struct Settled {
    messages: BTreeMap<(Ending, Option<FailureClass>), u64>,
    /// How long handling took.
    handled: Histogram,
    /// How old messages were when they were done, from their sending.
    lag: Histogram,
    datasets: BTreeMap<String, Amounts>,
}

/// What was done of a dataset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Amounts {
    rows_read: u64,
    rows_loaded: u64,
    rows_rejected: u64,
    bytes: u64,
}

impl Metrics {
    /// Of a stage's worker that has done nothing yet.
    pub fn new(stage: impl Into<String>) -> Self {
        Self { stage: stage.into(), ..Self::default() }
    }

    pub(crate) fn received(&self, messages: usize) {
        self.received.fetch_add(messages as u64, Ordering::Relaxed);
        self.in_hand.fetch_add(messages as u64, Ordering::Relaxed);
    }

    pub(crate) fn left(&self, messages: usize) {
        self.in_hand.fetch_sub(messages as u64, Ordering::Relaxed);
    }

    pub(crate) fn outage(&self, is_on: bool) {
        self.outage.store(is_on, Ordering::Relaxed);
    }

    fn settled_now(&self) -> MutexGuard<'_, Settled> {
        self.settled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Metrics {
    fn settled(&self, settlement: &Settlement<'_>) {
        let mut settled = self.settled_now();
        *settled.messages.entry((settlement.ending, settlement.class)).or_default() += 1;
        if settlement.ending == Ending::Released || settlement.ending == Ending::LeaseLost {
            return;
        }
        settled.handled.observe(settlement.took.as_secs_f64());
        if settlement.ending == Ending::Done {
            if let Some(sent_at) = settlement.delivery.sent_at {
                // A clock that runs behind SQS's makes no negative lag.
                let lag = SystemTime::now().duration_since(sent_at).unwrap_or_default();
                settled.lag.observe(lag.as_secs_f64());
            }
            if let Some(dataset) = &settlement.subject.dataset {
                settled.amounts(dataset).add(settlement.counts);
            }
        }
    }
}

impl Settled {
    fn amounts(&mut self, dataset: &str) -> &mut Amounts {
        let is_known = self.datasets.contains_key(dataset);
        let name = if is_known || self.datasets.len() < MOST_DATASETS { dataset } else { "other" };
        self.datasets.entry(name.to_owned()).or_default()
    }
}

impl Amounts {
    fn add(&mut self, counts: Counts) {
        self.rows_read += counts.rows_read.unwrap_or_default();
        self.rows_loaded += counts.rows_loaded.unwrap_or_default();
        self.rows_rejected += counts.rows_rejected.unwrap_or_default();
        self.bytes += counts.bytes.unwrap_or_default();
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Delivery, Subject};

    /// Metrics of a worker that did two messages and failed at a third.
    pub(crate) fn some() -> Metrics {
        let metrics = Metrics::new("load");
        metrics.received(3);
        metrics.left(2);
        let delivery = Delivery::new("m", "b");
        let subject = Subject { dataset: Some("sales \"1\"".into()), ..Subject::default() };
        let counts = Counts { rows_read: Some(10), rows_loaded: Some(9), ..Counts::default() };
        let done = Settlement {
            stage: "load",
            queue: "p-load",
            delivery: &delivery,
            ending: Ending::Done,
            class: None,
            note: "loaded",
            subject: &subject,
            counts,
            took: Duration::from_millis(30),
            parts: &[],
        };
        metrics.settled(&done);
        metrics.settled(&Settlement { took: Duration::from_secs(2), ..done });
        let class = Some(FailureClass::Throttled);
        metrics.settled(&Settlement { ending: Ending::Retried, class, ..done });
        metrics
    }

    #[test]
    fn datasets_beyond_the_bound_are_counted_together() {
        let mut settled = Settled::default();
        for number in 0..MOST_DATASETS + 10 {
            settled.amounts(&format!("d{number}")).rows_read += 1;
        }
        assert_eq!(settled.datasets.len(), MOST_DATASETS + 1);
        assert_eq!(settled.datasets["other"].rows_read, 10);
    }
}
