//! From arguments and environment to what a command works with: the pipeline,
//! its databases, the AWS side.

use std::path::{Path, PathBuf};

use anyhow::Context;
use aws_config::{BehaviorVersion, SdkConfig};
use millrace_ledger::{Database, Durability, Ledger};
use millrace_localaws::FaultPlan;
use millrace_pipeline::{LoadError, Pipeline, UrlSource};
use secrecy::{ExposeSecret, SecretString};

use crate::args::PipelineArgs;
use crate::exit::{BadPipeline, Usage};
use crate::show;

/// Connections of a command that only looks.
const LOOKING: u32 = 2;

/// A pipeline and where its databases are.
pub(crate) struct Setup {
    pub(crate) pipeline: Pipeline,
    data: Option<PathBuf>,
}

impl Setup {
    /// Reads the pipeline file.
    ///
    /// # Errors
    /// [`BadPipeline`] after printing everything that is wrong with it.
    pub(crate) fn new(args: &PipelineArgs) -> anyhow::Result<Self> {
        Ok(Self { pipeline: read_pipeline(&args.pipeline)?, data: args.data.clone() })
    }

    /// The warehouse's URL: as the pipeline file says, or else the SQLite file
    /// of the local stack in the data folder.
    pub(crate) fn warehouse_url(&self) -> anyhow::Result<SecretString> {
        self.resolve(&self.pipeline.warehouse, "warehouse.db")
    }

    /// The ledger's URL: as the pipeline file says; beside a SQLite warehouse a
    /// file of its own, since SQLite has one writer; else the warehouse.
    pub(crate) fn ledger_url(&self) -> anyhow::Result<SecretString> {
        if let Some(ledger) = &self.pipeline.ledger {
            return self.resolve(ledger, "warehouse.ledger.db");
        }
        let warehouse = self.warehouse_url()?;
        Ok(beside(warehouse.expose_secret()).map_or(warehouse, SecretString::from))
    }

    fn resolve(&self, source: &UrlSource, file: &str) -> anyhow::Result<SecretString> {
        match (source.resolve(), &self.data) {
            (Ok(url), _) => Ok(url),
            (Err(_), Some(data)) => {
                let path = std::path::absolute(data.join(file))?;
                Ok(format!("sqlite://{}", path.display()).into())
            }
            (Err(unset), None) => Err(Usage(format!(
                "{unset}; set it, or name the folder of a local stack with `--data`"
            ))
            .into()),
        }
    }

    /// Opens the ledger. In a SQLite file it does not wait for the disk: what
    /// decides is the warehouse's commit record, which does.
    pub(crate) async fn ledger(&self, connections: u32) -> anyhow::Result<(Database, Ledger)> {
        let url = self.ledger_url()?;
        let database = Database::connect_for(&url, connections, Durability::Process).await?;
        let ledger = Ledger::open(&database).await?;
        Ok((database, ledger))
    }

    /// Opens the ledger for looking.
    pub(crate) async fn ledger_to_read(&self) -> anyhow::Result<Ledger> {
        Ok(self.ledger(LOOKING).await?.1)
    }

    /// Connects to the warehouse for looking.
    pub(crate) async fn warehouse_to_read(&self) -> anyhow::Result<Database> {
        Ok(Database::connect(&self.warehouse_url()?, LOOKING).await?)
    }
}

/// Reads a pipeline file, or prints everything that is wrong with it.
pub(crate) fn read_pipeline(path: &Path) -> anyhow::Result<Pipeline> {
    match Pipeline::load(path) {
        Ok(pipeline) => Ok(pipeline),
        Err(LoadError::Invalid(problems)) => {
            show::note(&problems);
            Err(BadPipeline { count: problems.problems.len() }.into())
        }
        Err(error @ LoadError::Read { .. }) => Err(Usage(format!(
            "{error}; name the pipeline file with `--pipeline` or MILLRACE_PIPELINE"
        ))
        .into()),
    }
}

/// Reads what shall go wrong in an embedded AWS.
pub(crate) fn read_faults(path: &Path) -> anyhow::Result<FaultPlan> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Usage(format!("`{}` can't be read: {error}", path.display())))?;
    let plan = toml::from_str(&text)
        .map_err(|error| Usage(format!("`{}` is no fault plan: {error}", path.display())))?;
    Ok(plan)
}

/// `sqlite://…/warehouse.db` → `sqlite://…/warehouse.ledger.db`; nothing for
/// other databases.
fn beside(url: &str) -> Option<String> {
    let path = url.strip_prefix("sqlite:")?;
    let (path, query) =
        path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let (stem, ending) = match path.rsplit_once('.') {
        Some((stem, ending)) if !ending.contains('/') => (stem, ending),
        _ => (path, "db"),
    };
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    Some(format!("sqlite:{stem}.ledger.{ending}{query}"))
}

/// The AWS side, found as every AWS tool finds it.
pub(crate) async fn aws() -> SdkConfig {
    aws_config::load_defaults(BehaviorVersion::latest()).await
}

/// Creates a folder with a clear word where that fails.
pub(crate) fn folder(path: &Path) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(path)
        .with_context(|| format!("folder `{}` can't be created", path.display()))?;
    std::path::absolute(path).map_err(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlite_ledger_lies_beside_its_warehouse() {
        let beside = |url| beside(url).expect("sqlite");
        assert_eq!(beside("sqlite:///a/b.db"), "sqlite:///a/b.ledger.db");
        assert_eq!(beside("sqlite:///a.d/b"), "sqlite:///a.d/b.ledger.db");
        assert_eq!(beside("sqlite:b.db?mode=rwc"), "sqlite:b.ledger.db?mode=rwc");
        assert_eq!(super::beside("postgres://h/d"), None);
    }
}
