//! One attempt at a run: from the inputs to the files that are other than before.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use millrace_contract::{ColumnDef, ContractVersion, Dataset, Derived, FileId, LoadTask};
use millrace_failpoint::{Point, reach};
use millrace_format::{FormatError, Made, Plan, Reshape, write_made};
use millrace_lake::{FirstError, LakeSink, Names, live_files};
use millrace_ledger::{Derivation, DeriveTotals, Ledger};
use millrace_retry::Classify;
use millrace_runtime::{Failed, Failure, Lease};
use millrace_sql::{Partition, SqlFault, SqlQuery, Table};
use millrace_storage::Storage;

use crate::inputs::Inputs;
use crate::kept::{Kept, Origins, Tracing, is_by_partition};
use crate::parts::Making;

/// The stage whose failpoints lie here.
pub(crate) const STAGE: &str = "derive";

/// A derived dataset with its definition.
pub(crate) struct Target {
    pub(crate) derived: Derived,
    pub(crate) dataset: Dataset,
    pub(crate) contract: ContractVersion,
}

/// What an attempt works with.
pub(crate) struct Attempt<'a> {
    pub(crate) target: &'a Target,
    pub(crate) run: &'a Derivation,
    /// Names what it is made of.
    pub(crate) made_of: &'a str,
    pub(crate) ledger: &'a Ledger,
    pub(crate) storage: &'a Arc<dyn Storage>,
    /// The lake's bucket.
    pub(crate) lake: &'a str,
    pub(crate) trace_id: &'a str,
    pub(crate) lease: &'a Lease,
    /// Set where nobody waits for the attempt any more.
    pub(crate) stop: &'a Arc<AtomicBool>,
}

/// What is left to do of a run.
struct Narrowed {
    query: SqlQuery,
    /// Where partitions are looked at one by one.
    tracing: Option<Tracing>,
    kept: Kept,
    rows_read: u64,
}

/// What a run came to.
pub(crate) struct Ended {
    /// The files that are other than before, with those that are small at hand.
    pub(crate) files: Vec<LoadTask>,
    /// Rows of the dataset as it is now.
    pub(crate) rows: u64,
    /// Rows of the files that were read for it.
    pub(crate) rows_read: u64,
    /// Whether an input changed meanwhile.
    pub(crate) again: bool,
}

impl Attempt<'_> {
    /// Derives, and marks the run as done.
    pub(crate) async fn run(&self, inputs: Inputs) -> Result<Ended, Failed> {
        let clock = Instant::now();
        let derived = &self.target.derived;
        let live = live_files(self.ledger, &derived.name).await?;
        let Narrowed { query, tracing, kept, rows_read } = self.narrowed(inputs, &live).await?;
        let columns = query.columns().to_vec();
        let run_id = derived.run_id(self.run.number, self.made_of);
        let names = Names::new(&derived.name, &run_id);
        reach(STAGE, Point::Began);
        let (made, sink) = self.write(query, &run_id, &names).await?;
        reach(STAGE, Point::AfterRows);
        let mut files = self.making(&names, &columns).files(&made, &live, &kept);
        let origins = self.origins(tracing, &made, &kept).await?;
        self.lease.check()?;
        let keys: Vec<String> =
            files.iter().flat_map(|file| &file.outputs).map(|output| output.key.clone()).collect();
        let mut small = sink.publish_those(|key| keys.iter().any(|wanted| wanted == key)).await?;
        let rows = made.partitions.iter().map(|partition| partition.rows).sum::<u64>() + kept.rows;
        let parts = (made.partitions.len() + kept.partitions.len()) as u64;
        reach(STAGE, Point::BeforeCommit);
        self.lease.check()?;
        let totals = DeriveTotals { rows_read, rows, parts, duration: clock.elapsed(), origins };
        let ended = self.ledger.complete_derivation(self.run, &files, &totals).await?;
        let again = ended.ok_or(Failed::Lost)?;
        reach(STAGE, Point::AfterCommit);
        for file in &mut files {
            small.carry_into(file);
        }
        Ok(Ended { files, rows, rows_read, again })
    }

    /// The query without the partitions that stay.
    async fn narrowed(&self, inputs: Inputs, live: &[LoadTask]) -> Result<Narrowed, Failed> {
        let tables = inputs.tables(self.ledger, self.storage).await?;
        let query = self.query(&tables)?;
        let known = self.run.claim.origins.as_deref();
        // Of what another version of Millrace wrote nothing is known.
        let known: Origins =
            known.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
        let contract = self.target.contract.clone();
        let is_by_partition = is_by_partition(self.target);
        let live = live.to_vec();
        self.planned(move || {
            let query = Arc::new(query);
            let tracing = is_by_partition.then(|| Tracing::new(&query, &contract, &tables));
            let kept = match &tracing {
                Some(tracing) => tracing.kept(&known, &live)?,
                None => Kept::default(),
            };
            let query = query.except(&kept.partitions)?;
            let rows_read = query.reads()?.iter().filter_map(|read| read.rows).sum();
            Ok(Narrowed { query, tracing, kept, rows_read })
        })
        .await
    }

    /// What partitions come from, for the next run.
    async fn origins(
        &self,
        tracing: Option<Tracing>,
        made: &Made,
        kept: &Kept,
    ) -> Result<Option<String>, Failed> {
        let Some(tracing) = tracing else { return Ok(None) };
        let partitions = made.partitions.iter().map(|made| made.partition.clone());
        let partitions: Vec<Partition> = partitions.collect();
        let mut origins = self.planned(move || tracing.origins(&partitions)).await?;
        origins.extend(kept.origins.clone());
        Ok(Some(serde_json::to_string(&origins).map_err(Failed::contract)?))
    }

    /// Plans on a thread that may block. A panic goes on here.
    async fn planned<T: Send + 'static>(
        &self,
        plan: impl FnOnce() -> Result<T, SqlFault> + Send + 'static,
    ) -> Result<T, Failed> {
        match tokio::task::spawn_blocking(plan).await {
            Ok(planned) => planned.map_err(|fault| no_query(&self.target.dataset.name, &fault)),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    fn query(&self, tables: &[Arc<dyn Table>]) -> Result<SqlQuery, Failed> {
        let Target { dataset, .. } = self.target;
        let transform = dataset.transform.as_ref().ok_or_else(|| {
            Failed::contract(format!("dataset `{}` has no SQL to be derived by", dataset.name))
        })?;
        SqlQuery::over_datasets(transform, tables).map_err(|fault| no_query(&dataset.name, &fault))
    }

    /// Writes what the query gives; nothing of it is visible yet.
    async fn write(
        &self,
        query: SqlQuery,
        run_id: &FileId,
        names: &Names,
    ) -> Result<(Made, LakeSink), Failed> {
        let mut plan = Plan::of(&self.target.dataset);
        plan.reshape = Some(Box::new(query) as Box<dyn Reshape>);
        plan.metadata = self.metadata(run_id);
        let errors = FirstError::default();
        let storage = Arc::clone(self.storage);
        let mut sink = LakeSink::new(storage, self.lake, names.clone(), errors.clone());
        let stop = Arc::clone(self.stop);
        let writing = tokio::task::spawn_blocking(move || {
            let made = write_made(&plan, &stop, &mut sink);
            (made, sink)
        });
        let guard = StopOnDrop(self.stop);
        let (made, sink) = match writing.await {
            Ok(written) => written,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        guard.disarm();
        match made {
            Ok(made) => Ok((made, sink)),
            Err(error) => {
                sink.discard().await;
                Err(cause(error, &errors))
            }
        }
    }

    /// What every Parquet file says of its origin.
    fn metadata(&self, run_id: &FileId) -> Vec<(String, String)> {
        let Target { dataset, contract, derived } = self.target;
        let said = [
            ("dataset", dataset.name.clone()),
            ("contract", contract.to_string()),
            ("run", self.run.number.to_string()),
            ("run_id", run_id.to_string()),
            ("inputs", derived.inputs.join(", ")),
        ];
        said.into_iter().map(|(name, value)| (format!("millrace.{name}"), value)).collect()
    }

    fn making<'a>(&'a self, names: &'a Names, columns: &'a [ColumnDef]) -> Making<'a> {
        let Target { derived, contract, .. } = self.target;
        Making {
            derived,
            contract,
            lake: self.lake,
            number: self.run.number,
            names,
            columns,
            trace_id: self.trace_id,
        }
    }
}

/// Has the thread that writes end, where nobody waits for it any more.
struct StopOnDrop<'a>(&'a AtomicBool);

impl StopOnDrop<'_> {
    fn disarm(self) {
        std::mem::forget(self);
    }
}

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The dataset's SQL does not fit its inputs.
fn no_query(dataset: &str, fault: &SqlFault) -> Failed {
    let problem = format!("the SQL of `{dataset}`: {fault}");
    Failed::Verdict(Failure::new(fault.class(), problem))
}

/// The storage error behind a broken stream, or else the format's own error.
fn cause(error: FormatError, errors: &FirstError) -> Failed {
    match errors.take() {
        Some(storage) => storage.into(),
        None => error.into(),
    }
}
