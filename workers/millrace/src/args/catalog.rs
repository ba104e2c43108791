//! Arguments of `millrace catalog`.

use clap::{Args as Group, Subcommand};

use super::{OutputArgs, PipelineArgs, examples};

#[derive(Debug, Subcommand)]
pub(crate) enum CatalogCommand {
    /// Show tables with their live partitions, objects, rows and bytes.
    #[command(after_help = examples::CATALOG_LIST)]
    List(CatalogListArgs),
    /// Print the statements that make the tables in Athena.
    ///
    /// The tables read the lists of live objects that `millrace catalog manifests`
    /// writes.
    #[command(after_help = examples::CATALOG_DDL)]
    Ddl(CatalogDdlArgs),
    /// Write the lists of live objects, by which Athena sees each row once.
    ///
    /// Each partition has a list, which is replaced whole: whoever reads sees the rows
    /// before or the rows after.
    #[command(after_help = examples::CATALOG_MANIFESTS)]
    Manifests(CatalogListArgs),
    /// Register all tables and partitions in AWS Glue at once, whatever the ledger says
    /// of them.
    ///
    /// The catalog stage does so as files land; this is for what somebody removed or
    /// changed by hand, and for the first time.
    #[command(after_help = examples::CATALOG_REFRESH)]
    Refresh(CatalogRefreshArgs),
    /// Print what makes a data set of QuickSight: over a table of Athena, or over the
    /// objects of an export of CSV or JSON.
    #[command(after_help = examples::CATALOG_QUICKSIGHT)]
    Quicksight(CatalogQuicksightArgs),
}

#[derive(Debug, Group)]
pub(crate) struct CatalogListArgs {
    /// Only this dataset.
    pub(crate) dataset: Option<String>,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Group)]
pub(crate) struct CatalogRefreshArgs {
    /// Only this dataset.
    pub(crate) dataset: Option<String>,

    /// Only show what would be done.
    #[arg(long)]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Group)]
pub(crate) struct CatalogDdlArgs {
    /// Only this dataset.
    pub(crate) dataset: Option<String>,

    /// The database; the pipeline's name, with `_` for `-`, unless given.
    #[arg(long, value_name = "NAME")]
    pub(crate) database: Option<String>,

    /// Have partitions by day or whole number reckoned instead of added, days in this
    /// range, such as `2020-01-01,NOW`.
    #[arg(long, value_name = "RANGE")]
    pub(crate) projection: Option<String>,

    #[command(flatten)]
    pub(crate) pipeline: PipelineArgs,
}

#[derive(Debug, Group)]
pub(crate) struct CatalogQuicksightArgs {
    /// The dataset or export; all datasets unless given.
    pub(crate) name: Option<String>,

    /// The database; the pipeline's name, with `_` for `-`, unless given.
    #[arg(long, value_name = "NAME")]
    pub(crate) database: Option<String>,

    /// ARN of the Athena data source in QuickSight.
    #[arg(
        long,
        value_name = "ARN",
        default_value = "arn:aws:quicksight:REGION:ACCOUNT:datasource/ID"
    )]
    pub(crate) source: String,

    #[command(flatten)]
    pub(crate) pipeline: PipelineArgs,
}
