//! The runtime's ports, kept in the ledger: dead letters, and a hop for every
//! attempt at a file.

use std::time::Instant;

use async_trait::async_trait;
use chrono::Utc;
use millrace_contract::{FileId, StageName};
use millrace_ledger::{self as ledger, FailureKey, FailureRecord, Hop, Ledger, Sought};
use millrace_notify::Outages;
use millrace_runtime::{
    DeadCopy, DeadLetter, Delivery, Failure, FailureLog, FailureLogError, Handler, Lease, Outcome,
    Standing,
};

use crate::actor::actor;

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
        let record = record_of(letter)?;
        self.ledger.record_failure(&record).await.map_err(FailureLogError::new)
    }

    async fn adopt(&self, letter: &DeadLetter) -> Result<(), FailureLogError> {
        let record = record_of(letter)?;
        self.ledger.adopt_failure(&record, &actor()).await.map_err(FailureLogError::new)
    }

    async fn open(&self, queue: &str) -> Result<u64, FailureLogError> {
        self.ledger.open_failures(queue).await.map_err(FailureLogError::new)
    }

    async fn standing(
        &self,
        queue: &str,
        copies: &[DeadCopy],
    ) -> Result<Vec<Standing>, FailureLogError> {
        let sought: Vec<_> = copies
            .iter()
            .map(|copy| Sought { message_id: &copy.message_id, body: copy.body.as_deref() })
            .collect();
        let standings = self.ledger.standing(queue, &sought).await;
        let standings = standings.map_err(FailureLogError::new)?.into_iter();
        let same = |standing| match standing {
            ledger::Standing::Unknown => Standing::Unknown,
            ledger::Standing::Open => Standing::Open,
            ledger::Standing::Over => Standing::Over,
        };
        Ok(standings.map(same).collect())
    }

    async fn handled_again(&self, redrive_of: &str) -> Result<(), FailureLogError> {
        let key: FailureKey = redrive_of.parse().map_err(FailureLogError::new)?;
        self.ledger.redrive_handled(&key).await.map_err(FailureLogError::new)
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

fn record_of(letter: &DeadLetter) -> Result<FailureRecord, FailureLogError> {
    let stage: StageName = letter.stage.parse().map_err(FailureLogError::new)?;
    Ok(FailureRecord {
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
        redrive_of: letter.redrive_of.clone(),
    })
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

    fn stopping(&self) {
        self.handler.stopping();
    }

    async fn probe(&self) -> Result<(), Failure> {
        self.handler.probe().await
    }
}
