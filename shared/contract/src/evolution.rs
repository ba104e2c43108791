//! How the columns of a dataset move: what a file added or widened.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::DataType;

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
