//! One file, from the raw object to Parquet and rejects in the lake.

use std::future::Future;
use std::sync::Arc;

use millrace_contract::{Captures, ColumnDef, Dataset, LoadTask, Output, Sequencer, TransformTask};
use millrace_format::{FormatError, Plan, Report, RowRule, Survey, arrow_schema};
use millrace_sql::RowRules;
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

/// Where files come from and go to.
#[derive(Clone)]
pub(crate) struct Lake {
    pub(crate) storage: Arc<dyn Storage>,
    /// Bucket for Parquet and rejects.
    pub(crate) curated: String,
}

/// Looks at the beginning of a file.
pub(crate) async fn survey(
    lake: &Lake,
    task: &TransformTask,
    dataset: &Dataset,
) -> Result<Survey, TransformError> {
    let (errors, stop) = (FirstError::default(), StopFlag::default());
    let source = open(lake, task, &errors, &stop).await?;
    let dataset = dataset.clone();
    let survey = blocking(move || millrace_format::survey(source, &dataset));
    survey.await.map_err(|error| cause(error, &errors))
}

/// Transforms a file. If `lost` completes first, nothing becomes visible.
pub(crate) async fn transform(
    lake: &Lake,
    task: &TransformTask,
    dataset: &Dataset,
    columns: Vec<ColumnDef>,
    lost: impl Future<Output = ()>,
) -> Result<Transformed, TransformError> {
    let plan = plan(dataset, columns, &task.captures, metadata(task))?;
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
            Ok(Transformed { load: load_task(lake, task, &names, &report), report })
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

/// How a file of a dataset is transformed, whether it comes from a bucket or
/// from a folder.
pub(crate) fn plan(
    dataset: &Dataset,
    columns: Vec<ColumnDef>,
    captures: &Captures,
    metadata: Vec<(String, String)>,
) -> Result<Plan, TransformError> {
    let mut plan = Plan::of(dataset);
    plan.columns = columns;
    plan.captures = captures.clone();
    plan.rules = rules(dataset, &plan)?;
    plan.metadata = metadata;
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

/// What every Parquet file says of its origin. What the event did not say of
/// the object is left out.
fn metadata(task: &TransformTask) -> Vec<(String, String)> {
    let TransformTask { object, .. } = task;
    let etag = Some(object.etag.as_str()).filter(|etag| !etag.is_empty());
    let url = object.url();
    let said = [
        ("source", Some(url.as_str())),
        ("source.bucket", Some(object.bucket.as_str())),
        ("source.key", Some(object.key.as_str())),
        ("source.version_id", object.version_id.as_deref()),
        ("source.etag", etag),
        ("source.sequencer", object.sequencer.as_ref().map(Sequencer::as_str)),
        ("source.revision", Some(object.revision())),
        ("file_id", Some(task.file_id.as_str())),
        ("dataset", Some(task.dataset.as_str())),
        ("contract", Some(task.contract.as_str())),
    ];
    let entry =
        |(name, value): (&str, Option<&str>)| Some((format!("millrace.{name}"), value?.to_owned()));
    said.into_iter().filter_map(entry).collect()
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
        balance: report.balance.clone(),
        column_version: None,
        rejects_key: (report.balance.rejected > 0).then(|| names.rejects()),
        trace_id: task.trace_id.clone(),
    }
}
