//! The maintain handler: claims the run, does a part of it, and says how it goes on.

mod step;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::Utc;
use millrace_contract::MaintainTask;
use millrace_ledger::{Ledger, UpkeepClaim, UpkeepClaimed};
use millrace_pipeline::Pipeline;
use millrace_retry::Classify;
use millrace_runtime::{
    Counts, Delivery, Done, Failure, Forward, Handler, Lease, Outcome, claim_lost, until_free,
};
use millrace_storage::Storage;

use self::step::Step;
use crate::{Site, UpkeepError};

/// The maintain stage.
pub struct Maintain {
    pipeline: Arc<Pipeline>,
    ledger: Ledger,
    storage: Arc<dyn Storage>,
    claim: Duration,
}

/// Whether a run may be worked at.
enum Held {
    Ours(UpkeepClaim),
    /// Nothing is left to do, in a word.
    Over(&'static str),
}

impl Maintain {
    /// The handler for a pipeline. A claim lasts for `claim` unless it is renewed:
    /// whoever waits for a worker that died waits no longer.
    pub fn new(
        pipeline: Pipeline,
        ledger: Ledger,
        storage: Arc<dyn Storage>,
        claim: Duration,
    ) -> Self {
        Self { pipeline: Arc::new(pipeline), ledger, storage, claim }
    }

    async fn run(
        &self,
        task: &MaintainTask,
        delivery: &Delivery,
        lease: &Lease,
    ) -> Result<Done, UpkeepError> {
        let claim = match self.claim(task, delivery, lease).await? {
            Held::Ours(claim) => claim,
            Held::Over(note) => return Ok(Done::new(note)),
        };
        let site = Site {
            pipeline: Arc::clone(&self.pipeline),
            ledger: self.ledger.clone(),
            storage: Arc::clone(&self.storage),
            now: Utc::now(),
        };
        let lost = claim_lost(self.claim, || self.ledger.renew_upkeep(&claim, self.claim));
        let ended = tokio::select! {
            ended = step::run(&site, task, lease) => ended,
            () = lease.lost() => Err(UpkeepError::Lost),
            () = lost => Err(UpkeepError::Lost),
        };
        self.settle(task, &claim, ended).await
    }

    /// Claims the run, waiting for whoever is at it. Where another run of its kind is
    /// under way, this one has nothing to add.
    async fn claim(
        &self,
        task: &MaintainTask,
        delivery: &Delivery,
        lease: &Lease,
    ) -> Result<Held, UpkeepError> {
        until_free(lease, || async {
            let claimed = self.ledger.claim_upkeep(task, false, &delivery.trace_id, self.claim);
            Ok(match claimed.await? {
                UpkeepClaimed::Yes(claim) => Some(Held::Ours(claim)),
                UpkeepClaimed::Done(_) => Some(Held::Over("done before")),
                UpkeepClaimed::Other(_) => Some(Held::Over("another run is under way")),
                UpkeepClaimed::Busy => None,
            })
        })
        .await
    }

    /// Says in the ledger what became of the step.
    async fn settle(
        &self,
        task: &MaintainTask,
        claim: &UpkeepClaim,
        ended: Result<Step, UpkeepError>,
    ) -> Result<Done, UpkeepError> {
        match ended {
            Ok(step) => self.go_on(task, claim, step).await,
            Err(UpkeepError::Lost) => self.release(claim, UpkeepError::Lost).await,
            Err(error) if error.class().is_retryable() => self.release(claim, error).await,
            Err(error) => {
                self.ledger.fail_upkeep(claim, &error.to_string()).await?;
                Err(error)
            }
        }
    }

    async fn release(&self, claim: &UpkeepClaim, error: UpkeepError) -> Result<Done, UpkeepError> {
        // If this fails, the claim ends by itself.
        if let Err(error) = self.ledger.release_upkeep(claim, None).await {
            tracing::debug!(%error, "the claim is left to end");
        }
        Err(error)
    }

    /// Ends the run, or has it go on by another message.
    async fn go_on(
        &self,
        task: &MaintainTask,
        claim: &UpkeepClaim,
        step: Step,
    ) -> Result<Done, UpkeepError> {
        let Step { counts, mut forward, resume, told } = step;
        let Some(resume) = resume else {
            if !self.ledger.complete_upkeep(claim, &counts, told.as_deref()).await? {
                return Err(UpkeepError::Lost);
            }
            return Ok(Done { forward, ..Done::new(task.upkeep.as_str()) });
        };
        self.ledger.release_upkeep(claim, Some(&counts)).await?;
        let next = MaintainTask { resume: Some(resume), ..task.clone() };
        let own = self.pipeline.queue_name(millrace_contract::StageName::Maintain);
        forward.push(Forward::new(own, next.to_message()));
        Ok(Done { forward, ..Done::new("goes on") }.counts(Counts::default()))
    }
}

#[async_trait]
impl Handler for Maintain {
    async fn handle(&self, delivery: &Delivery, lease: &Lease) -> Outcome {
        let task = match MaintainTask::from_message(&delivery.body) {
            Ok(task) => task,
            Err(error) => return Outcome::Failed(error.into()),
        };
        match self.run(&task, delivery, lease).await {
            Ok(done) => Outcome::Done(done),
            Err(UpkeepError::Lost) => Outcome::Abandoned,
            Err(error) => Outcome::Failed(error.into()),
        }
    }

    async fn probe(&self) -> Result<(), Failure> {
        self.ledger.ping().await?;
        let lake = &self.pipeline.lake;
        for bucket in [&lake.raw, &lake.curated] {
            millrace_storage::answers(self.storage.as_ref(), bucket).await?;
        }
        Ok(())
    }
}
