//! `millrace demo`: the main job in one go. A local stack, sample files, what
//! became of them, and what to try next.

mod progress;
mod report;
mod samples;
pub(crate) mod superhero;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use millrace_contract::Captures;
use millrace_ledger::Ledger;
use millrace_localaws::FaultPlan;
use millrace_storage::S3Storage;

use crate::args::{DemoArgs, PipelineArgs};
use crate::commands::publish::{find, upload_all};
use crate::dev::{Stack, StackConfig};
use crate::setup::{Setup, folder};
use crate::show::{self, Style};

/// The example, built in so that the demo runs from anywhere.
const PIPELINE: &str = include_str!("../../../../examples/finance/millrace.toml");

/// Says that a folder is a demo's, so that it may be removed.
const MARKER: &str = ".millrace-demo";

/// Runs the demo.
pub(crate) async fn run(args: &DemoArgs) -> anyhow::Result<ExitCode> {
    let data = clean_folder(&args.data)?;
    let file = data.join("millrace.toml");
    // The warehouse of a demo is its own, whatever the environment says.
    let text = PIPELINE.replace("env:DATABASE_URL", "env:MILLRACE_DEMO_DATABASE_URL");
    std::fs::write(&file, text).with_context(|| format!("`{}`", file.display()))?;
    let setup = Setup::new(&PipelineArgs { pipeline: file.clone(), data: Some(data.clone()) })?;
    step("starting the embedded AWS and one worker per stage");
    let stack = Stack::start(&StackConfig {
        file: &file,
        pipeline: &setup.pipeline,
        data: &data,
        port: 0,
        log_to_files: true,
        trail: None,
        faults: FaultPlan::default(),
    })
    .await?;
    let done = tokio::select! {
        done = play(&stack, &setup, &data) => done,
        () = millrace_runtime::shutdown::signal() => Err(anyhow::anyhow!("interrupted")),
    };
    stack.stop().await;
    done?;
    report::next_steps(&file, &data);
    Ok(ExitCode::SUCCESS)
}

/// Publishes the samples, waits for the end, and reports.
async fn play(stack: &Stack, setup: &Setup, data: &Path) -> anyhow::Result<()> {
    let raw = &setup.pipeline.lake.raw;
    let samples = data.join("samples");
    let written = samples::write_samples(&samples).context("sample files")?;
    let files = find(&setup.pipeline, &[samples], None, &Captures::new())?;
    step(&format!("publishing {} to s3://{raw}", show::count(files.len() as u64, "sample file")));
    for file in written.files.iter().filter(|file| file.note != samples::IN_ORDER) {
        show::note(show::styled(format_args!("  {}: {}", file.key, file.note), Style::Faint));
    }
    let (_, ledger) = setup.ledger(2).await?;
    let storage = Arc::new(S3Storage::new(stack.aws()));
    upload_all(storage, raw, &files).await?;
    step("ingest → transform → load");
    progress::follow(stack, &ledger, files.len() as u64).await?;
    let warehouse = setup.warehouse(2).await?;
    report::print(stack, &setup.pipeline, &ledger, &warehouse).await?;
    verify(&ledger, written.files.len() as u64).await
}

/// A demo that lost a file has failed, whatever it printed.
async fn verify(ledger: &Ledger, published: u64) -> anyhow::Result<()> {
    let counts = ledger.state_counts().await?;
    let ended: u64 =
        counts.iter().filter(|count| count.state.is_final()).map(|count| count.files).sum();
    if ended != published {
        bail!("{published} files were published, but {ended} came to an end; see the logs");
    }
    Ok(())
}

fn step(text: &str) {
    show::note(format!("{} {text}", show::styled("▸", Style::Good)));
}

/// The demo's folder, empty. One that is not a demo's is never removed.
fn clean_folder(path: &Path) -> anyhow::Result<std::path::PathBuf> {
    let marker = path.join(MARKER);
    if marker.exists() {
        std::fs::remove_dir_all(path)
            .with_context(|| format!("`{}` can't be removed", path.display()))?;
    } else if path.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        bail!("`{}` holds something other than a demo; choose another `--data`", path.display());
    }
    let path = folder(path)?;
    std::fs::write(path.join(MARKER), "This folder is removed by the next `millrace demo`.\n")
        .with_context(|| format!("`{}` can't be written to", path.display()))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_a_demo_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("mine"), "").expect("a file");
        let error = clean_folder(folder.path()).expect_err("refused");
        assert!(error.to_string().contains("something other than a demo"), "{error}");
        assert!(folder.path().join("mine").exists());
    }

    #[test]
    fn a_demo_starts_over_in_its_own_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let demo = folder.path().join("demo");
        clean_folder(&demo).expect("made");
        std::fs::write(demo.join("old"), "").expect("a file");
        clean_folder(&demo).expect("made again");
        assert!(!demo.join("old").exists());
    }

    #[test]
    fn every_sample_belongs_to_a_dataset() {
        let folder = tempfile::tempdir().expect("a folder");
        let written = samples::write_samples(folder.path()).expect("samples");
        let pipeline = millrace_pipeline::Pipeline::parse(PIPELINE).expect("a valid example");
        for file in written.files {
            let route = pipeline.route("finance-raw", &file.key).map(|route| route.captures);
            assert!(route.is_some(), "{}", file.key);
        }
    }
}
