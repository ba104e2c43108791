//! The pipeline file, `millrace.toml`: parsed, validated with every error at
//! once, resolved to dataset definitions, routes and a plan of what it needs.
//!
//! Nothing here talks to AWS or a database; expectations are checked as SQL by
//! `millrace-sql`, which this crate does not know.

mod access;
mod alerts;
mod catalog;
mod cloudformation;
mod columns;
mod csv;
mod dataset;
mod default;
mod dependents;
mod derived;
mod entry;
mod exports;
mod file;
mod freshness;
mod glob;
mod graph;
mod known;
mod limits;
mod load;
mod maintain;
mod names;
mod nearest;
mod order;
mod parquet;
mod pipeline;
mod placeholders;
mod plan;
mod problem;
mod quantity;
mod render;
mod reports;
mod retention;
mod retry;
mod route;
mod schema;
mod secret;
mod shown;
mod spelling;
mod sql_transform;
mod stage;
mod statement;
mod streams;
mod tables;
mod url;
mod views;
mod walk;
mod xlsx;

pub use access::{PlannedAccess, PlannedPrefix, PlannedTables};
pub use alerts::{Alerts, Events, Subscription};
pub use catalog::CatalogSettings;
pub use dependents::{Change, Dependent, Dependents};
pub use freshness::Freshness;
pub use graph::Graph;
pub use maintain::{Compact, Maintenance, Reconcile, Retention};
pub use nearest::nearest;
pub use pipeline::{Lake, LoadError, Pipeline};
pub use plan::{
    Plan, PlannedAlerts, PlannedBucket, PlannedDataset, PlannedDerived, PlannedExport,
    PlannedNotification, PlannedQueue, PlannedReport, PlannedSchedule, PlannedService,
    PlannedStream, PlannedView,
};
pub use problem::{Problem, Problems};
pub use render::render_dataset;
pub use retry::{RetryCurve, StageRetry};
pub use route::{KeyError, Route};
pub use schema::json_schema;
pub use secret::{NoUrl, SecretName};
pub use stage::{StageSettings, Stages};
pub use url::{Resolved, UrlMissing, UrlSource};

#[cfg(test)]
mod tests;
