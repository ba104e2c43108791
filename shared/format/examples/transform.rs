//! Transforms a local file and says how fast, in how much memory, and what came
//! of it: `cargo run --release -p millrace-format --example transform -- FILE
//! FOLDER [THREADS]`.
//!
//! The columns are inferred from the first 4 MiB. `COMPRESSION` (zstd, snappy,
//! uncompressed), `PARTITION_BY` (comma-separated) and `NULLS` (comma-separated)
//! come from the environment.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fs::{File, read_to_string};
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Instant;

use millrace_contract::{
    CsvOptions, Dataset, FileFormat, ParquetCompression, ParquetOptions, Schema,
};
use millrace_format::{FolderSink, Plan, infer, transform};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("name a file")?;
    let folder = arguments.next().ok_or("name a folder")?;
    let threads = arguments.next().map_or(Ok(2), |threads| threads.parse())?;
    let dataset = dataset(&path)?;
    let mut plan = Plan::of(&dataset);
    plan.threads = NonZeroUsize::new(threads).ok_or("at least one thread")?;
    let inferred = infer(File::open(&path)?, &dataset)?;
    plan.columns = inferred.columns;

    let start = Instant::now();
    let report = transform(File::open(&path)?, &plan, &mut FolderSink::new(&folder))?;
    let seconds = start.elapsed().as_secs_f64();
    let megabytes = report.decompressed_bytes as f64 / 1e6;
    println!(
        "{:.3} s, {:.0} MB/s, {} rows, {} rejected, {} files, {} bytes, peak RSS {}",
        seconds,
        megabytes / seconds,
        report.balance.written,
        report.balance.rejected,
        report.outputs.len(),
        report.outputs.iter().map(|output| output.bytes).sum::<u64>(),
        peak_memory().unwrap_or_else(|| "unknown".into()),
    );
    for group in report.reject_groups.iter().take(5) {
        println!("{} × {}", group.count, group.example.message);
    }
    Ok(())
}

fn dataset(path: &str) -> Result<Dataset, Box<dyn Error>> {
    let variable = |name| std::env::var(name).unwrap_or_default();
    let list = |name| -> Vec<String> {
        variable(name).split(',').filter(|item| !item.is_empty()).map(str::to_owned).collect()
    };
    let compression = match variable("COMPRESSION").as_str() {
        "" => ParquetCompression::default(),
        text => text.parse()?,
    };
    let mut csv = CsvOptions::default();
    csv.null.extend(list("NULLS"));
    Ok(Dataset {
        name: "file".into(),
        pattern: path.into(),
        description: None,
        format: format_of(path),
        json: Default::default(),
        fixed: Default::default(),
        filter: None,
        shared: false,
        xlsx: Default::default(),
        csv,
        schema: Schema { sample_bytes: 4 << 20, ..Schema::default() },
        expect: Vec::new(),
        rejects: Default::default(),
        transform: None,
        parquet: ParquetOptions {
            compression,
            partition_by: list("PARTITION_BY"),
            ..ParquetOptions::default()
        },
        limits: Default::default(),
        load: None,
    })
}

fn format_of(path: &str) -> FileFormat {
    let name = path.trim_end_matches(".gz");
    match Path::new(name).extension().and_then(|extension| extension.to_str()) {
        Some("tsv") => FileFormat::Tsv,
        Some("parquet") => FileFormat::Parquet,
        Some("xlsx") => FileFormat::Xlsx,
        Some("json") => FileFormat::Json,
        Some("ndjson" | "jsonl") => FileFormat::Ndjson,
        _ => FileFormat::Csv,
    }
}

/// The most memory the process ever had resident, as Linux counts it.
fn peak_memory() -> Option<String> {
    let status = read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.trim_start_matches("VmHWM:").trim().to_owned())
}
