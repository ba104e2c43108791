//! The load handler.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt};
use millrace_contract::{Captures, ColumnDef, Dataset, LoadTarget, LoadTask, SchemaMode};
use millrace_failpoint::{Point, reach};
use millrace_format::arrow_schema;
use millrace_lake::{Missing, batches};
use millrace_ledger::{Ledger, LedgerError};
use millrace_pipeline::Dependents;
use millrace_retry::FailureClass;
use millrace_runtime::{
    Counts, Delivery, Done, Failure, Forward, Handler, Lease, Outcome, Subject, part,
};
use millrace_storage::Storage;
use millrace_warehouse::{
    CommitGuard, LoadError, LoadPlan, Loaded, SourceError, ViewNews, Warehouse,
};

use crate::small::{self, Small, SmallLoads};

/// The load stage.
pub struct Load {
    ledger: Ledger,
    warehouse: Warehouse,
    storage: Arc<dyn Storage>,
    small: SmallLoads,
    dependents: Dependents,
}

/// Asks the lease right before the commit.
pub(crate) struct LeaseGuard<'a>(pub(crate) &'a Lease);

#[async_trait]
impl CommitGuard for LeaseGuard<'_> {
    async fn allowed(&self) -> bool {
        self.0.still_held()
    }
}

/// How an attempt ended without a result.
enum Failed {
    /// Another worker may have the message: say nothing.
    LeaseLost,
    /// A failure, classified.
    Verdict(Failure),
}

impl From<LedgerError> for Failed {
    fn from(error: LedgerError) -> Self {
        Self::Verdict(error.into())
    }
}

impl From<LoadError> for Failed {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::LeaseLost => Self::LeaseLost,
            error => Self::Verdict(error.into()),
        }
    }
}

impl Load {
    /// The handler.
    pub fn new(ledger: Ledger, warehouse: Warehouse, storage: Arc<dyn Storage>) -> Self {
        let small = SmallLoads::new(&warehouse);
        Self { ledger, warehouse, storage, small, dependents: Dependents::default() }
    }

    /// Tells derived datasets of files that they are made of.
    pub fn with_dependents(self, dependents: Dependents) -> Self {
        Self { dependents, ..self }
    }

    /// Makes the warehouse's views as far as that is possible. No load suffers for
    /// them: what goes wrong is logged, and written down in `millrace_views`.
    pub async fn refresh_views(&self) {
        match self.warehouse.refresh_views().await {
            Ok(news) => news.iter().for_each(tell),
            Err(error) => tracing::warn!(%error, "views could not be looked after"),
        }
    }

    async fn run(&self, task: &LoadTask, lease: &Lease) -> Result<Done, Failed> {
        let clock = Instant::now();
        let dataset = part("contract", self.dataset(task)).await?;
        let target = target(&dataset)?;
        let (columns, captures) = match &task.columns {
            // The dataset's SQL has had the captures, and gave what it gave.
            Some(columns) => (columns.clone(), Captures::new()),
            None => (self.columns(task, &dataset).await?, task.captures.clone()),
        };
        let schema = arrow_schema(&columns, &captures);
        let (lake, outputs) = (task.lake.clone(), task.outputs.clone());
        let storage = Arc::clone(&self.storage);
        let rows = batches(storage, lake, outputs, Arc::clone(&schema), Missing::Refuse);
        let rows = rows.map_err(SourceError::new).boxed();
        let (mode, description) = (dataset.schema.mode, dataset.description.as_deref());
        let loading = async {
            if small::is_small(task.size()) && Warehouse::takes_groups(target.mode) {
                let (task, target, lease) = (task.clone(), target.clone(), lease.clone());
                let description = description.map(str::to_owned);
                let small = Small { task, target, columns, schema, mode, description, lease };
                return self.small.load(small, rows).await;
            }
            let plan = LoadPlan { task, target, columns: &columns, schema, mode, description };
            self.warehouse.load(&plan, rows, &LeaseGuard(lease)).await
        };
        let loaded = tokio::select! {
            loaded = part("load", loading) => loaded?,
            // Dropping the load undoes its transaction, or takes it out of its
            // group.
            () = lease.lost() => return Err(Failed::LeaseLost),
        };
        let done = part("record", self.record(task, loaded, clock)).await?;
        part("views", self.refresh_views()).await;
        Ok(done)
    }

    /// What derived datasets are told of the file.
    fn told(&self, task: &LoadTask, delivery: &Delivery) -> impl Iterator<Item = Forward> {
        let is_again = delivery.receive_count > 1;
        let changes = self.dependents.told_of(&task.dataset, &task.captures, is_again);
        changes.into_iter().map(|change| {
            let forward = Forward::new(change.queue, change.body);
            forward.of(change.dataset).after(change.delay)
        })
    }

    async fn dataset(&self, task: &LoadTask) -> Result<Dataset, Failed> {
        let kept = self.ledger.contract(&task.dataset, &task.contract).await?;
        kept.ok_or_else(|| {
            refused(format!(
                "dataset `{}` is not known under contract {}; was the ledger changed?",
                task.dataset, task.contract
            ))
        })
    }

    async fn columns(&self, task: &LoadTask, dataset: &Dataset) -> Result<Vec<ColumnDef>, Failed> {
        match dataset.schema.mode {
            SchemaMode::Strict => Ok(dataset.schema.columns.clone()),
            SchemaMode::Infer => {
                let settled = self.ledger.settled_columns(&task.dataset, &task.contract).await?;
                settled.ok_or_else(|| unsettled(task))
            }
            SchemaMode::Evolve => {
                let version = task.column_version.ok_or_else(|| unsettled(task))?;
                let (dataset, contract) = (&task.dataset, &task.contract);
                let settled = self.ledger.column_version(dataset, contract, version).await?;
                Ok(settled.ok_or_else(|| unsettled(task))?.columns)
            }
        }
    }

    /// Says in the ledger what the warehouse has committed. If this is lost, a
    /// redelivery finds the commit record and says it again.
    async fn record(
        &self,
        task: &LoadTask,
        loaded: Loaded,
        clock: Instant,
    ) -> Result<Done, Failed> {
        let (note, rows) = match loaded {
            Loaded::Fresh { rows, .. } => ("loaded", rows),
            Loaded::Already { rows, .. } => ("loaded before", rows),
            Loaded::Superseded { by } => {
                let why = "a newer file was loaded first";
                self.ledger.superseded(&task.file_id, Some(&by), why).await?;
                return Ok(Done::new("superseded"));
            }
        };
        self.ledger.loaded(&task.file_id, rows, clock.elapsed()).await?;
        reach("load", Point::AfterRecord);
        Ok(Done::new(note).counts(Counts {
            rows_read: Some(task.balance.read),
            rows_loaded: Some(rows),
            rows_rejected: Some(task.balance.rejected),
            bytes: Some(task.size().bytes),
        }))
    }
}

fn tell(news: &ViewNews) {
    match news {
        ViewNews::Made { view } => tracing::info!(view, "view made"),
        ViewNews::Refused { view, problem } => {
            tracing::warn!(view, problem, "view not made; it is tried again when tables change");
        }
    }
}

fn target(dataset: &Dataset) -> Result<&LoadTarget, Failed> {
    dataset.load.as_ref().ok_or_else(|| {
        refused(format!("dataset `{}` has no `load` under this contract", dataset.name))
    })
}

fn unsettled(task: &LoadTask) -> Failed {
    refused(format!("the columns of dataset `{}` are not settled", task.dataset))
}

fn refused(message: String) -> Failed {
    Failed::Verdict(Failure::new(FailureClass::Contract, message))
}

fn about(task: &LoadTask) -> Subject {
    Subject {
        dataset: Some(task.dataset.clone()),
        object: Some(task.object.clone()),
        file_id: Some(task.file_id.to_string()),
    }
}

#[async_trait]
impl Handler for Load {
    async fn handle(&self, delivery: &Delivery, lease: &Lease) -> Outcome {
        let task = match LoadTask::from_message(&delivery.body) {
            Ok(task) => task,
            Err(error) => return Outcome::Failed(error.into()),
        };
        match self.run(&task, lease).await {
            Ok(mut done) => {
                done.forward.extend(self.told(&task, delivery));
                Outcome::Done(done.about(about(&task)))
            }
            Err(Failed::LeaseLost) => Outcome::Abandoned,
            Err(Failed::Verdict(failure)) => Outcome::Failed(failure.about(about(&task))),
        }
    }

    fn is_small(&self, delivery: &Delivery) -> bool {
        LoadTask::size_of(&delivery.body).is_some_and(small::is_small)
    }

    async fn probe(&self) -> Result<(), Failure> {
        self.ledger.ping().await?;
        self.warehouse.ping().await?;
        Ok(())
    }
}
