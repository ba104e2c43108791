//! `millrace batches`: the history of collected messages.

use std::process::ExitCode;

use millrace_ledger::{BatchFilter, BatchRecord, BatchState};
use serde_json::{Value, json};

use crate::args::{BatchesArgs, Format};
use crate::exit::Usage;
use crate::setup::Setup;
use crate::show;

pub(super) async fn run(args: &BatchesArgs) -> anyhow::Result<ExitCode> {
    let filter = BatchFilter {
        stream: args.stream.clone(),
        state: args.state.as_deref().map(state).transpose()?,
        before: None,
        limit: Some(args.limit),
    };
    let ledger = Setup::new(&args.output.pipeline)?.ledger_to_read().await?;
    let batches = ledger.batches(&filter).await?;
    match args.output.output {
        Format::Json => show::json(&batches.iter().map(as_json).collect::<Vec<_>>())?,
        Format::Table if batches.is_empty() => show::note("no batches yet"),
        Format::Table => table(&batches),
    }
    Ok(ExitCode::SUCCESS)
}

fn state(text: &str) -> anyhow::Result<BatchState> {
    text.parse().map_err(|why: String| Usage(why).into())
}

fn table(batches: &[BatchRecord]) {
    let headers = ["committed", "stream", "state", "#messages", "#bytes", "where"];
    let row = |batch: &BatchRecord| {
        vec![
            batch.committed_at.format("%Y-%m-%d %H:%M:%S").to_string(),
            batch.stream.clone(),
            batch.state.to_string(),
            show::number(batch.messages),
            show::number(batch.bytes),
            show::brief(&url(batch), 100),
        ]
    };
    show::table(&headers, batches.iter().map(row).collect());
}

/// Where a batch lies.
fn url(batch: &BatchRecord) -> String {
    match batch.state {
        BatchState::Committed => format!("s3://{}/{}", batch.staged_bucket, batch.staged_key),
        BatchState::Published => format!("s3://{}/{}", batch.bucket, batch.key),
    }
}

fn as_json(batch: &BatchRecord) -> Value {
    json!({
        "batch": batch.id,
        "stream": batch.stream,
        "state": batch.state.as_str(),
        "messages": batch.messages,
        "bytes": batch.bytes,
        "object": url(batch),
        "opened_at": batch.opened_at,
        "committed_at": batch.committed_at,
        "published_at": batch.published_at,
    })
}
