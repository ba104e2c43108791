//! `millrace publish`: local files to the raw bucket, with a progress bar, and
//! on request followed to their end.

mod files;
mod follow;
mod upload;

use std::process::ExitCode;
use std::sync::Arc;

use millrace_contract::Captures;
use millrace_storage::S3Storage;
use serde_json::{Value, json};

pub(crate) use files::{LocalFile, find};
pub(crate) use upload::{Published, upload_all};

use crate::args::{Format, PublishArgs};
use crate::exit::DEAD_LETTERED;
use crate::setup::{self, Setup};
use crate::show;

pub(super) async fn run(args: &PublishArgs) -> anyhow::Result<ExitCode> {
    let setup = Setup::new(&args.output.pipeline)?;
    let captures: Captures = args.captures.iter().cloned().collect();
    let files = find(&setup.pipeline, &args.paths, args.dataset.as_deref(), &captures)?;
    let raw = &setup.pipeline.lake.raw;
    if args.dry_run {
        print(args.output.output, raw, &files, |_| json!("dry run"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let storage = Arc::new(S3Storage::new(&setup::signed_in().await?));
    let published = upload_all(storage, raw, &files).await?;
    if !args.wait {
        print(args.output.output, raw, &files, |_| json!("published"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let ledger = setup.ledger_to_read().await?;
    let followed: Vec<_> = files
        .iter()
        .zip(&published)
        .flat_map(|(file, published)| file.datasets.iter().map(move |name| (published, &**name)))
        .collect();
    let ends = follow::follow(&ledger, raw, &followed, args.timeout).await?;
    print(args.output.output, raw, &files, |index| ends[index].as_json())?;
    let failed = ends.iter().any(follow::End::is_failure);
    Ok(if failed { ExitCode::from(DEAD_LETTERED) } else { ExitCode::SUCCESS })
}

/// A line per file and dataset, with what `end` says of it.
fn print(
    format: Format,
    raw: &str,
    files: &[LocalFile],
    end: impl Fn(usize) -> Value,
) -> anyhow::Result<()> {
    let url = |file: &LocalFile| format!("s3://{raw}/{}", file.key);
    let lines = files
        .iter()
        .flat_map(|file| file.datasets.iter().map(move |dataset| (file, dataset)))
        .enumerate();
    match format {
        Format::Json => {
            let lines = lines.map(|(index, (file, dataset))| {
                json!({
                    "path": file.path,
                    "dataset": dataset,
                    "url": url(file),
                    "bytes": file.size,
                    "result": end(index),
                })
            });
            show::json(&lines.collect::<Vec<_>>())
        }
        Format::Table => {
            let rows = lines.map(|(index, (file, dataset))| {
                let end = match end(index) {
                    Value::String(word) => word,
                    other => follow::describe(&other),
                };
                vec![url(file), dataset.clone(), show::bytes(file.size), end]
            });
            show::table(&["object", "dataset", "#size", "result"], rows.collect());
            Ok(())
        }
    }
}
