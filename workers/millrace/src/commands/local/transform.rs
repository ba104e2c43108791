//! `millrace transform`: the transform stage on a local file.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use millrace_contract::RowBalance;
use millrace_format::{RejectGroup, Report};
use millrace_transform::{LocalOutcome, LocalTransform, TransformError};
use serde_json::{Value, json};

use super::reading::{self, Reading};
use crate::args::{Format, TransformArgs};
use crate::exit::FAILED;
use crate::show::{self, Style};

/// Reasons for rejects that are shown; the rejects file has all.
const MOST_GROUPS: usize = 10;

pub(in crate::commands) fn run(args: &TransformArgs) -> anyhow::Result<ExitCode> {
    let clock = Instant::now();
    let mut reading = Reading::find(&args.file)?;
    if let Some(compression) = args.compression {
        reading.dataset.parquet.compression = compression;
    }
    let file = reading::open(&reading.path)?;
    let bar = bar(file.metadata()?.len());
    let work = LocalTransform {
        dataset: &reading.dataset,
        columns: reading.columns.clone(),
        captures: reading.captures.clone(),
        name: reading.name(),
        source: reading.path.display().to_string(),
        tables: reading.tables.clone(),
        modified: reading.path.metadata().and_then(|file| file.modified()).ok(),
        threads: args.threads,
        sample_rows: None,
    };
    let outcome = work.run(bar.wrap_read(file), &args.out);
    bar.finish_and_clear();
    match outcome {
        Ok(outcome) => {
            let done = Done { reading: &reading, outcome: &outcome, took: clock.elapsed() };
            match args.output {
                Format::Json => show::json(&done.json())?,
                Format::Table => done.print(),
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(TransformError::Refused { error, rejects }) => {
            if args.output == Format::Json {
                show::json(&json!({
                    "file": reading.path,
                    "error": error.to_string(),
                    "rejects": rejects,
                }))?;
            }
            show::note(format!("{} {error}", show::styled("refused:", Style::Bad)));
            if let Some(rejects) = rejects {
                show::note(format!("the rejected rows are in {rejects}"));
            }
            Ok(ExitCode::from(FAILED))
        }
        Err(error) => Err(error.into()),
    }
}

/// A bar over the file's bytes; on a terminal only.
fn bar(bytes: u64) -> ProgressBar {
    let style = "  {bar:30} {bytes}/{total_bytes} {bytes_per_sec} eta {eta}";
    // The template is fixed; should it ever be wrong, the default bar does.
    let style =
        ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(bytes).with_style(style)
}

/// A transformed file, to be shown.
struct Done<'a> {
    reading: &'a Reading,
    outcome: &'a LocalOutcome,
    took: Duration,
}

impl Done<'_> {
    fn json(&self) -> Value {
        let LocalOutcome { report, outputs, rejects, unchecked } = self.outcome;
        let outputs = outputs.iter().zip(&report.outputs).map(
            |(path, output)| json!({ "path": path, "rows": output.rows, "bytes": output.bytes }),
        );
        json!({
            "file": self.reading.path,
            "dataset": self.reading.dataset.name,
            "format": self.reading.dataset.format,
            "columns": columns_json(self.reading),
            "rows": balance_json(&report.balance),
            "outputs": outputs.collect::<Vec<_>>(),
            "rejects": rejects,
            "reject_reasons": report.reject_groups.iter().map(group_json).collect::<Vec<_>>(),
            "warnings": report.warnings.iter()
                .map(|warning| json!({ "rule": warning.rule, "rows": warning.count }))
                .collect::<Vec<_>>(),
            "unchecked_rules": unchecked,
            "source_bytes": report.source_bytes,
            "decompressed_bytes": report.decompressed_bytes,
            "seconds": self.took.as_secs_f64(),
            "peak_memory_bytes": peak_memory(),
        })
    }

    fn print(&self) {
        let LocalOutcome { report, outputs, rejects, unchecked } = self.outcome;
        show::line(balance_line(&report.balance));
        for (path, output) in outputs.iter().zip(&report.outputs) {
            let facts =
                format!("{}, {}", show::count(output.rows, "row"), show::bytes(output.bytes));
            show::line(format!("  {}  {facts}", path.display()));
        }
        if let Some(rejects) = rejects {
            show::line(format!("  {}", rejects.display()));
        }
        print_reasons(report);
        for rule in unchecked {
            show::note(format!("not checked, since it looks at another dataset: `{rule}`"));
        }
        let megabytes = report.decompressed_bytes as f64 / 1e6;
        let seconds = self.took.as_secs_f64();
        let memory = peak_memory().map_or_else(|| "unknown".to_owned(), show::bytes);
        show::note(format!(
            "{seconds:.3} s, {:.0} MB/s, peak memory {memory}",
            megabytes / seconds.max(1e-9)
        ));
    }
}

/// Why rows were rejected or only warned about.
pub(super) fn print_reasons(report: &Report) {
    for group in report.reject_groups.iter().take(MOST_GROUPS) {
        let count = show::styled(format!("{} rejected", show::number(group.count)), Style::Bad);
        show::line(format!("  {count}: {}", group.example.message));
    }
    for warning in &report.warnings {
        let count = format!("{} warned", show::number(warning.count));
        show::line(format!("  {count}: `{}` does not hold", warning.rule));
    }
}

/// `344 rows read = 342 written + 2 rejected + 0 skipped`
pub(super) fn balance_line(balance: &RowBalance) -> String {
    let mut line = format!(
        "{} read = {} written + {} rejected + {} skipped",
        show::count(balance.read, "row"),
        show::number(balance.written),
        show::number(balance.rejected),
        show::number(balance.skipped_total()),
    );
    if !balance.skipped.is_empty() {
        let rules = balance.skipped.iter().map(|(rule, rows)| format!("{rule}: {rows}"));
        line += &format!(" ({})", rules.collect::<Vec<_>>().join(", "));
    }
    line
}

/// The stable JSON form of a balance.
pub(super) fn balance_json(balance: &RowBalance) -> Value {
    json!({
        "read": balance.read,
        "written": balance.written,
        "rejected": balance.rejected,
        "skipped": balance.skipped_total(),
        "skipped_by_rule": balance.skipped,
    })
}

/// The stable JSON form of the columns.
pub(super) fn columns_json(reading: &Reading) -> Vec<Value> {
    let column = |column: &millrace_contract::ColumnDef| {
        json!({
            "name": column.name,
            "type": column.data_type.to_string(),
            "required": column.required,
        })
    };
    reading.columns.iter().map(column).collect()
}

/// The stable JSON form of a reason for rejects.
pub(super) fn group_json(group: &RejectGroup) -> Value {
    json!({
        "cause": group.cause,
        "rule": group.rule,
        "column": group.column,
        "rows": group.count,
        "example": group.example,
    })
}

/// The most memory the process ever had resident in bytes, where the system
/// says it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kibibytes: u64 = line.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024)
}
