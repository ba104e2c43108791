//! `millrace demo`: an example in one go. A local stack, sample data, what became
//! of it, and what to try next.

mod finance;
mod lake;
mod preparation;
mod progress;
mod report;
mod samples;
mod scene;
pub(crate) mod superhero;
mod workbook;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use millrace_localaws::FaultPlan;

use crate::args::{DemoArgs, ExampleName, PipelineArgs};
use crate::dev::{Stack, StackConfig};
use crate::setup::{Setup, folder};
use crate::show::{self, Style};
use scene::Scene;

/// Says that a folder is a demo's, so that it may be removed.
const MARKER: &str = ".millrace-demo";

impl ExampleName {
    /// Its pipeline file, built in so that the demo runs from anywhere.
    fn pipeline(self) -> &'static str {
        match self {
            Self::Finance => include_str!("../../../../examples/finance/millrace.toml"),
            Self::Preparation => include_str!("../../../../examples/preparation/millrace.toml"),
            Self::Lake => lake::PIPELINE,
            Self::Superhero => include_str!("../../../../examples/superhero/millrace.toml"),
        }
    }

    /// Makes what has to be there before the workers start; answers the pipeline file
    /// that goes with it.
    async fn prepare(self, data: &Path) -> anyhow::Result<String> {
        // The warehouse of a demo is its own, whatever the environment says.
        let text = self.pipeline().replace("env:DATABASE_URL", "env:MILLRACE_DEMO_DATABASE_URL");
        match self {
            Self::Finance | Self::Preparation | Self::Superhero => Ok(text),
            Self::Lake => lake::prepare(&text, data).await,
        }
    }

    async fn play(self, scene: &Scene<'_>) -> anyhow::Result<()> {
        match self {
            Self::Finance => finance::play(scene).await,
            Self::Preparation => preparation::play(scene).await,
            Self::Lake => lake::play(scene).await,
            Self::Superhero => superhero::play(scene).await,
        }
    }

    /// Commands that work once everything has stopped, without their options.
    fn next_steps(self) -> &'static [&'static str] {
        match self {
            Self::Finance => &finance::NEXT_STEPS,
            Self::Preparation => &preparation::NEXT_STEPS,
            Self::Lake => &lake::NEXT_STEPS,
            Self::Superhero => &superhero::NEXT_STEPS,
        }
    }
}

/// Runs the demo.
pub(crate) async fn run(args: &DemoArgs) -> anyhow::Result<ExitCode> {
    let data = clean_folder(&args.data)?;
    let file = data.join("millrace.toml");
    let text = args.example.prepare(&data).await?;
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
    let played = async {
        let scene = Scene::open(&stack, &setup, &data).await?;
        args.example.play(&scene).await
    };
    let done = tokio::select! {
        done = played => done,
        () = millrace_runtime::shutdown::signal() => Err(anyhow::anyhow!("interrupted")),
    };
    stack.stop().await;
    done?;
    report::next_steps(&file, &data, args.example.next_steps());
    Ok(ExitCode::SUCCESS)
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
    fn every_example_is_a_valid_pipeline() {
        for example in <ExampleName as clap::ValueEnum>::value_variants() {
            let pipeline = millrace_pipeline::Pipeline::parse(example.pipeline());
            pipeline.unwrap_or_else(|problems| panic!("{example:?}: {problems}"));
        }
    }
}
