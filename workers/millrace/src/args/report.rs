//! Arguments of `millrace report`.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::Args as Group;

use super::{OutputArgs, capture};

#[derive(Debug, Group)]
pub(crate) struct ReportArgs {
    /// The report; lists them unless given.
    pub(crate) name: Option<String>,

    /// Folder for the page and its pictures; named as the report unless given.
    #[arg(long, value_name = "DIR", requires = "name")]
    pub(crate) out: Option<PathBuf>,

    /// The time it is for (RFC 3339); now unless given.
    #[arg(long, value_name = "TIME", requires = "name")]
    pub(crate) at: Option<DateTime<Utc>>,

    /// A value for `{name}` in `to` and for `:name` in the queries.
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = capture, requires = "name")]
    pub(crate) parameters: Vec<(String, String)>,

    /// Open the page in the browser.
    #[arg(long, requires = "name")]
    pub(crate) open: bool,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
