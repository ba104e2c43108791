//! One file, from the raw object to Parquet and rejects in the lake.

use std::future::Future;
use std::sync::Arc;

use millrace_contract::{ColumnDef, Dataset, LoadTask, Output, SchemaMode, TransformTask};
use millrace_format::{FormatError, Plan, Report, Reshape, RowRule, arrow_schema};
use millrace_sql::{RowRules, SqlQuery, Table};
use millrace_storage::{ObjectReader, ObjectRef, Storage};

use crate::TransformError;
use crate::bridge::{FirstError, SourceRead, StopFlag};
use crate::outputs::{LakeSink, Names};

/// What a file came to, before anything is said about it.
pub(crate) struct Transformed {
    /// The message for the load stage.
    pub(crate) load: LoadTask,
    /// Counts and rejects.
    pub(crate) report: Report,
}

/// What a file is read by, found before it is opened.
pub(crate) struct ReadBy {
    /// The columns of the file.
    pub(crate) columns: Vec<ColumnDef>,
    /// The tables that the dataset's SQL may name beside `input`.
    pub(crate) tables: Vec<Arc<dyn Table>>,
}

/// Where files come from and go to.
#[derive(Clone)]
pub(crate) struct Lake {
    pub(crate) storage: Arc<dyn Storage>,
    /// Bucket for Parquet and rejects.
    pub(crate) curated: String,
}

/// Infers the columns of a file from its beginning.
pub(crate) async fn infer(
    lake: &Lake,
    task: &TransformTask,
    dataset: &Dataset,
) -> Result<Vec<ColumnDef>, TransformError> {
    let (errors, stop) = (FirstError::default(), StopFlag::default());
    let source = open(lake, task, &errors, &stop).await?;
    let dataset = dataset.clone();
    let inferred = blocking(move || millrace_format::infer(source, &dataset));
    let inferred = inferred.await.map_err(|error| cause(error, &errors))?;
    for note in &inferred.notes {
        tracing::debug!(dataset = %task.dataset, rows = inferred.rows_sampled, "{note}");
    }
    Ok(inferred.columns)
}

/// Transforms a file. If `lost` completes first, nothing becomes visible.
pub(crate) async fn transform(
    lake: &Lake,
    task: &TransformTask,
    dataset: &Dataset,
    read_by: ReadBy,
    lost: impl Future<Output = ()>,
) -> Result<Transformed, TransformError> {
    let mut plan = plan(task, dataset, read_by.columns)?;
    let query = query(dataset, &plan, &read_by.tables)?;
    let columns = query.as_ref().map(|query| query.columns().to_vec());
    plan.reshape = query.map(|query| Box::new(query) as Box<dyn Reshape>);
    let (errors, stop) = (FirstError::default(), StopFlag::default());
    let source = open(lake, task, &errors, &stop).await?;
    let names = Names::new(&task.dataset, &task.file_id);
    let mut sink =
        LakeSink::new(Arc::clone(&lake.storage), &lake.curated, names.clone(), errors.clone());
    let mut work = std::pin::pin!(blocking(move || {
        let report = millrace_format::transform(source, &plan, &mut sink);
        (report, sink)
    }));
    let (report, sink) = tokio::select! {
        finished = &mut work => finished,
        () = lost => {
            stop.stop();
            work.await.1.discard().await;
            return Err(TransformError::LeaseLost);
        }
    };
    match report {
        Ok(report) => {
            sink.publish().await?;
            let load = LoadTask { columns, ..load_task(lake, task, &names, &report) };
            Ok(Transformed { load, report })
        }
        Err(error) if error.is_contract() => {
            let rejects = sink.keep_rejects().await?;
            let rejects = rejects.map(|key| format!("s3://{}/{key}", lake.curated));
            Err(TransformError::Refused { error, rejects })
        }
        Err(error) => {
            sink.discard().await;
            Err(cause(error, &errors))
        }
    }
}

fn plan(
    task: &TransformTask,
    dataset: &Dataset,
    columns: Vec<ColumnDef>,
) -> Result<Plan, TransformError> {
    let mut plan = Plan::of(dataset);
    plan.columns = columns;
    plan.captures = task.captures.clone();
    plan.rules = rules(dataset, &plan)?;
    plan.metadata = metadata(task);
    Ok(plan)
}

fn rules(dataset: &Dataset, plan: &Plan) -> Result<Vec<Box<dyn RowRule>>, TransformError> {
    if dataset.expect.is_empty() {
        return Ok(Vec::new());
    }
    let schema = arrow_schema(&plan.columns, &plan.captures);
    let rules = RowRules::compile(&dataset.expect, &schema)
        .map_err(|problem| TransformError::Rules(problem.to_string()))?;
    Ok(rules.into_iter().map(|rule| Box::new(rule) as Box<dyn RowRule>).collect())
}

/// The dataset's SQL, planned over the columns of the file.
fn query(
    dataset: &Dataset,
    plan: &Plan,
    tables: &[Arc<dyn Table>],
) -> Result<Option<SqlQuery>, TransformError> {
    let Some(transform) = &dataset.transform else { return Ok(None) };
    let query = SqlQuery::over_input(transform, &plan.columns, &plan.captures, tables);
    let wrong = |fault| TransformError::Sql { sql: transform.sql.clone(), fault };
    query.map(Some).map_err(wrong)
}

/// What every Parquet file says of its origin.
fn metadata(task: &TransformTask) -> Vec<(String, String)> {
    let entry = |name: &str, value: &str| (format!("millrace.{name}"), value.to_owned());
    vec![
        entry("source", &task.object.url()),
        entry("source.revision", task.object.revision()),
        entry("file_id", task.file_id.as_str()),
        entry("dataset", &task.dataset),
        entry("contract", task.contract.as_str()),
    ]
}

async fn open(
    lake: &Lake,
    task: &TransformTask,
    errors: &FirstError,
    stop: &StopFlag,
) -> Result<SourceRead, TransformError> {
    let reader = ObjectReader::open(Arc::clone(&lake.storage), ObjectRef::from(&task.object));
    Ok(SourceRead::start(reader.await?, errors.clone(), stop.clone()))
}

/// Runs on a thread that may block. A panic goes on in the caller, where the
/// runtime contains it.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// The storage error behind a broken stream, or else the format's own error.
fn cause(error: FormatError, errors: &FirstError) -> TransformError {
    match errors.take() {
        Some(storage) => storage.into(),
        None => error.into(),
    }
}

fn load_task(lake: &Lake, task: &TransformTask, names: &Names, report: &Report) -> LoadTask {
    let outputs = (0..).zip(&report.outputs).map(|(ordinal, output)| Output {
        key: names.output(&output.partition, ordinal),
        rows: output.rows,
        bytes: output.bytes,
        partition: output.partition.clone(),
    });
    LoadTask {
        file_id: task.file_id.clone(),
        dataset: task.dataset.clone(),
        contract: task.contract.clone(),
        object: task.object.clone(),
        captures: task.captures.clone(),
        lake: lake.curated.clone(),
        outputs: outputs.collect(),
        columns: None,
        balance: report.balance.clone(),
        rejects_key: (report.balance.rejected > 0).then(|| names.rejects()),
        trace_id: task.trace_id.clone(),
    }
}

/// Whether the dataset's columns are found by looking at its first file.
pub(crate) fn needs_inference(dataset: &Dataset) -> bool {
    match dataset.schema.mode {
        SchemaMode::Infer => true,
        SchemaMode::Strict => false,
    }
}
