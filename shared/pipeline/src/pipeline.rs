//! The pipeline: what the file says, every default filled in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use millrace_contract::{Dataset, Derived, Export, Report, StageName, Stream, View};
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use crate::alerts::{Alerts, Events};
use crate::catalog::CatalogSettings;
use crate::file;
use crate::freshness::Freshness;
use crate::glob::Glob;
use crate::maintain::Maintenance;
use crate::problem::{Finding, Problem, Problems};
use crate::stage::{StageSettings, Stages};
use crate::url::UrlSource;

/// A pipeline, validated: whatever could be wrong with the file alone is not.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// Name: prefix of every queue and service.
    pub name: String,
    /// The database that datasets are loaded into; `env:DATABASE_URL` unless the
    /// file says otherwise.
    pub warehouse: UrlSource,
    /// The database that keeps account of files, where it is not the warehouse.
    pub ledger: Option<UrlSource>,
    /// The buckets.
    pub lake: Lake,
    /// Datasets in file order, the derived ones behind those that files belong to.
    pub datasets: Vec<Dataset>,
    /// When datasets are derived, each behind those it is made of.
    pub derived: Vec<Derived>,
    /// Views of the warehouse, each behind those it depends on.
    pub views: Vec<View>,
    /// Exports in file order.
    pub exports: Vec<Export>,
    /// Reports in file order.
    pub reports: Vec<Report>,
    /// Upkeep.
    pub maintain: Maintenance,
    /// Where datasets are registered as tables, if anywhere.
    pub catalog: Option<CatalogSettings>,
    /// Streams in file order.
    pub streams: Vec<Stream>,
    /// Settings of every stage.
    pub settings: Stages,
    /// Who is told what goes wrong, if anybody.
    pub alerts: Option<Alerts>,
    /// Where it is said that files are loaded, rejected or failed, if anywhere.
    pub events: Option<Events>,
    /// By when datasets are to have new files, of those that say so, in file order.
    pub freshness: Vec<Freshness>,
    /// Databases of exports that are not of the warehouse, by the export's name.
    pub(crate) export_urls: BTreeMap<String, UrlSource>,
    /// The patterns of the datasets that files belong to, in the same order.
    pub(crate) globs: Vec<Glob>,
    /// The file, to find a key's line again; it may hold a password.
    pub(crate) text: SecretString,
}

/// The buckets of a pipeline; never the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lake {
    /// Files are published here.
    pub raw: String,
    /// Parquet under `<dataset>/`, rejects under `_rejects/`.
    pub curated: String,
}

/// A pipeline file that cannot be used.
#[derive(Debug, Error)]
pub enum LoadError {
    /// It cannot be read.
    #[error("cannot read `{path}`: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is wrong.
    #[error(transparent)]
    Invalid(#[from] Problems),
}

impl Pipeline {
    /// The name a pipeline file has where none is given.
    pub const FILE_NAME: &str = "millrace.toml";

    /// Reads a pipeline file's text.
    ///
    /// # Errors
    /// [`Problems`]: everything that is wrong with it, each with its line.
    pub fn parse(text: &str) -> Result<Self, Problems> {
        Self::parse_as(text, Self::FILE_NAME)
    }

    /// Reads a pipeline file.
    ///
    /// # Errors
    /// [`LoadError`] if it cannot be read or is wrong.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let read = |source| LoadError::Read { path: path.to_owned(), source };
        let text = std::fs::read_to_string(path).map_err(read)?;
        Ok(Self::parse_as(&text, &path.display().to_string())?)
    }

    fn parse_as(text: &str, file: &str) -> Result<Self, Problems> {
        file::read(text).map_err(|problems| Problems { file: file.to_owned(), problems })
    }

    /// A dataset by name.
    pub fn dataset(&self, name: &str) -> Option<&Dataset> {
        self.datasets.iter().find(|dataset| dataset.name == name)
    }

    /// An export by name.
    pub fn export(&self, name: &str) -> Option<&Export> {
        self.exports.iter().find(|export| export.name == name)
    }

    /// When a dataset is derived, if it is, by its name.
    pub fn derived(&self, name: &str) -> Option<&Derived> {
        self.derived.iter().find(|derived| derived.name == name)
    }

    /// A report by name.
    pub fn report(&self, name: &str) -> Option<&Report> {
        self.reports.iter().find(|report| report.name == name)
    }

    /// Where the database of an export is, if it is not the warehouse.
    pub fn export_url(&self, name: &str) -> Option<&UrlSource> {
        self.export_urls.get(name)
    }

    /// The stages that the pipeline has a use for: those of a file's journey, and
    /// those that something in the file asks for.
    pub fn stages(&self) -> Vec<StageName> {
        let asked_for = [
            (StageName::Export, !self.exports.is_empty()),
            (StageName::Derive, !self.derived.is_empty()),
            (StageName::Report, !self.reports.is_empty()),
            (StageName::Maintain, self.maintain != Maintenance::default()),
            (StageName::Collect, !self.streams.is_empty()),
            (StageName::Catalog, self.catalog.is_some()),
        ];
        let asked_for = asked_for.into_iter().filter(|(_, asked)| *asked);
        StageName::JOURNEY.into_iter().chain(asked_for.map(|(stage, _)| stage)).collect()
    }

    /// What the keys of published files begin with: as few beginnings as cover every
    /// dataset's, in order, none of which another begins with.
    pub fn raw_prefixes(&self) -> Vec<&str> {
        let mut all: Vec<&str> = self.globs.iter().map(Glob::literal_prefix).collect();
        all.sort_unstable();
        let mut fewest: Vec<&str> = Vec::with_capacity(all.len());
        for prefix in all {
            if !fewest.last().is_some_and(|shorter| prefix.starts_with(shorter)) {
                fewest.push(prefix);
            }
        }
        fewest
    }

    /// The settings of a stage.
    pub fn stage(&self, stage: StageName) -> &StageSettings {
        self.settings.get(stage)
    }

    /// The queue a stage drains.
    pub fn queue_name(&self, stage: StageName) -> String {
        format!("{}-{stage}", self.name)
    }

    /// The queue that takes what a stage cannot handle.
    pub fn dead_letter_queue_name(&self, stage: StageName) -> String {
        format!("{}-{stage}-dlq", self.name)
    }

    /// The topic of ours that alerts are published to, unless the file names one.
    pub fn topic_name(&self) -> String {
        format!("{}-alerts", self.name)
    }

    /// Folder of the lake for what workers agree by. It is never a dataset's, whose
    /// names do not begin with `_`.
    pub fn markers_prefix(&self) -> String {
        format!("_millrace/{}/", self.name)
    }

    /// A problem that another crate found with the value of `key`, placed at its
    /// line: `datasets.expenses.expect[0].rule`, say. A key that is not in the
    /// file leads to the nearest table around it.
    pub fn problem(&self, key: &str, message: &str, hint: Option<&str>) -> Problem {
        let text = self.text.expose_secret();
        let finding = Finding {
            key: key.to_owned(),
            message: message.to_owned(),
            hint: hint.map(str::to_owned),
        };
        Problem::at(text, file::locate(text, key), finding)
    }
}
