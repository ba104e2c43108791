//! What the body of a dead letter asks for: read as its stage would.

use chrono::{DateTime, Utc};
use millrace_contract::{
    Captures, CatalogTask, ContractVersion, DeriveOrderError, DeriveTask, ExportTask, FileId,
    LoadTask, MaintainTask, ObjectVersion, OrderError, Replay, ReportTask, StageName,
    TransformTask, decode_event, read_derive_order, read_export_order, read_report_order,
};
use serde_json::Value;

/// Work on one file that was planned under a contract.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Work {
    pub(crate) file_id: FileId,
    pub(crate) dataset: String,
    pub(crate) contract: ContractVersion,
    pub(crate) object: ObjectVersion,
    pub(crate) captures: Captures,
    pub(crate) published_at: Option<DateTime<Utc>>,
    pub(crate) replay: Option<Replay>,
    pub(crate) trace_id: String,
}

/// The work a body asks for; none if it is an event, which is planned when it is
/// handled.
///
/// # Errors
/// What is wrong with the body, for a person.
pub(crate) fn work(stage: StageName, body: &str) -> Result<Option<Work>, String> {
    match stage {
        StageName::Ingest => decode_event(body).map(|_| None).map_err(|error| error.to_string()),
        StageName::Transform => {
            let task = TransformTask::from_message(body).map_err(|error| error.to_string())?;
            Ok(Some(Work {
                file_id: task.file_id,
                dataset: task.dataset,
                contract: task.contract,
                object: task.object,
                captures: task.captures,
                published_at: task.published_at,
                replay: task.replay,
                trace_id: task.trace_id,
            }))
        }
        // Which members a stream asks for is known to the worker.
        StageName::Collect => match serde_json::from_str::<serde_json::Map<_, Value>>(body) {
            Ok(_) => Ok(None),
            Err(error) => Err(format!("the body is not one JSON object: {error}")),
        },
        // Which exports and reports there are is known to the worker.
        StageName::Report => {
            let named = ReportTask::from_message(body).ok().map(|task| task.report);
            let known: Vec<&str> = named.iter().map(String::as_str).collect();
            order(read_report_order(body, "", &known, Some(Utc::now())))
        }
        StageName::Export => {
            let named = export_of(body);
            let known: Vec<&str> = named.iter().map(String::as_str).collect();
            order(read_export_order(body, "", &known, Some(Utc::now())))
        }
        // And which datasets are derived, too.
        StageName::Derive => {
            let named = DeriveTask::from_message(body).ok().map(|task| task.derived);
            let known: Vec<&str> = named.iter().map(String::as_str).collect();
            match read_derive_order(body, "", &known) {
                Ok(_) | Err(DeriveOrderError::Unknown { .. } | DeriveOrderError::Which { .. }) => {
                    Ok(None)
                }
                Err(error) => Err(error.to_string()),
            }
        }
        StageName::Maintain => {
            MaintainTask::from_message(body).map(|_| None).map_err(|error| error.to_string())
        }
        StageName::Catalog => {
            CatalogTask::from_message(body).map(|_| None).map_err(|error| error.to_string())
        }
        StageName::Load => {
            let task = LoadTask::from_message(body).map_err(|error| error.to_string())?;
            Ok(Some(Work {
                file_id: task.file_id,
                dataset: task.dataset,
                contract: task.contract,
                object: task.object,
                captures: task.captures,
                published_at: task.published_at,
                replay: task.replay,
                trace_id: task.trace_id,
            }))
        }
    }
}

/// That a body starts something, whether or not it is there.
fn order<T>(read: Result<T, OrderError>) -> Result<Option<Work>, String> {
    match read {
        Ok(_) | Err(OrderError::Unknown { .. } | OrderError::Which { .. }) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

/// The export that a body names, where it is a task.
fn export_of(body: &str) -> Option<String> {
    ExportTask::from_message(body).ok().map(|task| task.export)
}

/// Whether a stage could read the body.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check_body(stage: StageName, body: &str) -> Result<(), String> {
    work(stage, body).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: &str = r#"{"version":1,"task":"transform","file_id":"f","dataset":"d",
        "contract":"c","object":{"bucket":"b","key":"k"},"trace_id":"t"}"#;

    #[test]
    fn a_body_is_read_as_its_stage_reads_it() {
        let found = work(StageName::Transform, TASK).expect("a task").expect("work");
        assert_eq!((found.dataset.as_str(), found.contract.as_str()), ("d", "c"));
        let error = check_body(StageName::Load, TASK).expect_err("no load task");
        assert!(error.contains("not a load message"), "{error}");
        assert!(check_body(StageName::Ingest, "no JSON").is_err());
        assert!(check_body(StageName::Collect, "[]").is_err());
        assert_eq!(work(StageName::Collect, "{}"), Ok(None));
    }
}
