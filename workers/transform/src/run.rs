//! One file, from the raw object to Parquet and rejects in the lake.

use std::future::Future;
use std::sync::Arc;
use std::time::SystemTime;

use millrace_contract::{Captures, ColumnDef, Dataset, LoadTask, Output, Sequencer, TransformTask};
use millrace_format::{
    FileCheck, FormatError, Plan, Report, Reshape, RowFilter, RowRule, Survey, arrow_schema,
};
use millrace_lake::{FirstError, LakeSink, Names, SmallObjects};
use millrace_ledger::Ledger;
use millrace_sql::{Reference, Rules, SqlQuery, Table};
use millrace_storage::{ObjectReader, ObjectRef, Storage};

use crate::TransformError;
use crate::bridge::{SourceRead, StopFlag};
use crate::references;
use crate::selection::selection;

/// What a file came to, before anything is said about it.
pub(crate) struct Transformed {
    /// The message for the load stage.
    pub(crate) load: LoadTask,
    /// Counts and rejects.
    pub(crate) report: Report,
    /// The outputs themselves, where they are small.
    pub(crate) small: SmallObjects,
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
    /// Knows what is in it.
    pub(crate) ledger: Ledger,
}

/// Looks at the beginning of a file.
pub(crate) async fn survey(
    lake: &Lake,
    task: &TransformTask,
    dataset: &Dataset,
) -> Result<Survey, TransformError> {
    let (errors, stop) = (FirstError::default(), StopFlag::default());
    let source = SourceRead::start(open(lake, task).await?, errors.clone(), stop.clone()).await?;
    let dataset = dataset.clone();
    let survey = blocking(move || millrace_format::survey(source, &dataset));
    survey.await.map_err(|error| cause(error, &errors))
}

/// Transforms a file. If `lost` completes first, nothing becomes visible.
pub(crate) async fn transform(
    lake: &Lake,
    task: &TransformTask,
    dataset: &Dataset,
    read_by: ReadBy,
    lost: impl Future<Output = ()>,
) -> Result<Transformed, TransformError> {
    let reader = open(lake, task).await?;
    let modified = reader.modified();
    let (mut plan, references) =
        plan(dataset, read_by.columns, &task.captures, metadata(task), modified)?;
    plan.only = selection(lake, task).await?;
    for reference in &references {
        plan.rules.push(Box::new(references::load(lake, reference).await?));
    }
    let query = query(dataset, &plan, &read_by.tables)?;
    let columns = query.as_ref().map(|query| query.columns().to_vec());
    plan.reshape = query.map(|query| Box::new(query) as Box<dyn Reshape>);
    let (errors, stop) = (FirstError::default(), StopFlag::default());
    let source = SourceRead::start(reader, errors.clone(), stop.clone()).await?;
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
            let small = sink.publish().await?;
            let load = LoadTask { columns, ..load_task(lake, task, &names, &report) };
            Ok(Transformed { load, report, small })
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
/// from a folder, and the rules that need keys of other datasets.
pub(crate) fn plan(
    dataset: &Dataset,
    columns: Vec<ColumnDef>,
    captures: &Captures,
    metadata: Vec<(String, String)>,
    modified: Option<SystemTime>,
) -> Result<(Plan, Vec<Reference>), TransformError> {
    let mut plan = Plan::of(dataset);
    plan.columns = columns;
    plan.captures = captures.clone();
    plan.metadata = metadata;
    let references = set_rules(dataset, &mut plan, modified)?;
    Ok((plan, references))
}

/// Compiles the dataset's rules. Answers those that need keys to compare with.
fn set_rules(
    dataset: &Dataset,
    plan: &mut Plan,
    modified: Option<SystemTime>,
) -> Result<Vec<Reference>, TransformError> {
    if dataset.expect.is_empty() && dataset.filter.is_none() {
        return Ok(Vec::new());
    }
    let schema = arrow_schema(&plan.columns, &plan.captures);
    let file_time = modified.and_then(micros_since_1970);
    let rules = Rules::compile(dataset, &schema, file_time.unwrap_or_default())
        .map_err(|problem| TransformError::Rules(problem.to_string()))?;
    let of_age = rules.file.iter().find(|rule| matches!(rule.check, FileCheck::MaxAge { .. }));
    if let (Some(rule), None) = (of_age, file_time) {
        return Err(TransformError::Rules(format!(
            "rule `{}`: the object store does not say when the file was stored",
            rule.text
        )));
    }
    plan.filter = rules.filter.map(|filter| Box::new(filter) as Box<dyn RowFilter>);
    plan.rules = rules.rows.into_iter().map(|rule| Box::new(rule) as Box<dyn RowRule>).collect();
    plan.file_rules = rules.file;
    Ok(rules.references)
}

fn micros_since_1970(time: SystemTime) -> Option<i64> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_micros()).ok()
}

/// The dataset's SQL, planned over the columns of the file.
pub(crate) fn query(
    dataset: &Dataset,
    plan: &Plan,
    tables: &[Arc<dyn Table>],
) -> Result<Option<SqlQuery>, TransformError> {
    let Some(transform) = &dataset.transform else { return Ok(None) };
    let query = SqlQuery::over_input(transform, &plan.columns, &plan.captures, tables);
    let wrong = |fault| TransformError::Sql { sql: transform.sql.clone(), fault };
    query.map(Some).map_err(wrong)
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

async fn open(lake: &Lake, task: &TransformTask) -> Result<ObjectReader, TransformError> {
    let object = ObjectRef::from(&task.object);
    Ok(ObjectReader::open(Arc::clone(&lake.storage), object).await?)
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
        first_row: None,
        carried: None,
    });
    LoadTask {
        file_id: task.file_id.clone(),
        dataset: task.dataset.clone(),
        contract: task.contract.clone(),
        object: task.object.clone(),
        captures: task.captures.clone(),
        published_at: task.published_at,
        lake: lake.curated.clone(),
        outputs: outputs.collect(),
        columns: None,
        balance: report.balance.clone(),
        column_version: None,
        rejects_key: (report.balance.rejected > 0).then(|| names.rejects()),
        replay: task.replay.clone(),
        trace_id: task.trace_id.clone(),
    }
}
