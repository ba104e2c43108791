//! Messages of SQS as records: the source that ships.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use millrace_contract::STREAM_ATTRIBUTE;
use millrace_runtime::{Counts, Delivery, Done, Failure, Handler, Lease, Outcome, Subject};

use crate::{Collected, Collector, Hold, NotCollected, Record};

/// The collect stage.
pub struct Collect {
    queue: String,
    collector: Arc<Collector>,
}

impl Collect {
    /// The handler for the messages of a queue.
    pub fn new(queue: impl Into<String>, collector: Arc<Collector>) -> Self {
        Self { queue: queue.into(), collector }
    }

    fn record(&self, delivery: &Delivery) -> Record {
        let origins = delivery.origins();
        Record {
            // A copy may be of a message that was collected.
            is_again: delivery.receive_count > 1 || origins.len() > 1,
            names: origins.into_iter().map(str::to_owned).collect(),
            body: delivery.body.clone(),
            stream: delivery.attributes.get(STREAM_ATTRIBUTE).cloned(),
            source: self.queue.clone(),
            partition: None,
            key: delivery.group.clone(),
            headers: delivery.attributes.clone(),
            sent_at: delivery.sent_at.map(DateTime::<Utc>::from),
        }
    }
}

fn done(collected: Collected, delivery: &Delivery) -> Done {
    let note = match collected {
        Collected::Now(_) => "collected",
        Collected::Before(_) => "collected before",
        Collected::Duplicate(_) => "a duplicate",
    };
    let bytes = Some(delivery.body.len() as u64);
    Done::new(note).counts(Counts { bytes, ..Counts::default() })
}

#[async_trait]
impl Handler for Collect {
    async fn handle(&self, delivery: &Delivery, lease: &Lease) -> Outcome {
        let hold: Arc<dyn Hold> = Arc::new(lease.clone());
        let collecting = self.collector.collect(self.record(delivery), hold);
        let collected = tokio::select! {
            collected = collecting => collected,
            // Dropping it takes the message out of its batch.
            () = lease.lost() => Err(NotCollected::Lost),
        };
        let dataset = delivery.attributes.get(STREAM_ATTRIBUTE).cloned();
        let about = Subject { dataset, ..Subject::default() };
        match collected {
            Ok(collected) => Outcome::Done(done(collected, delivery).about(about)),
            Err(NotCollected::Lost) => Outcome::Abandoned,
            Err(NotCollected::Verdict(failure)) => Outcome::Failed(failure.about(about)),
        }
    }

    /// Every message is, so that as many are in hand as make a batch.
    fn is_small(&self, _: &Delivery) -> bool {
        true
    }

    fn stopping(&self) {
        self.collector.flush();
    }

    async fn probe(&self) -> Result<(), Failure> {
        self.collector.ledger.ping().await?;
        for stream in self.collector.streams() {
            millrace_storage::answers(self.collector.storage.as_ref(), &stream.staging).await?;
        }
        Ok(())
    }
}
