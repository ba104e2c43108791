//! How the columns of a dataset move: which may, what a file added or widened,
//! and where that goes which fits none of them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ColumnDef, DataType, Schema, SchemaMode};

/// One change to the columns of a dataset whose schema evolves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnChange {
    /// The column.
    pub column: String,
    /// Its type before; `None` if it is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<DataType>,
    /// Its type now.
    pub to: DataType,
    /// What in the file made it necessary: `` `2.5` at line 4 has a fraction``.
    pub why: String,
}

impl fmt::Display for ColumnChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { column, from, to, why } = self;
        match from {
            None => write!(f, "`{column}` added as {to}")?,
            Some(from) => write!(f, "`{column}` widened from {from} to {to}")?,
        }
        if why.is_empty() { Ok(()) } else { write!(f, " ({why})") }
    }
}

impl SchemaMode {
    /// Whether files may bring columns that are not declared.
    pub fn is_open(self) -> bool {
        match self {
            Self::Strict => false,
            Self::Infer | Self::Evolve => true,
        }
    }
}

/// Name of the column that keeps what fits no other: a JSON object of texts by
/// column name, null where there is nothing.
pub const RESCUED: &str = "_rescued";

impl Schema {
    /// Has what fits no column kept in a column of its own.
    pub fn with_rescue(mut self) -> Self {
        self.rescue = true;
        if !self.columns.iter().any(|column| column.name == RESCUED) {
            self.columns.push(ColumnDef::new(RESCUED, DataType::Json));
        }
        self
    }
}

impl ColumnDef {
    /// Whether nothing but name, type and source name is said of it, so that
    /// mode `evolve` may widen its type.
    pub fn is_plain(&self) -> bool {
        let plain = Self { from: self.from.clone(), ..Self::new(&self.name, self.data_type) };
        *self == plain
    }
}
