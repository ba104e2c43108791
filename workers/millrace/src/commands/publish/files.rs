//! Which files are published, and under which keys.

use std::path::{Path, PathBuf};

use anyhow::Context;
use millrace_contract::Captures;
use millrace_pipeline::{KeyError, Pipeline};

use crate::datasets;
use crate::exit::Usage;

/// A local file with its place in the raw bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LocalFile {
    pub(crate) path: PathBuf,
    /// The datasets that take it, in the order of the pipeline file.
    pub(crate) datasets: Vec<String>,
    pub(crate) key: String,
    pub(crate) size: u64,
}

/// The files under `paths`, each with the key its dataset gives it.
pub(crate) fn find(
    pipeline: &Pipeline,
    paths: &[PathBuf],
    dataset: Option<&str>,
    captures: &Captures,
) -> anyhow::Result<Vec<LocalFile>> {
    let mut found = Vec::new();
    for path in paths {
        collect(path, &mut found)?;
    }
    found.into_iter().map(|path| place(pipeline, path, dataset, captures)).collect()
}

/// A file as it is, a folder with everything in it in the order of names.
fn collect(path: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let said = || format!("`{}` can't be read", path.display());
    if !path.metadata().with_context(said)?.is_dir() {
        found.push(path.to_owned());
        return Ok(());
    }
    let entries = path.read_dir().with_context(said)?;
    let mut entries = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .with_context(said)?;
    entries.sort();
    let hidden =
        |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    entries.iter().filter(|entry| !hidden(entry)).try_for_each(|entry| collect(entry, found))
}

fn place(
    pipeline: &Pipeline,
    path: PathBuf,
    dataset: Option<&str>,
    captures: &Captures,
) -> anyhow::Result<LocalFile> {
    let text = path.to_string_lossy().into_owned();
    let key = match dataset {
        Some(dataset) => {
            let dataset = &datasets::named(pipeline, dataset)?.name;
            pipeline.key_for(dataset, &text, captures).map_err(explain)?
        }
        None => choose(pipeline, &text, captures)?,
    };
    let routes = pipeline.routes(&pipeline.lake.raw, &key);
    let datasets = routes.iter().map(|route| route.dataset.name.clone()).collect();
    let size = path.metadata().with_context(|| format!("`{text}` can't be read"))?.len();
    Ok(LocalFile { path, datasets, key, size })
}

/// The only key that a dataset has for the file; datasets that share it have the
/// same.
fn choose(pipeline: &Pipeline, path: &str, captures: &Captures) -> anyhow::Result<String> {
    let keys = pipeline.datasets.iter().filter_map(|dataset| {
        Some((dataset.name.clone(), pipeline.key_for(&dataset.name, path, captures).ok()?))
    });
    let keys: Vec<_> = keys.collect();
    match keys.as_slice() {
        [(_, key), others @ ..] if others.iter().all(|(_, other)| other == key) => Ok(key.clone()),
        [] => {
            let patterns = pipeline.datasets.iter().filter(|dataset| !dataset.is_derived());
            let patterns =
                patterns.map(|dataset| format!("{} ({})", dataset.name, dataset.pattern));
            let patterns = patterns.collect::<Vec<_>>().join(", ");
            Err(Usage(format!(
                "`{path}` fits no dataset: {patterns}; name one with `--dataset`, and path parts \
                 with `--set NAME=VALUE`"
            ))
            .into())
        }
        _ => {
            let names: Vec<_> = keys.into_iter().map(|(dataset, _)| dataset).collect();
            let names = names.join(", ");
            Err(Usage(format!("`{path}` fits {names}; name one with `--dataset`")).into())
        }
    }
}

fn explain(error: KeyError) -> anyhow::Error {
    match error {
        KeyError::MissingCapture { ref capture, .. } => {
            Usage(format!("{error} (`--set {capture}=…`)")).into()
        }
        error => Usage(error.to_string()).into(),
    }
}
