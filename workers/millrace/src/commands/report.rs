//! `millrace report`: makes a report on this machine, or lists them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;

use anyhow::{Context, bail};
use chrono::{SubsecRound, Utc};
use millrace_contract::{Report, ReportSource, ReportTask};
use millrace_ledger::{ReportFilter, ReportRun};
use millrace_pipeline::nearest;
use millrace_report::{Made, Moment, Source, local_time, make};
use millrace_runtime::Failed;
use millrace_storage::S3Storage;
use serde_json::{Value, json};

use crate::args::{Format, ReportArgs};
use crate::exit::Usage;
use crate::setup::{self, Setup, folder};
use crate::show;

pub(super) async fn run(args: &ReportArgs) -> anyhow::Result<ExitCode> {
    let setup = Setup::new(&args.output.pipeline)?;
    let Some(name) = &args.name else { return list(args, &setup).await };
    let report = setup.pipeline.report(name).ok_or_else(|| unknown(name, &setup))?;
    let source = source(&setup, report).await?;
    let task = ReportTask {
        report: report.name.clone(),
        scheduled_at: args.at.unwrap_or_else(|| Utc::now().trunc_subsecs(0)),
        parameters: args.parameters.iter().cloned().collect(),
    };
    let made = made(&setup, report, &source, &task).await?;
    let out = folder(args.out.as_deref().unwrap_or(Path::new(&report.name)))?;
    let page = write(&out, &made)?;
    say(args, &out, &page, &made)?;
    if args.open {
        open(&page);
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes a report of now, without parameters, into a folder; answers where its page
/// is.
pub(crate) async fn make_now(
    setup: &Setup,
    report: &Report,
    source: &Source,
    out: &Path,
) -> anyhow::Result<PathBuf> {
    let (report_name, scheduled_at) = (report.name.clone(), Utc::now().trunc_subsecs(0));
    let task = ReportTask { report: report_name, scheduled_at, parameters: BTreeMap::new() };
    write(&folder(out)?, &made(setup, report, source, &task).await?)
}

fn unknown(name: &str, setup: &Setup) -> Usage {
    let names: Vec<&str> =
        setup.pipeline.reports.iter().map(|report| report.name.as_str()).collect();
    Usage(match (nearest(name, &names), names.as_slice()) {
        (Some(meant), _) => format!("there is no report `{name}`; did you mean `{meant}`?"),
        (None, []) => format!("there is no report `{name}`; this pipeline has none"),
        (None, names) => format!("there is no report `{name}`; there are {}", names.join(", ")),
    })
}

/// What the report reads; the other need not be there.
async fn source(setup: &Setup, report: &Report) -> anyhow::Result<Source> {
    match report.source {
        ReportSource::Warehouse => Ok(Source::Warehouse(setup.warehouse_to_read().await?)),
        ReportSource::Lake => {
            let ledger = setup.ledger_to_read().await?;
            let storage = Arc::new(S3Storage::new(&setup::signed_in().await?));
            Ok(setup.lake_source(ledger, storage))
        }
    }
}

async fn made(
    setup: &Setup,
    report: &Report,
    source: &Source,
    task: &ReportTask,
) -> anyhow::Result<Made> {
    let run = task.run_id();
    let made = async {
        let local = local_time(report, task.scheduled_at)?;
        let values = report.values(run.as_str(), task.scheduled_at, local, &task.parameters);
        let moment = Moment {
            pipeline: &setup.pipeline.name,
            local,
            values: &values,
            given: &task.parameters,
            now: Utc::now(),
        };
        make(report, source, &moment).await
    };
    match made.await {
        Ok(made) => Ok(made),
        Err(Failed::Verdict(failure)) => bail!("report `{}`: {}", report.name, failure.message),
        Err(Failed::Lost) => bail!("report `{}` was not finished", report.name),
    }
}

/// Writes the files; answers where the page is.
fn write(out: &Path, made: &Made) -> anyhow::Result<PathBuf> {
    let mut page = out.to_owned();
    for file in &made.files {
        page = out.join(&file.name);
        std::fs::write(&page, &file.text)
            .with_context(|| format!("`{}` can't be written", page.display()))?;
    }
    Ok(page)
}

fn say(args: &ReportArgs, out: &Path, page: &Path, made: &Made) -> anyhow::Result<()> {
    match args.output.output {
        Format::Json => show::json(&json!({
            "page": page,
            "folder": out,
            "files": made.files.iter().map(|file| &file.name).collect::<Vec<_>>(),
            "rows": made.rows,
            "figures": made.figures,
        })),
        Format::Table => {
            for figure in &made.figures {
                let change = figure.change.as_ref().map(|change| format!(" ({change})"));
                let change = change.unwrap_or_default();
                show::note(format!("{}: {}{change}", figure.title, figure.value));
            }
            show::line(page.display());
            Ok(())
        }
    }
}

/// Opens a file as the desktop does. Where there is none, the path is there to be
/// opened by hand.
fn open(page: &Path) {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let quiet = || Stdio::null();
    let begun =
        Command::new(program).arg(page).stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn();
    if let Err(error) = begun {
        show::note(format!("`{program}` can't be started ({error}); open the page by hand"));
    }
}

/// The reports of the file, each with its newest run.
async fn list(args: &ReportArgs, setup: &Setup) -> anyhow::Result<ExitCode> {
    let ledger = setup.ledger_to_read().await?;
    let mut all = Vec::with_capacity(setup.pipeline.reports.len());
    for report in &setup.pipeline.reports {
        let filter = ReportFilter { report: Some(report.name.clone()), limit: Some(1) };
        all.push((report, ledger.report_runs(&filter).await?.into_iter().next()));
    }
    match args.output.output {
        Format::Json => show::json(&all.iter().map(listed).collect::<Vec<_>>())?,
        Format::Table if all.is_empty() => show::note("the pipeline file has no reports"),
        Format::Table => {
            let headers = ["report", "title", "#charts", "schedule", "last", "page"];
            show::table(&headers, all.iter().map(row).collect());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn row((report, last): &(&Report, Option<ReportRun>)) -> Vec<String> {
    let standing =
        |run: &ReportRun| format!("{} {}", run.scheduled_at.format("%Y-%m-%d %H:%M"), run.state);
    // Where it lies, or why it does not.
    let outcome = |run: &ReportRun| run.reason.clone().or_else(|| run.page.clone());
    let schedule = report.schedule.as_ref();
    vec![
        report.name.clone(),
        show::brief(&report.title, 40),
        show::number(report.charts.len() as u64),
        schedule.map(|schedule| schedule.expression.clone()).unwrap_or_default(),
        last.as_ref().map(standing).unwrap_or_default(),
        show::brief(&last.as_ref().and_then(outcome).unwrap_or_default(), 100),
    ]
}

fn listed((report, last): &(&Report, Option<ReportRun>)) -> Value {
    json!({
        "report": report.name,
        "title": report.title,
        "charts": report.charts.len(),
        "schedule": report.schedule.as_ref().map(|schedule| &schedule.expression),
        "timezone": report.timezone,
        "last": last.as_ref().map(as_json),
    })
}

/// A run's stable JSON form, shared with `schedule`.
pub(super) fn as_json(run: &ReportRun) -> Value {
    json!({
        "run": run.run,
        "report": run.report,
        "scheduled_at": run.scheduled_at,
        "parameters": run.parameters,
        "trace_id": run.trace_id,
        "state": run.state.as_str(),
        "attempts": run.fence,
        "charts": run.charts,
        "rows": run.rows,
        "bytes": run.bytes,
        "page": run.page,
        "figures": run.figures,
        "told_at": run.told_at,
        "reason": run.reason,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "duration_ms": run.duration.map(|duration| duration.as_millis() as u64),
    })
}
