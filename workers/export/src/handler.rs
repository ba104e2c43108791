//! The export handler.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use millrace_contract::{Export, ExportTask, OrderError, read_export_order};
use millrace_ledger::{
    Claimed, Database, ExportClaim, ExportRun, ExportTotals, ExportWish, Ledger,
};
use millrace_retry::FailureClass;
use millrace_runtime::{Counts, Delivery, Done, Failure, Handler, Lease, Outcome, Subject};
use millrace_storage::Storage;

use crate::failed::Failed;
use crate::run::Attempt;

/// Renewals of a claim while it lasts.
const RENEWALS: u32 = 4;

/// How often it is looked whether a run is free.
const LOOK: Duration = Duration::from_secs(1);

/// The export stage.
pub struct Exports {
    pipeline: String,
    exports: Vec<Export>,
    ledger: Ledger,
    databases: BTreeMap<String, Database>,
    storage: Arc<dyn Storage>,
    claim: Duration,
}

impl Exports {
    /// The handler for the exports of a pipeline, each with its database by its
    /// name. A claim lasts for `claim` unless it is renewed: whoever waits for a
    /// worker that died waits no longer.
    pub fn new(
        pipeline: impl Into<String>,
        exports: Vec<Export>,
        ledger: Ledger,
        databases: BTreeMap<String, Database>,
        storage: Arc<dyn Storage>,
        claim: Duration,
    ) -> Self {
        Self { pipeline: pipeline.into(), exports, ledger, databases, storage, claim }
    }

    fn task(&self, delivery: &Delivery) -> Result<ExportTask, Failure> {
        let names: Vec<&str> = self.exports.iter().map(|export| export.name.as_str()).collect();
        let sent_at = delivery.sent_at.map(DateTime::<Utc>::from);
        read_export_order(&delivery.body, &self.pipeline, &names, sent_at)
            .map_err(|error| Failure::new(class(&error), error.to_string()))
    }

    async fn run(
        &self,
        task: &ExportTask,
        delivery: &Delivery,
        lease: &Lease,
    ) -> Result<Done, Failed> {
        let found = self.exports.iter().find(|export| export.name == task.export);
        let found = found.zip(self.databases.get(&task.export));
        let (export, database) = found
            .ok_or_else(|| Failed::contract(format!("there is no export `{}`", task.export)))?;
        let claim = match self.claim(export, task, delivery, lease).await? {
            Held::Ours(claim) => claim,
            Held::Done(run) => return Ok(done_before(&run)),
        };
        let attempt = Attempt {
            pipeline: &self.pipeline,
            export,
            task,
            claim: &claim,
            ledger: &self.ledger,
            database,
            storage: &self.storage,
            lease,
            lasting: self.claim,
        };
        let ended = tokio::select! {
            ended = attempt.run() => ended,
            // Dropping the attempt ends its snapshot; what it wrote nobody is told of.
            () = lease.lost() => Err(Failed::Lost),
            () = self.renew(&claim) => Err(Failed::Lost),
        };
        self.settle(task, &claim, ended).await
    }

    /// Claims the run, waiting for whoever is at it: it is done in the end, or
    /// free.
    async fn claim(
        &self,
        export: &Export,
        task: &ExportTask,
        delivery: &Delivery,
        lease: &Lease,
    ) -> Result<Held, Failed> {
        let column = export.incremental.as_deref();
        let wish = ExportWish { task, column, trace_id: &delivery.trace_id, lease: self.claim };
        loop {
            match self.ledger.claim_export(&wish).await? {
                Claimed::Yes(claim) => return Ok(Held::Ours(claim)),
                Claimed::Done(run) => return Ok(Held::Done(run)),
                Claimed::Busy => {}
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = lease.lost() => return Err(Failed::Lost),
            }
        }
    }

    /// Completes when the claim is lost.
    async fn renew(&self, claim: &ExportClaim) {
        let mut failed = 0;
        loop {
            tokio::time::sleep(self.claim / RENEWALS).await;
            match self.ledger.renew_export(claim, self.claim).await {
                Ok(true) => failed = 0,
                Ok(false) => return,
                // It may last until the ledger answers again, but no longer than
                // the claim.
                Err(error) => {
                    tracing::debug!(%error, "the claim is renewed later");
                    failed += 1;
                    if failed >= RENEWALS {
                        return;
                    }
                }
            }
        }
    }

    /// Says in the ledger what became of the attempt.
    async fn settle(
        &self,
        task: &ExportTask,
        claim: &ExportClaim,
        ended: Result<ExportTotals, Failed>,
    ) -> Result<Done, Failed> {
        match ended {
            Ok(totals) => Ok(Done::new("exported").counts(counts(totals.rows, totals.bytes))),
            Err(Failed::Verdict(failure)) if !failure.class.is_retryable() => {
                self.ledger.fail_export(task, claim, &failure.message).await?;
                Err(Failed::Verdict(failure))
            }
            Err(failed) => {
                // If this fails, the claim ends by itself.
                if let Err(error) = self.ledger.release_export(claim).await {
                    tracing::debug!(%error, "the claim is left to end");
                }
                Err(failed)
            }
        }
    }
}

/// Whose a run is.
enum Held {
    Ours(ExportClaim),
    Done(Box<ExportRun>),
}

/// What nobody can read is poison; what names what is not there, the sender can
/// mend.
fn class(error: &OrderError) -> FailureClass {
    match error {
        OrderError::Task(_) | OrderError::Event(_) | OrderError::Unrelated { .. } => {
            FailureClass::Poison
        }
        OrderError::Unknown { .. }
        | OrderError::Which { .. }
        | OrderError::Parameter(_)
        | OrderError::NoTime => FailureClass::Contract,
    }
}

fn done_before(run: &ExportRun) -> Done {
    let (rows, bytes) = (run.rows.unwrap_or_default(), run.bytes.unwrap_or_default());
    Done::new("exported before").counts(counts(rows, bytes))
}

fn counts(rows: u64, bytes: u64) -> Counts {
    Counts { rows_read: Some(rows), rows_loaded: None, rows_rejected: None, bytes: Some(bytes) }
}

fn about(task: &ExportTask) -> Subject {
    Subject { dataset: Some(task.export.clone()), object: None, file_id: None }
}

#[async_trait]
impl Handler for Exports {
    async fn handle(&self, delivery: &Delivery, lease: &Lease) -> Outcome {
        let task = match self.task(delivery) {
            Ok(task) => task,
            Err(failure) => return Outcome::Failed(failure),
        };
        match self.run(&task, delivery, lease).await {
            Ok(done) => Outcome::Done(done.about(about(&task))),
            Err(Failed::Lost) => Outcome::Abandoned,
            Err(Failed::Verdict(failure)) => Outcome::Failed(failure.about(about(&task))),
        }
    }

    async fn probe(&self) -> Result<(), Failure> {
        self.ledger.ping().await?;
        for database in self.databases.values() {
            database.answers().await?;
        }
        let buckets: BTreeSet<&str> =
            self.exports.iter().map(|export| export.to.bucket.as_str()).collect();
        for bucket in buckets {
            millrace_storage::answers(self.storage.as_ref(), bucket).await?;
        }
        Ok(())
    }
}
