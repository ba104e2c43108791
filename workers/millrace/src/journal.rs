//! The runtime's ports, kept in the ledger: dead letters, and a hop for every
//! attempt at a file.

use std::time::Instant;

use async_trait::async_trait;
use chrono::Utc;
use millrace_contract::{FileId, StageName};
use millrace_ledger::{FailureRecord, Hop, Ledger};
use millrace_notify::Outages;
use millrace_runtime::{
    DeadLetter, Delivery, Failure, FailureLog, FailureLogError, Handler, Lease, Outcome,
};

/// Records dead letters in the ledger, and has outages told.
pub(crate) struct LedgerFailures {
    ledger: Ledger,
    outages: Option<Outages>,
}

impl LedgerFailures {
    pub(crate) fn new(ledger: Ledger, outages: Option<Outages>) -> Self {
        Self { ledger, outages }
    }
}

#[async_trait]
impl FailureLog for LedgerFailures {
    async fn record(&self, letter: &DeadLetter) -> Result<(), FailureLogError> {
        let stage: StageName = letter.stage.parse().map_err(FailureLogError::new)?;
        let record = FailureRecord {
            queue: letter.queue.clone(),
            message_id: letter.message_id.clone(),
            class: letter.class,
            message: letter.message.clone(),
            fingerprint: letter.fingerprint.clone(),
            stage,
            dataset: letter.dataset.clone(),
            file_id: letter.file_id.clone().map(FileId::from_text),
            object: letter.object.clone(),
            receive_count: letter.receive_count,
            first_seen: letter.first_seen,
            last_seen: letter.last_seen,
            trace_id: Some(letter.trace_id.clone()),
            rejects_key: letter.rejects.clone(),
            body: letter.body.clone(),
        };
        self.ledger.record_failure(&record).await.map_err(FailureLogError::new)
    }

    fn outage_began(&self, reason: &str) {
        if let Some(outages) = &self.outages {
            outages.began(reason);
        }
    }

    fn outage_ended(&self) {
        if let Some(outages) = &self.outages {
            outages.ended();
        }
    }
}

/// A stage whose attempts at files are recorded as hops.
pub(crate) struct Recorded<H> {
    stage: StageName,
    ledger: Ledger,
    handler: H,
}

impl<H: Handler> Recorded<H> {
    pub(crate) fn new(stage: StageName, ledger: Ledger, handler: H) -> Self {
        Self { stage, ledger, handler }
    }
}

#[async_trait]
impl<H: Handler> Handler for Recorded<H> {
    async fn handle(&self, delivery: &Delivery, lease: &Lease) -> Outcome {
        let (started_at, clock) = (Utc::now(), Instant::now());
        let outcome = self.handler.handle(delivery, lease).await;
        let (word, detail, subject) = match &outcome {
            Outcome::Done(done) => (done.note.as_ref(), None, &done.subject),
            Outcome::Failed(failure) => {
                (failure.class.as_str(), Some(failure.message.as_str()), &failure.subject)
            }
            Outcome::Abandoned => return outcome,
        };
        let Some(file_id) = subject.file_id.clone().map(FileId::from_text) else {
            return outcome;
        };
        let hop = Hop {
            file_id: &file_id,
            stage: self.stage,
            attempt: delivery.receive_count,
            started_at,
            duration: clock.elapsed(),
            outcome: word,
            detail,
        };
        // What happened has happened; a hop that is not recorded undoes nothing.
        if let Err(error) = self.ledger.hop(&hop).await {
            tracing::warn!(%file_id, %error, "the attempt is missing in the trace");
        }
        outcome
    }

    fn is_small(&self, delivery: &Delivery) -> bool {
        self.handler.is_small(delivery)
    }

    async fn probe(&self) -> Result<(), Failure> {
        self.handler.probe().await
    }
}
