//! `millrace rejects`: rows that did not make it, by rule or one by one.

use std::process::ExitCode;
use std::sync::Arc;

use millrace_contract::Reject;
use millrace_lake::RejectReader;
use millrace_ledger::{RejectTotal, RuleOutcome, Run};
use millrace_storage::{ObjectRef, S3Storage};
use serde_json::json;

use super::replay;
use super::trace::locate;
use crate::args::{Format, RejectListArgs, RejectShowArgs, RejectsCommand};
use crate::datasets;
use crate::exit::FAILED;
use crate::setup::{self, Setup};
use crate::show;

/// Longest text of a table's cell.
const WIDEST: usize = 80;

pub(super) async fn run(command: &RejectsCommand) -> anyhow::Result<ExitCode> {
    match command {
        RejectsCommand::List(args) => list(args).await,
        RejectsCommand::Show(args) => show_file(args).await,
        RejectsCommand::Replay(args) => replay::mend_rejects(&args.files).await,
    }
}

async fn list(args: &RejectListArgs) -> anyhow::Result<ExitCode> {
    let setup = Setup::new(&args.output.pipeline)?;
    let ledger = setup.ledger_to_read().await?;
    datasets::check(&setup.pipeline, &ledger, args.dataset.as_deref()).await?;
    let mut totals = ledger.reject_totals(args.dataset.as_deref()).await?;
    totals.retain(|total| total.outcome == RuleOutcome::Rejected);
    match args.output.output {
        Format::Json => show::json(&totals.iter().map(total_json).collect::<Vec<_>>())?,
        Format::Table if totals.is_empty() => show::note("no rejected rows"),
        Format::Table => {
            let headers = ["dataset", "#rows", "#files", "rule", "example"];
            show::table(&headers, totals.iter().map(total_row).collect());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn total_row(total: &RejectTotal) -> Vec<String> {
    vec![
        total.dataset.clone(),
        show::number(total.rows),
        show::number(total.files),
        show::brief(&total.rule, WIDEST),
        show::brief(&total.example, WIDEST),
    ]
}

fn total_json(total: &RejectTotal) -> serde_json::Value {
    json!({
        "dataset": total.dataset,
        "rule": total.rule,
        "rows": total.rows,
        "files": total.files,
        "example": total.example,
    })
}

async fn show_file(args: &RejectShowArgs) -> anyhow::Result<ExitCode> {
    let setup = Setup::new(&args.output.pipeline)?;
    let (bucket, key) = locate(&args.object, &setup.pipeline.lake.raw)?;
    let ledger = setup.ledger_to_read().await?;
    datasets::check(&setup.pipeline, &ledger, args.dataset.as_deref()).await?;
    let trace = ledger.trace(bucket, key).await?;
    if trace.versions.is_empty() {
        show::note(format!("nothing is known of s3://{bucket}/{key}; was it published?"));
        return Ok(ExitCode::from(FAILED));
    }
    let is_meant = |run: &&Run| args.dataset.as_ref().is_none_or(|dataset| run.dataset == *dataset);
    let newest = trace.versions.iter().rev().map(|version| &version.run).filter(is_meant);
    let with_rejects = newest.filter_map(|run| run.rejects_key.as_deref()).next();
    let rejects = match with_rejects {
        Some(key) => {
            let is_meant =
                |reject: &Reject| args.rule.as_ref().is_none_or(|rule| is_of(reject, rule));
            read(&setup.pipeline.lake.curated, key, args.limit, is_meant).await?
        }
        None => Vec::new(),
    };
    match args.output.output {
        Format::Json => show::json(&rejects)?,
        Format::Table if rejects.is_empty() => show::note("no rejected rows"),
        Format::Table => {
            let headers = ["#line", "column", "rule", "what is wrong", "row"];
            show::table(&headers, rejects.iter().map(reject_row).collect());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether a reject is of a rule, with or without its column as `list` has it.
fn is_of(reject: &Reject, rule: &str) -> bool {
    let column = reject.column.as_deref().unwrap_or_default();
    reject.rule == rule || format!("{column}: {}", reject.rule) == rule
}

pub(super) fn reject_row(reject: &Reject) -> Vec<String> {
    vec![
        show::number(reject.line),
        reject.column.clone().unwrap_or_default(),
        show::brief(&reject.rule, WIDEST / 2),
        show::brief(&reject.message, WIDEST),
        show::brief(&reject.raw, WIDEST),
    ]
}

/// The first rejects of a file. Their object is a key of the lake, or of a refused
/// file a URL.
pub(super) async fn read(
    lake: &str,
    key: &str,
    limit: usize,
    is_meant: impl Fn(&Reject) -> bool,
) -> anyhow::Result<Vec<Reject>> {
    let (bucket, key) = locate(key, lake)?;
    let storage = Arc::new(S3Storage::new(&setup::signed_in().await?));
    let mut reader = RejectReader::open(storage, ObjectRef::latest(bucket, key)).await?;
    let mut rejects = Vec::new();
    while rejects.len() < limit
        && let Some(reject) = reader.next().await?
    {
        if is_meant(&reject) {
            rejects.push(reject);
        }
    }
    Ok(rejects)
}
