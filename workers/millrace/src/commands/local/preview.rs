//! `millrace preview`: what would become of a local file.

use std::process::ExitCode;

use millrace_contract::Reject;
use millrace_transform::{FirstRows, LocalOutcome, LocalTransform, TransformError, first_rows};
use serde_json::{Map, Value, json};

use super::reading::{self, Reading};
use super::transform::{balance_json, balance_line, columns_json, group_json, print_reasons};
use crate::args::{Format, PreviewArgs};
use crate::exit::FAILED;
use crate::show::{self, Style};

/// Longest value and reject text that a table shows.
const WIDEST: usize = 60;

pub(in crate::commands) fn run(args: &PreviewArgs) -> anyhow::Result<ExitCode> {
    let reading = Reading::find(&args.file)?;
    let scratch = tempfile::Builder::new().prefix("millrace-preview").tempdir()?;
    let work = LocalTransform {
        dataset: &reading.dataset,
        columns: reading.columns.clone(),
        captures: reading.captures.clone(),
        name: reading.name(),
        source: reading.path.display().to_string(),
        tables: reading.tables.clone(),
        modified: reading.path.metadata().and_then(|file| file.modified()).ok(),
        threads: None,
        sample_rows: Some(args.within),
    };
    match work.run(reading::open(&reading.path)?, scratch.path()) {
        Ok(outcome) => {
            let rows = first_rows(&outcome, args.rows)?;
            let rejects = first_rejects(&outcome, args.rows)?;
            match args.output {
                Format::Json => show::json(&as_json(&reading, &outcome, &rows, &rejects))?,
                Format::Table => print(&reading, &outcome, &rows, &rejects),
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(TransformError::Refused { error, .. }) => {
            if args.output == Format::Json {
                show::json(&json!({ "file": reading.path, "error": error.to_string() }))?;
            }
            show::note(format!("{} {error}", show::styled("would be refused:", Style::Bad)));
            Ok(ExitCode::from(FAILED))
        }
        Err(error) => Err(error.into()),
    }
}

fn first_rejects(outcome: &LocalOutcome, most: usize) -> anyhow::Result<Vec<Reject>> {
    let Some(path) = &outcome.rejects else { return Ok(Vec::new()) };
    let text = std::fs::read_to_string(path)?;
    text.lines().take(most).map(|line| Ok(serde_json::from_str(line)?)).collect()
}

fn as_json(
    reading: &Reading,
    outcome: &LocalOutcome,
    first: &FirstRows,
    rejects: &[Reject],
) -> Value {
    let row = |row: &Vec<Value>| {
        let members = first.columns.iter().cloned().zip(row.iter().cloned());
        Value::Object(Map::from_iter(members))
    };
    let report = &outcome.report;
    json!({
        "file": reading.path,
        "format": reading.dataset.format,
        "columns": columns_json(reading),
        "notes": reading.inferred.as_ref().map(|inferred| &inferred.notes),
        "rows": balance_json(&report.balance),
        "first_rows": first.rows.iter().map(row).collect::<Vec<_>>(),
        "first_rejects": rejects,
        "reject_reasons": report.reject_groups.iter().map(group_json).collect::<Vec<_>>(),
    })
}

fn print(reading: &Reading, outcome: &LocalOutcome, first: &FirstRows, rejects: &[Reject]) {
    let column = |(at, column): (usize, &millrace_contract::ColumnDef)| {
        let inferred = reading.inferred.as_ref();
        let note = inferred.and_then(|inferred| inferred.notes.get(at));
        let about = note.and_then(|note| note.split_once(", ")).map(|(_, about)| about);
        vec![
            column.name.clone(),
            column.data_type.to_string(),
            about.unwrap_or_default().to_owned(),
        ]
    };
    show::table(
        &["column", "type", "seen"],
        reading.columns.iter().enumerate().map(column).collect(),
    );
    show::line("");
    let headers: Vec<&str> = first.columns.iter().map(String::as_str).collect();
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => show::brief(text, WIDEST),
        other => show::brief(&other.to_string(), WIDEST),
    };
    let rows = first.rows.iter().map(|row| row.iter().map(text).collect());
    show::table(&headers, rows.collect());
    show::line("");
    show::line(balance_line(&outcome.report.balance));
    print_reasons(&outcome.report);
    for reject in rejects {
        let raw = show::brief(&reject.raw, WIDEST);
        show::line(format!("  line {}: {raw}", reject.line));
    }
}
