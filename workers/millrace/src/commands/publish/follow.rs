//! Following published files until nothing more will happen to them.

use std::time::{Duration, Instant};

use anyhow::bail;
use millrace_ledger::{FileState, Ledger, ObjectTrace, Run};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::Published;
use crate::commands::runs;
use crate::show;

/// How one file ended.
pub(super) enum End {
    /// As the ledger says.
    Run(Box<Run>),
    /// No dataset took it.
    Unrouted(String),
}

impl End {
    pub(super) fn is_failure(&self) -> bool {
        match self {
            Self::Run(run) => run.state == FileState::Failed,
            Self::Unrouted(_) => false,
        }
    }

    pub(super) fn as_json(&self) -> Value {
        match self {
            Self::Run(run) => runs::as_json(run),
            Self::Unrouted(reason) => json!({ "state": "unrouted", "reason": reason }),
        }
    }
}

/// An end in one line.
pub(super) fn describe(end: &Value) -> String {
    let word = end["state"].as_str().unwrap_or_default();
    match (end["rows"]["loaded"].as_u64(), end["reason"].as_str()) {
        (Some(rows), None) => format!("{word}, {}", show::count(rows, "row")),
        (_, Some(reason)) => format!("{word}: {}", show::brief(reason, 100)),
        (None, None) => word.to_owned(),
    }
}

/// Waits until every file has come to an end in each of its datasets, and answers
/// the ends in this order.
///
/// # Errors
/// If that takes longer than `limit`.
pub(super) async fn follow(
    ledger: &Ledger,
    bucket: &str,
    published: &[(&Published, &str)],
    limit: Duration,
) -> anyhow::Result<Vec<End>> {
    let deadline = Instant::now() + limit;
    let mut ends = Vec::with_capacity(published.len());
    for (file, dataset) in published {
        let end = loop {
            let trace = ledger.trace(bucket, &file.key).await?;
            if let Some(end) = end_of(trace, file, dataset) {
                break end;
            }
            if Instant::now() > deadline {
                bail!(
                    "`{}` is not done after {limit:?}; `millrace status` shows what is waiting",
                    file.key
                );
            }
            sleep(Duration::from_millis(200)).await;
        };
        ends.push(end);
    }
    Ok(ends)
}

/// The end of the version that was published, if it has come.
fn end_of(trace: ObjectTrace, file: &Published, dataset: &str) -> Option<End> {
    let is_version = |run: &Run| match (&file.stored.version_id, &run.object.version_id) {
        (Some(published), Some(seen)) => published == seen,
        _ => run.object.etag == file.stored.etag,
    };
    let ours = |run: &Run| run.dataset == dataset && is_version(run);
    let version = trace.versions.into_iter().rev().find(|version| ours(&version.run));
    match (version, trace.unrouted) {
        (Some(version), _) if version.run.state.is_final() => Some(End::Run(Box::new(version.run))),
        (None, Some(reason)) => Some(End::Unrouted(reason)),
        _ => None,
    }
}
