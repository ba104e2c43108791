//! A row that did not make it, with everything needed to mend it and to send it
//! again.

use serde::{Deserialize, Serialize};

/// One rejected row: a line of the rejects object (NDJSON).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject {
    /// Name of the archive's member that the row is in, if the file is an archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// Line in the decompressed source, counted from 1, where the row starts. In
    /// Parquet the number of the row, in a workbook that of the sheet's row.
    pub line: u64,
    /// Byte offset of the row in the decompressed source; in Parquet and in a
    /// workbook how many rows are in front of it.
    pub byte_offset: u64,
    /// Column at fault, if one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What kind of fault it is.
    pub cause: RejectCause,
    /// The rule that was broken: a type such as `decimal(12,2)`, `required`, or
    /// the text of an expectation. Rejects are grouped by it.
    pub rule: String,
    /// What is wrong, with the value, for a person.
    pub message: String,
    /// The row as it stood in the source, with invalid UTF-8 replaced.
    pub raw: String,
}

/// Why a row was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectCause {
    /// The row could not be read: wrong number of fields, malformed JSON, an
    /// unclosed quote, invalid text.
    Malformed,
    /// A value is not of its column's type.
    Type,
    /// A required value is missing.
    Required,
    /// An expectation said no.
    Expectation,
}
