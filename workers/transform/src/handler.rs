//! The transform handler.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use millrace_contract::{Dataset, LoadTask, RejectCause, StageName, TransformTask};
use millrace_failpoint::{Point, reach};
use millrace_format::{RejectGroup, Warning};
use millrace_lake::tables_of;
use millrace_ledger::{Ledger, RuleCount, Transformed as Record};
use millrace_pipeline::{Dependents, Pipeline};
use millrace_retry::FailureClass;
use millrace_runtime::{
    Counts, Delivery, Done, Failure, Forward, Handler, Lease, Outcome, Subject, part,
};
use millrace_sql::Table;
use millrace_storage::{Storage, StorageError};

use crate::TransformError;
use crate::columns::{Columns, columns};
use crate::run::{Lake, ReadBy, Transformed, transform};

/// Objects up to this size, compressed ones too, mostly wait for the ledger and
/// the object store while they are handled.
const SMALL_BYTES: u64 = 64 * 1024;

/// The transform stage.
pub struct Transform {
    ledger: Ledger,
    lake: Lake,
    /// Names of the pipeline's datasets, which SQL may name as tables.
    datasets: Vec<String>,
    load_queue: String,
    dependents: Dependents,
}

impl Transform {
    /// The handler for a pipeline.
    pub fn new(pipeline: &Pipeline, ledger: Ledger, storage: Arc<dyn Storage>) -> Self {
        let curated = pipeline.lake.curated.clone();
        let lake = Lake { storage, curated, ledger: ledger.clone() };
        let datasets = pipeline.datasets.iter().map(|dataset| dataset.name.clone()).collect();
        let load_queue = pipeline.queue_name(StageName::Load);
        Self { ledger, lake, datasets, load_queue, dependents: pipeline.dependents() }
    }

    async fn run(
        &self,
        task: &TransformTask,
        lease: &Lease,
        is_again: bool,
    ) -> Result<Done, Failed> {
        let dataset = part("contract", self.dataset(task)).await?;
        if let Some(load) = self.ledger.load_task(&task.file_id).await? {
            return Ok(self.done("transformed before", &dataset, load, is_again));
        }
        let clock = Instant::now();
        let columns = columns(&self.ledger, &self.lake, task, &dataset);
        let columns = part("columns", columns).await?;
        let Columns { list, version } = columns;
        let read_by = ReadBy { columns: list, tables: self.tables(&dataset).await? };
        let transformed = transform(&self.lake, task, &dataset, read_by, lease.lost());
        let transformed = part("transform", transformed).await;
        let transformed = match transformed {
            Ok(transformed) => transformed,
            Err(TransformError::Storage(error)) => return self.gone(task, error).await,
            Err(error) => return Err(error.into()),
        };
        lease.check().map_err(|_| Failed::LeaseLost)?;
        let Transformed { mut load, report, small } = transformed;
        load.column_version = version;
        reach("transform", Point::BeforeRecord);
        let record = Record {
            task: &load,
            rejects: &report.reject_groups.iter().map(reject_count).collect::<Vec<_>>(),
            warnings: &report.warnings.iter().map(warning_count).collect::<Vec<_>>(),
            duration: clock.elapsed(),
        };
        part("record", self.ledger.transformed(&record)).await?;
        reach("transform", Point::AfterRecord);
        if dataset.load.is_none() {
            self.ledger.loaded(&task.file_id, 0, std::time::Duration::ZERO).await?;
        }
        small.carry(&mut load);
        let mut done = self.done("transformed", &dataset, load, is_again);
        done.counts.bytes = Some(report.source_bytes);
        Ok(done)
    }

    async fn dataset(&self, task: &TransformTask) -> Result<Dataset, Failed> {
        let kept = self.ledger.contract(&task.dataset, &task.contract).await?;
        kept.ok_or_else(|| {
            let message = format!(
                "dataset `{}` is not known under contract {}; was the ledger changed?",
                task.dataset, task.contract
            );
            Failed::Verdict(Failure::new(FailureClass::Contract, message))
        })
    }

    /// The datasets of the lake that the dataset's SQL names.
    async fn tables(&self, dataset: &Dataset) -> Result<Vec<Arc<dyn Table>>, Failed> {
        let Some(transform) = &dataset.transform else { return Ok(Vec::new()) };
        let tables =
            tables_of(&self.ledger, &self.lake.storage, &transform.sql, &self.datasets).await;
        tables.map_err(|error| Failed::Verdict(error.into()))
    }

    /// The object can't be read. If it is gone because a newer version took its
    /// place, that version's own event brings it here.
    async fn gone(&self, task: &TransformTask, error: StorageError) -> Result<Done, Failed> {
        let newer = match &error {
            StorageError::Changed { .. } => true,
            StorageError::NotFound { .. } => self.newer_is_known(task).await?,
            _ => false,
        };
        if !newer {
            return Err(error.into());
        }
        self.ledger.superseded(&task.file_id, None, &error.to_string()).await?;
        Ok(Done::new("superseded").about(about(task)))
    }

    async fn newer_is_known(&self, task: &TransformTask) -> Result<bool, Failed> {
        let trace = self.ledger.trace(&task.object.bucket, &task.object.key).await?;
        let mut versions = trace.versions.iter().rev();
        // Other datasets may share the object.
        let newest = versions.find(|version| version.run.dataset == task.dataset);
        Ok(newest.is_some_and(|version| version.run.object != task.object))
    }

    /// What derived datasets are told of a file that is loaded nowhere.
    fn told(&self, load: &LoadTask, is_again: bool) -> impl Iterator<Item = Forward> {
        let changes = self.dependents.told_of(&load.dataset, &load.captures, is_again);
        changes.into_iter().map(|change| {
            let forward = Forward::new(change.queue, change.body);
            forward.of(change.dataset).after(change.delay)
        })
    }

    fn done(&self, note: &'static str, dataset: &Dataset, load: LoadTask, is_again: bool) -> Done {
        let balance = &load.balance;
        let counts = Counts {
            rows_read: Some(balance.read),
            rows_loaded: Some(balance.written),
            rows_rejected: Some(balance.rejected),
            bytes: None,
        };
        let mut done = Done::new(note).counts(counts);
        match &dataset.load {
            Some(_) => {
                let forward = Forward::new(&self.load_queue, load.to_message());
                done.forward(forward.of(&load.dataset))
            }
            // Its rows are where they belong.
            None => {
                done.forward.extend(self.told(&load, is_again));
                done
            }
        }
    }

    fn failure(&self, task: &TransformTask, failed: Failed) -> Outcome {
        let failure = match failed {
            Failed::LeaseLost => return Outcome::Abandoned,
            Failed::Verdict(failure) => failure,
        };
        Outcome::Failed(failure.about(about(task)))
    }
}

fn about(task: &TransformTask) -> Subject {
    Subject {
        dataset: Some(task.dataset.clone()),
        object: Some(task.object.clone()),
        file_id: Some(task.file_id.to_string()),
    }
}

/// Expectations say what they are about; a type or `required` needs its column.
fn reject_count(group: &RejectGroup) -> RuleCount {
    let rule = match (&group.column, group.cause) {
        (Some(column), RejectCause::Type | RejectCause::Required) => {
            format!("{column}: {}", group.rule)
        }
        _ => group.rule.clone(),
    };
    RuleCount { rule, rows: group.count, example: group.example.message.clone() }
}

fn warning_count(warning: &Warning) -> RuleCount {
    RuleCount { rule: warning.rule.clone(), rows: warning.count, example: String::new() }
}

/// How an attempt ended without a result.
pub(crate) enum Failed {
    /// Another worker may have the message: say nothing.
    LeaseLost,
    /// A failure, classified.
    Verdict(Failure),
}

impl From<TransformError> for Failed {
    fn from(error: TransformError) -> Self {
        match error {
            TransformError::LeaseLost => Self::LeaseLost,
            TransformError::Refused { error, rejects: Some(url) } => {
                Self::Verdict(Failure::new(FailureClass::Contract, error.to_string()).rejects(url))
            }
            error => Self::Verdict(error.into()),
        }
    }
}

impl From<millrace_ledger::LedgerError> for Failed {
    fn from(error: millrace_ledger::LedgerError) -> Self {
        Self::Verdict(error.into())
    }
}

impl From<StorageError> for Failed {
    fn from(error: StorageError) -> Self {
        Self::Verdict(error.into())
    }
}

#[async_trait]
impl Handler for Transform {
    async fn handle(&self, delivery: &Delivery, lease: &Lease) -> Outcome {
        let task = match TransformTask::from_message(&delivery.body) {
            Ok(task) => task,
            Err(error) => return Outcome::Failed(error.into()),
        };
        match self.run(&task, lease, delivery.receive_count > 1).await {
            Ok(done) => Outcome::Done(done.about(about(&task))),
            Err(failed) => self.failure(&task, failed),
        }
    }

    fn is_small(&self, delivery: &Delivery) -> bool {
        let task = TransformTask::from_message(&delivery.body);
        task.is_ok_and(|task| task.object.size.is_some_and(|size| size <= SMALL_BYTES))
    }

    async fn probe(&self) -> Result<(), Failure> {
        self.ledger.ping().await?;
        Ok(self.lake.storage.list(&self.lake.curated, "_probe/", None).await.map(drop)?)
    }
}
