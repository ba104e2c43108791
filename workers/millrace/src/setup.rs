//! From arguments and environment to what a command works with: the pipeline,
//! its databases, the AWS side.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::provider::ProvideCredentials;
use millrace_contract::{Export, ReportSource, StageName};
use millrace_glue::Glue;
use millrace_ledger::{Database, Durability, Ledger};
use millrace_localaws::FaultPlan;
use millrace_pipeline::{LoadError, Pipeline, UrlSource};
use millrace_registrar::{Registrar, Site};
use millrace_report::{Lake, Source};
use millrace_storage::S3Storage;

use crate::args::PipelineArgs;
use crate::exit::{BadPipeline, Usage};
use crate::place::Place;
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

    /// Where the warehouse is: as the pipeline file says, or else the SQLite
    /// file of the local stack in the data folder.
    fn warehouse_place(&self) -> Place {
        self.place(&self.pipeline.warehouse, "warehouse.db")
    }

    /// Where the ledger is: as the pipeline file says; beside a SQLite warehouse
    /// in a file of its own, since SQLite has one writer; else in the warehouse.
    fn ledger_place(&self) -> Place {
        match &self.pipeline.ledger {
            Some(ledger) => self.place(ledger, "warehouse.ledger.db"),
            None => Place { beside: true, ..self.warehouse_place() },
        }
    }

    fn place(&self, source: &UrlSource, file: &str) -> Place {
        let local = self.data.as_ref().map(|data| data.join(file));
        Place { source: source.clone(), local, beside: false }
    }

    /// Opens the ledger. In a SQLite file it does not wait for the disk: what
    /// decides is the warehouse's commit record, which does.
    pub(crate) async fn ledger(&self, connections: u32) -> anyhow::Result<(Database, Ledger)> {
        let place = self.ledger_place();
        let database = place.connect_for(connections, Durability::Process).await?;
        let ledger = Ledger::open(&database).await?;
        Ok((database, ledger))
    }

    /// Connects to the warehouse.
    pub(crate) async fn warehouse(&self, connections: u32) -> anyhow::Result<Database> {
        self.warehouse_place().connect_for(connections, Durability::Machine).await
    }

    /// Connects to the databases of the exports, by the exports' names: each has a
    /// connection for every part that is read at a time, beside those of the
    /// ledger. Exports of one database share its connections.
    pub(crate) async fn export_databases(&self) -> anyhow::Result<BTreeMap<String, Database>> {
        let settings = self.pipeline.stage(StageName::Export);
        let parts = |export: &Export| export.split.as_ref().map_or(1, |split| split.parts);
        let most = self.pipeline.exports.iter().map(parts).max().unwrap_or(1);
        let connections = settings.concurrency.saturating_mul(most);
        let mut databases: BTreeMap<String, Database> = BTreeMap::new();
        let mut warehouse = None;
        for export in &self.pipeline.exports {
            let database = match (self.pipeline.export_url(&export.name), &warehouse) {
                (Some(url), _) => {
                    let place = Self::own_place(url);
                    place.connect_for(connections, Durability::Machine).await?
                }
                (None, Some(open)) => Database::clone(open),
                (None, None) => {
                    let open = self.warehouse(connections).await?;
                    warehouse.insert(open).clone()
                }
            };
            databases.insert(export.name.clone(), database);
        }
        Ok(databases)
    }

    /// What the reports read, of what they do read.
    pub(crate) async fn report_sources(
        &self,
        ledger: &Ledger,
        storage: Arc<S3Storage>,
    ) -> anyhow::Result<BTreeMap<ReportSource, Source>> {
        let mut sources = BTreeMap::new();
        let wants = |source| self.pipeline.reports.iter().any(|report| report.source == source);
        if wants(ReportSource::Warehouse) {
            let connections = self.pipeline.stage(StageName::Report).concurrency;
            let database = self.warehouse(connections).await?;
            sources.insert(ReportSource::Warehouse, Source::Warehouse(database));
        }
        if wants(ReportSource::Lake) {
            let source = self.lake_source(ledger.clone(), storage);
            sources.insert(ReportSource::Lake, source);
        }
        Ok(sources)
    }

    /// What the catalog's tables are made of, and where they are registered.
    ///
    /// # Errors
    /// [`Usage`] if the pipeline file has no `[catalog]`.
    pub(crate) fn catalog_site(&self, ledger: Ledger, aws: &SdkConfig) -> anyhow::Result<Site> {
        let settings = self.pipeline.catalog.clone().ok_or_else(|| {
            Usage("this pipeline registers no tables: write `[catalog]` in its file".to_owned())
        })?;
        Ok(Site {
            pipeline: self.pipeline.name.clone(),
            lake: self.pipeline.lake.curated.clone(),
            ledger,
            storage: Arc::new(S3Storage::new(aws)),
            catalog: Arc::new(Glue::new(aws)),
            settings,
        })
    }

    /// What registers the tables.
    ///
    /// # Errors
    /// As [`Setup::catalog_site`].
    pub(crate) fn registrar(
        &self,
        ledger: Ledger,
        aws: &SdkConfig,
        claim: Duration,
    ) -> anyhow::Result<Registrar> {
        let site = self.catalog_site(ledger, aws)?;
        Ok(Registrar::new(site, self.pipeline.datasets.clone(), claim))
    }

    /// The lake as reports read it.
    pub(crate) fn lake_source(&self, ledger: Ledger, storage: Arc<S3Storage>) -> Source {
        let datasets = self.pipeline.datasets.iter().map(|dataset| dataset.name.clone());
        Source::Lake(Lake { ledger, storage, datasets: datasets.collect() })
    }

    /// A database that nothing local stands in for.
    fn own_place(source: &UrlSource) -> Place {
        Place { source: source.clone(), local: None, beside: false }
    }

    /// Opens the ledger for looking.
    pub(crate) async fn ledger_to_read(&self) -> anyhow::Result<Ledger> {
        Ok(self.ledger(LOOKING).await?.1)
    }

    /// Opens the ledger for looking, with the database it is in.
    pub(crate) async fn ledger_and_database_to_read(&self) -> anyhow::Result<(Database, Ledger)> {
        self.ledger(LOOKING).await
    }

    /// Connects to the warehouse for looking.
    pub(crate) async fn warehouse_to_read(&self) -> anyhow::Result<Database> {
        self.warehouse(LOOKING).await
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

/// The AWS side, found as every AWS tool finds it.
pub(crate) async fn aws() -> SdkConfig {
    aws_config::load_defaults(BehaviorVersion::latest()).await
}

/// The AWS side for a person's command, which is told at once what is missing.
///
/// # Errors
/// [`Usage`] if no region is known, or no credentials are found.
pub(crate) async fn signed_in() -> anyhow::Result<SdkConfig> {
    let aws = aws().await;
    let local = "for a local stack, set the variables that `millrace dev` prints";
    if aws.region().is_none() {
        let how = "set AWS_REGION, or a profile that has one (AWS_PROFILE)";
        return Err(Usage(format!("no AWS region is known; {how}; {local}")).into());
    }
    let Some(provider) = aws.credentials_provider() else { return Ok(aws) };
    match provider.provide_credentials().await {
        Ok(_) => Ok(aws),
        Err(error) => {
            let how = "set a profile (AWS_PROFILE), or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
            Err(Usage(format!("no AWS credentials are found ({error}); {how}; {local}")).into())
        }
    }
}

/// Creates a folder with a clear word where that fails.
pub(crate) fn folder(path: &Path) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(path)
        .with_context(|| format!("folder `{}` can't be created", path.display()))?;
    std::path::absolute(path).map_err(Into::into)
}
