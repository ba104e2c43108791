//! The history of every file, and the commit record that makes loads
//! exactly-once.
//!
//! [`Ledger`] keeps the journey: what was registered, what became of it, and
//! why. [`loads`] is the commit record, which lives in the warehouse's own
//! database. `design.md` beside this code argues why that is enough.

mod announce;
mod batches;
mod catalogs;
mod claim;
mod columns;
mod contracts;
mod counts;
mod database;
mod derivations;
mod detached;
mod dialect;
mod dlq_actions;
mod entry;
mod error;
mod exports;
mod facts;
mod failure_groups;
mod failures;
mod fault;
mod found;
mod freshness;
mod gathering;
mod joined;
mod live;
pub mod loads;
mod migrate;
mod mysql;
mod narrowed;
mod outbox;
mod pace;
mod progress;
mod redrives;
mod register;
mod replays;
mod reports;
mod retire;
mod run_state;
mod runs;
mod session;
mod skips;
mod source;
mod state;
mod together;
mod totals;
mod trace;
mod transaction;
mod turn;
mod upkeep;
mod url;
mod value;

pub use announce::Announcing;
pub use batches::{Batch, BatchFilter, BatchRecord, BatchState, Recorded};
pub use catalogs::{CatalogClaim, CatalogClaimed, CatalogFacts, CatalogList, CatalogRecord};
pub use columns::{ColumnVersion, Evolution, Evolving};
pub use counts::StateCount;
pub use database::Database;
pub use derivations::{
    Derivation, DeriveClaim, DeriveClaimed, DeriveFilter, DeriveInputs, DeriveRun, DeriveTotals,
    DeriveWish,
};
pub use detached::Detached;
pub use dialect::Dialect;
pub use dlq_actions::{Act, DlqAction, EditedFacts};
pub use error::{DatabaseError, LedgerError};
pub use exports::{Claimed, ExportClaim, ExportFilter, ExportRun, ExportTotals, ExportWish};
pub use facts::{DatabaseFacts, StageDuration};
pub use failure_groups::{FailureFilter, FailureGroup, Only};
pub use failures::{Failure, FailureKey, FailureRecord, Resolution};
pub use fault::Fault;
pub use found::{KnownVersion, StuckFile};
pub use freshness::Watched;
pub use gathering::{Gathering, Waiting};
pub use joined::{Joined, Part};
pub use live::LiveFile;
pub use outbox::{DueAlert, DueEvent};
pub use pace::{OldestFile, StagePace};
pub use progress::{Hop, RuleCount, Transformed};
pub use redrives::{Sought, Standing, WhatBecame};
pub use register::{Registered, Registration};
pub use replays::{ReplayFilter, Replayable, Replaying};
pub use reports::{Figure, ReportClaim, ReportClaimed, ReportFilter, ReportRun, ReportTotals};
pub use run_state::RunState;
pub use runs::{Run, RunFilter};
pub use session::{Row, Session};
pub use skips::SkipCount;
pub use source::CurrentUrl;
pub use state::{FileState, Ledger};
pub use totals::{RejectTotal, RuleOutcome};
pub use trace::{FileTrace, HopRecord, ObjectTrace};
pub use transaction::Transaction;
pub use upkeep::{UpkeepClaim, UpkeepClaimed, UpkeepFilter, UpkeepRun};
pub use url::Durability;
pub use value::Value;
