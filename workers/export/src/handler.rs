//! The export handler.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use millrace_contract::{Export, ExportTask, read_export_order};
use millrace_ledger::{
    Claimed, Database, ExportClaim, ExportRun, ExportTotals, ExportWish, Ledger,
};
use millrace_runtime::{
    Counts, Delivery, Done, Failed, Failure, Handler, Lease, Outcome, Subject, claim_lost,
    until_free,
};
use millrace_storage::Storage;

use crate::run::Attempt;

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
        Ok(read_export_order(&delivery.body, &self.pipeline, &names, sent_at)?)
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
        let lost = claim_lost(self.claim, || self.ledger.renew_export(&claim, self.claim));
        let ended = tokio::select! {
            ended = attempt.run() => ended,
            // Dropping the attempt ends its snapshot; what it wrote nobody is told of.
            () = lease.lost() => Err(Failed::Lost),
            () = lost => Err(Failed::Lost),
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
        until_free(lease, || async {
            Ok(match self.ledger.claim_export(&wish).await? {
                Claimed::Yes(claim) => Some(Held::Ours(claim)),
                Claimed::Done(run) => Some(Held::Done(run)),
                Claimed::Busy => None,
            })
        })
        .await
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
            Err(failed) => failed.about(about(&task)).into(),
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
