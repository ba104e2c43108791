//! What to load, when it may be committed, and what came of it.

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use millrace_contract::{ColumnDef, FileId, LoadTarget, LoadTask, SchemaMode};
use millrace_ledger::DatabaseError;

use crate::LoadError;

/// One file's load.
#[derive(Debug, Clone)]
pub struct LoadPlan<'a> {
    /// The load message.
    pub task: &'a LoadTask,
    /// The table, and how rows meet what it holds.
    pub target: &'a LoadTarget,
    /// Columns of every batch, in this order, partition and capture columns
    /// included.
    pub schema: SchemaRef,
    /// The dataset's columns as declared or inferred: they tell JSON from text.
    pub columns: &'a [ColumnDef],
    /// How strictly the table is held to the columns: with
    /// [`SchemaMode::Evolve`] it follows them, otherwise every difference is an
    /// error.
    pub mode: SchemaMode,
    /// What the dataset's rows are: the table's comment.
    pub description: Option<&'a str>,
}

impl LoadPlan<'_> {
    /// What the database said, of this table.
    pub(crate) fn failed(&self, source: DatabaseError) -> LoadError {
        LoadError::Database { table: self.target.full_name(), source }
    }
}

/// Asked right before the commit.
#[async_trait]
pub trait CommitGuard: Send + Sync {
    /// Whether this worker still holds the message's visibility lease. If not,
    /// another worker may be loading the same file, and nothing is committed.
    async fn allowed(&self) -> bool;
}

/// How a load ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loaded {
    /// The rows are committed.
    Fresh {
        /// Rows sent to the table: the row balance's `written`.
        rows: u64,
        /// Rows of older loads that left for them.
        replaced: u64,
    },
    /// This version of the key was committed to this table before, under this
    /// contract. Nothing was changed.
    Already {
        /// Rows committed then.
        rows: u64,
        /// When.
        committed_at: DateTime<Utc>,
    },
    /// A version of the key with a newer sequencer was committed before, or, where
    /// the table holds one file, one that was published later. Nothing was
    /// changed.
    Superseded {
        /// That file.
        by: FileId,
    },
}
