//! The derive handler.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::Utc;
use millrace_contract::{
    ContractVersion, Dataset, DeriveCause, DeriveTask, LoadTask, StageName, read_derive_order,
};
use millrace_ledger::{
    Derivation, DeriveClaim, DeriveClaimed, DeriveInputs, DeriveWish, Hop, Ledger,
};
use millrace_pipeline::{Dependents, Pipeline};
use millrace_runtime::{
    Counts, Delivery, Done, Failed, Failure, Handler, Lease, Outcome, Subject, claim_lost, part,
};
use millrace_storage::Storage;

use crate::inputs::{Inputs, awaited};
use crate::run::{Attempt, Ended, Target};

/// The derive stage.
pub struct Derive {
    pipeline: String,
    targets: Vec<Target>,
    /// The lake's bucket.
    lake: String,
    pub(crate) load_queue: String,
    pub(crate) dependents: Dependents,
    pub(crate) ledger: Ledger,
    storage: Arc<dyn Storage>,
    claim: Duration,
}

impl Derive {
    /// The handler for the derived datasets of a pipeline. A claim lasts for
    /// `claim` unless it is renewed: whoever waits for a worker that died waits no
    /// longer.
    pub fn new(
        pipeline: &Pipeline,
        ledger: Ledger,
        storage: Arc<dyn Storage>,
        claim: Duration,
    ) -> Self {
        let targets = pipeline.derived.iter().filter_map(|derived| {
            let dataset: Dataset = pipeline.dataset(&derived.name)?.clone();
            let contract = ContractVersion::of(&dataset);
            Some(Target { derived: derived.clone(), dataset, contract })
        });
        Self {
            pipeline: pipeline.name.clone(),
            targets: targets.collect(),
            lake: pipeline.lake.curated.clone(),
            load_queue: pipeline.queue_name(StageName::Load),
            dependents: pipeline.dependents(),
            ledger,
            storage,
            claim,
        }
    }

    /// Keeps the definition of every derived dataset under its contract version,
    /// which load reads it by. Done once, before the first message.
    ///
    /// # Errors
    /// [`Failure`] of the ledger.
    pub async fn publish_contracts(&self) -> Result<(), Failure> {
        for Target { dataset, contract, .. } in &self.targets {
            self.ledger.put_contract(contract, dataset).await?;
        }
        Ok(())
    }

    fn task(&self, delivery: &Delivery) -> Result<DeriveTask, Failure> {
        let names: Vec<&str> =
            self.targets.iter().map(|target| target.derived.name.as_str()).collect();
        Ok(read_derive_order(&delivery.body, &self.pipeline, &names)?)
    }

    async fn run(
        &self,
        task: &DeriveTask,
        delivery: &Delivery,
        lease: &Lease,
    ) -> Result<Done, Failed> {
        let target = self.targets.iter().find(|target| target.derived.name == task.derived);
        let target = target.ok_or_else(|| {
            Failed::contract(format!("there is no derived dataset `{}`", task.derived))
        })?;
        if let Some(waiting) = self.waiting(target, task).await? {
            return Ok(Done::new(waiting));
        }
        let debounce = target.derived.debounce;
        let wish = DeriveWish {
            dataset: &target.derived.name,
            message_id: &delivery.message_id,
            debounce: (task.cause == DeriveCause::Changed).then_some(debounce),
            lease: self.claim,
        };
        loop {
            let claim = match part("claim", self.ledger.claim_derivation(&wish)).await? {
                DeriveClaimed::Yes(claim) => claim,
                DeriveClaimed::Joined => return Ok(Done::new("joined")),
                DeriveClaimed::Gathered => return Ok(Done::new("gathered")),
                DeriveClaimed::Early(rest) => {
                    return Ok(Done::new("gathering").forward(self.later(task, rest)));
                }
            };
            let work = Work { target, task, delivery, lease, claim: &claim };
            match self.with_claim(&work).await {
                Ok(Some(done)) => return Ok(done),
                // It failed, and may not with what changed meanwhile.
                Ok(None) => {}
                Err(failed) => return Err(failed),
            }
        }
    }

    /// What a change is waiting for: others of its day, say.
    async fn waiting(&self, target: &Target, task: &DeriveTask) -> Result<Option<String>, Failed> {
        let Some(after) = &target.derived.after else { return Ok(None) };
        let Some(value) = task.captures.get(&after.per) else { return Ok(None) };
        let awaited = awaited(&self.ledger, after, value).await?;
        Ok(awaited.map(|name| format!("waiting for `{name}` of {}={value}", after.per)))
    }

    /// Derives once it is claimed. None if it failed and something changed
    /// meanwhile.
    async fn with_claim(&self, work: &Work<'_>) -> Result<Option<Done>, Failed> {
        let Work { target, task, delivery, claim, .. } = work;
        let inputs = match part("inputs", Inputs::look(&self.ledger, &target.derived)).await {
            Ok(inputs) => inputs,
            Err(error) => {
                self.release(claim).await;
                return Err(error.into());
            }
        };
        if let Some(name) = inputs.missing() {
            let note = format!("waiting for `{name}`, which has no file yet");
            return self.nothing(work, Done::new(note)).await.map(Some);
        }
        let made_of = inputs.name(&target.contract);
        if claim.made_of.as_ref() == Some(&made_of) {
            let mut done = Done::new("unchanged");
            // What the run before had to tell may never have left.
            if delivery.receive_count > 1 {
                let files = self.ledger.unloaded_files(&target.derived.name).await?;
                done.forward = self.tell(target, &files, true).await?;
            }
            return self.nothing(work, done).await.map(Some);
        }
        let wanted = DeriveInputs {
            inputs: &made_of,
            contract: &target.contract,
            cause: task.cause,
            trace_id: &delivery.trace_id,
        };
        let run = self.ledger.begin_derivation(claim, &wanted).await?.ok_or(Failed::Lost)?;
        let (clock, started_at) = (Instant::now(), Utc::now());
        let ended = self.attempt(work, &run, &made_of, inputs).await;
        let ended = match self.settle(&run, ended).await? {
            Some(ended) => ended,
            None => return Ok(None),
        };
        for file in &ended.files {
            let hop = Hop {
                file_id: &file.file_id,
                stage: StageName::Derive,
                attempt: delivery.receive_count,
                started_at,
                duration: clock.elapsed(),
                outcome: "done",
                detail: None,
            };
            self.ledger.hop(&hop).await?;
        }
        let mut done = Done::new(if ended.files.is_empty() { "same rows" } else { "derived" });
        // Where no row is another, nobody has anything to do.
        if !ended.files.is_empty() {
            let is_again = delivery.receive_count > 1;
            done.forward = self.tell(target, &ended.files, is_again).await?;
        }
        done.forward.extend(ended.again.then(|| self.later(task, target.derived.debounce)));
        let done = done.about(about(task, &ended.files));
        Ok(Some(done.counts(Counts {
            rows_read: Some(ended.rows_read),
            rows_loaded: Some(ended.rows),
            rows_rejected: None,
            bytes: None,
        })))
    }

    async fn attempt(
        &self,
        work: &Work<'_>,
        run: &Derivation,
        made_of: &str,
        inputs: Inputs,
    ) -> Result<Ended, Failed> {
        let stop = Arc::new(AtomicBool::new(false));
        let attempt = Attempt {
            target: work.target,
            run,
            made_of,
            ledger: &self.ledger,
            storage: &self.storage,
            lake: &self.lake,
            trace_id: &work.delivery.trace_id,
            lease: work.lease,
            stop: &stop,
        };
        let (claim, lasting) = (work.claim, self.claim);
        let lost = claim_lost(lasting, || self.ledger.renew_derivation(claim, lasting));
        tokio::select! {
            ended = part("derive", attempt.run(inputs)) => ended,
            // What was written nobody is told of.
            () = work.lease.lost() => Err(Failed::Lost),
            () = lost => Err(Failed::Lost),
        }
    }

    /// Says in the ledger what became of an attempt that did not end well. None if
    /// another may end well at once.
    async fn settle(
        &self,
        run: &Derivation,
        ended: Result<Ended, Failed>,
    ) -> Result<Option<Ended>, Failed> {
        match ended {
            Ok(ended) => Ok(Some(ended)),
            Err(Failed::Verdict(failure)) if !failure.class.is_retryable() => {
                match self.ledger.fail_derivation(run, &failure.message).await? {
                    Some(true) => Ok(None),
                    Some(false) | None => Err(Failed::Verdict(failure)),
                }
            }
            Err(failed) => {
                self.release(&run.claim).await;
                Err(failed)
            }
        }
    }

    /// Gives a claim back, with which there was nothing to do.
    async fn nothing(&self, work: &Work<'_>, mut done: Done) -> Result<Done, Failed> {
        if self.ledger.release_derivation(work.claim).await? == Some(true) {
            done.forward.push(self.later(work.task, work.target.derived.debounce));
        }
        Ok(done)
    }

    /// Gives a claim back. If this fails, the claim ends by itself.
    async fn release(&self, claim: &DeriveClaim) {
        if let Err(error) = self.ledger.release_derivation(claim).await {
            tracing::debug!(%error, "the claim is left to end");
        }
    }
}

/// What is worked at.
struct Work<'a> {
    target: &'a Target,
    task: &'a DeriveTask,
    delivery: &'a Delivery,
    lease: &'a Lease,
    claim: &'a DeriveClaim,
}

fn about(task: &DeriveTask, files: &[LoadTask]) -> Subject {
    let only = match files {
        [only] => Some(only),
        _ => None,
    };
    Subject {
        dataset: Some(task.derived.clone()),
        object: only.map(|file| file.object.clone()),
        file_id: only.map(|file| file.file_id.to_string()),
    }
}

#[async_trait]
impl Handler for Derive {
    async fn handle(&self, delivery: &Delivery, lease: &Lease) -> Outcome {
        let task = match self.task(delivery) {
            Ok(task) => task,
            Err(failure) => return Outcome::Failed(failure),
        };
        match self.run(&task, delivery, lease).await {
            Ok(done) if done.subject == Subject::default() => {
                Outcome::Done(done.about(about(&task, &[])))
            }
            Ok(done) => Outcome::Done(done),
            Err(failed) => failed.about(about(&task, &[])).into(),
        }
    }

    async fn probe(&self) -> Result<(), Failure> {
        self.ledger.ping().await?;
        Ok(self.storage.list(&self.lake, "_probe/", None).await.map(drop)?)
    }
}
