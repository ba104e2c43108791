//! `millrace infer`: a file's columns as a block for the pipeline file.

use std::process::ExitCode;

use millrace_contract::{Dataset, Schema, SchemaMode};
use millrace_format::Inferred;
use serde_json::json;

use super::reading;
use crate::args::{Format, InferArgs};
use crate::show;

pub(in crate::commands) fn run(args: &InferArgs) -> anyhow::Result<ExitCode> {
    let name = args.name.clone().unwrap_or_else(|| reading::dataset_name(&args.file));
    let dataset = reading::sniffed_dataset(&args.file, &name, &args.reading)?;
    let inferred = reading::infer(&args.file, &dataset)?;
    match args.output {
        Format::Json => show::json(&json!({
            "file": args.file,
            "format": dataset.format,
            "csv": dataset.csv,
            "rows_sampled": inferred.rows_sampled,
            "columns": inferred.columns,
            "notes": inferred.notes,
        }))?,
        Format::Table => {
            let Inferred { columns, notes, .. } = inferred;
            let mode = SchemaMode::Strict;
            let schema = Schema { mode, columns, ..dataset.schema };
            let reviewed = Dataset { schema, ..dataset };
            show::line(millrace_pipeline::render_dataset(&reviewed, &notes).trim_end());
        }
    }
    Ok(ExitCode::SUCCESS)
}
