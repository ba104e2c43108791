//! The household book: two years of CSV files become two tables.

use anyhow::Context;

use super::scene::Scene;
use super::{report, samples, step};

/// What to try next.
pub(super) const NEXT_STEPS: [&str; 3] =
    ["runs", "trace raw/Expenses/2024/2024-09-scan.csv", "dev"];

/// Publishes the samples, waits for the end, and reports.
pub(super) async fn play(scene: &Scene<'_>) -> anyhow::Result<()> {
    let written = samples::write_samples(&scene.samples()).context("sample files")?;
    let special = written.files.iter().filter(|file| file.note != samples::IN_ORDER);
    let notes: Vec<_> = special.map(|file| format!("{}: {}", file.key, file.note)).collect();
    let files = scene.publish(&notes).await?;
    step("ingest → transform → load");
    scene.drain(files).await?;
    let warehouse = scene.setup.warehouse(2).await?;
    report::print(scene.stack, &scene.setup.pipeline, &scene.ledger, &warehouse).await?;
    scene.report("spending").await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::ExampleName;

    #[test]
    fn every_sample_belongs_to_a_dataset() {
        let folder = tempfile::tempdir().expect("a folder");
        let written = samples::write_samples(folder.path()).expect("samples");
        let pipeline = millrace_pipeline::Pipeline::parse(ExampleName::Finance.pipeline());
        let pipeline = pipeline.expect("a valid example");
        for file in written.files {
            let route = pipeline.route("finance-raw", &file.key).map(|route| route.captures);
            assert!(route.is_some(), "{}", file.key);
        }
    }

    #[test]
    fn the_file_to_trace_is_the_broken_one() {
        assert_eq!(NEXT_STEPS[1], format!("trace {}", samples::BROKEN_KEY));
    }
}
