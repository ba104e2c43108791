//! The SQL that a dataset's rows may go through before they are written.

use serde::{Deserialize, Serialize};

/// SQL between reading and writing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqlTransform {
    /// One query over the table `input`, which has the dataset's columns, and
    /// over the other datasets of the lake by their names.
    pub sql: String,
    /// Bytes of memory it may take before it goes on on disk.
    #[serde(default = "default_sql_memory", skip_serializing_if = "is_default_sql_memory")]
    pub memory: u64,
}

impl SqlTransform {
    /// Bytes of memory a query may take unless the pipeline file says so.
    pub const DEFAULT_MEMORY: u64 = 64 << 20;
}

fn default_sql_memory() -> u64 {
    SqlTransform::DEFAULT_MEMORY
}

fn is_default_sql_memory(memory: &u64) -> bool {
    *memory == SqlTransform::DEFAULT_MEMORY
}
