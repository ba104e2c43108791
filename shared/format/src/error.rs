//! Why a file could not be transformed, by meaning.

use std::fmt;
use std::io;

use millrace_contract::{DataType, RejectLimit, Unbalanced};
use millrace_retry::{Classify, FailureClass};
use thiserror::Error;

use crate::{RejectGroup, ReshapeError, RuleError};

/// Why a file could not be transformed. Nothing of it may be kept.
#[derive(Debug, Error)]
pub enum FormatError {
    /// Reading the source failed, by no fault of the file.
    #[error("reading the source failed: {0}")]
    Source(#[source] io::Error),
    /// The copy of the source that has to lie on disk to be read could not be kept.
    #[error(
        "keeping a copy of the source in the folder for temporary files (`TMPDIR`) failed: {0}"
    )]
    Spool(#[source] io::Error),
    /// Writing an output failed.
    #[error("writing an output failed: {0}")]
    Sink(#[source] io::Error),
    /// The bytes are not a file of the format at all.
    #[error("unreadable at byte {byte}: {what}")]
    Unreadable {
        /// Offset: in the compressed bytes where they are damaged, in the text
        /// otherwise.
        byte: u64,
        /// What is wrong.
        what: String,
    },
    /// A row is longer than memory may hold: a quote that is never closed, or a
    /// file without line ends.
    #[error(
        "the row at line {line} (byte {byte}) is longer than {limit} bytes; is a quote left open?"
    )]
    RowTooLong {
        /// Line on which the row starts, counted from 1.
        line: u64,
        /// Offset of the row after decompression.
        byte: u64,
        /// The limit.
        limit: usize,
    },
    /// The file's columns are not the dataset's.
    #[error("{}", list("the columns differ from the schema", .0))]
    Schema(Vec<SchemaDifference>),
    /// More rows were rejected than the dataset allows.
    #[error(
        "{rejected} of {read} rows were rejected, more than the limit of {}{}",
        limit_text(limit),
        first_group(groups)
    )]
    TooManyRejects {
        /// Rows rejected until the file was given up.
        rejected: u64,
        /// Rows read until then, without those that the filter skips.
        read: u64,
        /// The limit.
        limit: RejectLimit,
        /// Why rows were rejected, the most frequent reason first.
        groups: Vec<RejectGroup>,
    },
    /// A row broke a rule that no row of a file may break.
    #[error("the row at line {line} breaks `{rule}`, which rejects the whole file")]
    FileRejected {
        /// The rule's text.
        rule: String,
        /// First line that breaks it.
        line: u64,
    },
    /// The file as a whole broke a rule.
    #[error("{found}, which breaks `{rule}` and rejects the whole file")]
    FileRuleBroken {
        /// The rule's text.
        rule: String,
        /// What the file is like.
        found: String,
    },
    /// The temporary file for the keys of a `unique` rule failed.
    #[error("the keys of `{rule}` do not fit into memory, and the temporary file failed: {error}")]
    Scratch {
        /// The rule's text.
        rule: String,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// A rule can't be evaluated on this file's rows.
    #[error("rule `{rule}` can't be evaluated on the rows from line {line}: {source}")]
    Rule {
        /// The rule's text.
        rule: String,
        /// First line of the rows it was tried on.
        line: u64,
        /// What the evaluation said.
        source: RuleError,
    },
    /// No rows could be made of the file's.
    #[error("`{text}` can't be carried out: {source}")]
    Reshape {
        /// What was to be done, cut where it is long.
        text: String,
        /// Why it can't.
        source: ReshapeError,
    },
    /// The rows go to more partitions than may be open.
    #[error(
        "`partition_by` [{columns}] spreads this file over more than {limit} partitions; \
         partition by a coarser column"
    )]
    TooManyPartitions {
        /// The partition columns.
        columns: String,
        /// The limit.
        limit: usize,
    },
    /// A value is too long to name a folder.
    #[error(
        "column `{column}`: the value `{value}…` gives a partition folder of {bytes} bytes, and \
         folders have at most {limit}; partition by another column"
    )]
    PartitionName {
        /// The partition column.
        column: String,
        /// How the value begins.
        value: String,
        /// Bytes of the folder's name.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A path part that a column takes its values from is not of its type.
    #[error("column `{column}`: the path part `{value}` is not {}", article(*data_type))]
    Capture {
        /// The column.
        column: String,
        /// The path part.
        value: String,
        /// The column's type.
        data_type: DataType,
    },
    /// The rows that were to be gone through again are not there any more.
    #[error(
        "{found} of the {wanted} rows start where they did: the file is read in another way than \
         when they were rejected; go through the whole file again"
    )]
    Selection {
        /// Rows that were to be gone through.
        wanted: u64,
        /// Rows that were found.
        found: u64,
    },
    /// A member of an archive could not be transformed.
    #[error("in `{member}`: {error}")]
    Member {
        /// The member's name.
        member: String,
        /// Why.
        #[source]
        error: Box<FormatError>,
    },
    /// The plan itself can't be carried out.
    #[error("{what}")]
    Plan {
        /// What is wrong with it.
        what: String,
    },
    /// Rows went missing or were counted twice: a defect of this crate.
    #[error(transparent)]
    Unbalanced(#[from] Unbalanced),
    /// Encoding failed: a defect of this crate.
    #[error("encoding Parquet failed: {0}")]
    Encode(String),
}

/// What kind of failure a [`FormatError`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The stream from the source broke; another attempt may succeed.
    Source,
    /// An output or a temporary file could not be written; another attempt may succeed.
    Sink,
    /// The file broke its dataset's contract.
    Contract,
    /// The file can't be read, now or ever.
    Unreadable,
    /// A defect of ours.
    Defect,
}

impl FormatError {
    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Source(_) => ErrorKind::Source,
            Self::Sink(_) | Self::Spool(_) | Self::Scratch { .. } => ErrorKind::Sink,
            Self::Unreadable { .. } | Self::RowTooLong { .. } => ErrorKind::Unreadable,
            Self::Schema(_)
            | Self::TooManyRejects { .. }
            | Self::FileRejected { .. }
            | Self::FileRuleBroken { .. }
            | Self::Rule { .. }
            | Self::TooManyPartitions { .. }
            | Self::PartitionName { .. }
            | Self::Capture { .. }
            | Self::Selection { .. }
            | Self::Plan { .. } => ErrorKind::Contract,
            Self::Reshape { source, .. } => match source {
                ReshapeError::Refused(_) => ErrorKind::Contract,
                ReshapeError::Source(_) => ErrorKind::Source,
                ReshapeError::Disk(_) => ErrorKind::Sink,
            },
            Self::Member { error, .. } => error.kind(),
            Self::Unbalanced(_) | Self::Encode(_) => ErrorKind::Defect,
        }
    }

    /// Whether the file broke its dataset's contract.
    pub fn is_contract(&self) -> bool {
        self.kind() == ErrorKind::Contract
    }
}

/// A broken stream may be whole by the next attempt.
impl Classify for FormatError {
    fn class(&self) -> FailureClass {
        match self.kind() {
            ErrorKind::Source | ErrorKind::Sink => FailureClass::Transient,
            ErrorKind::Contract => FailureClass::Contract,
            ErrorKind::Unreadable | ErrorKind::Defect => FailureClass::Poison,
        }
    }
}

/// One way in which a file's columns differ from the schema.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SchemaDifference {
    /// A declared column that the file does not have.
    #[error("column `{0}` is missing")]
    Missing(String),
    /// A column of the file that is not declared.
    #[error("column `{name}` (position {position}) is not in the schema")]
    Extra {
        /// Its name in the header.
        name: String,
        /// Its position, counted from 1.
        position: usize,
    },
    /// A name that stands more than once in the header.
    #[error("column `{name}` stands {count} times in the header")]
    Duplicate {
        /// The name.
        name: String,
        /// How often.
        count: usize,
    },
    /// A column of the file without a name.
    #[error("the column at position {0} has no name")]
    Unnamed(usize),
    /// A header with more columns than allowed.
    #[error("the header has more than {0} columns")]
    TooMany(usize),
    /// A file without the header line it should have.
    #[error("the file is empty: it has no header line")]
    NoHeader,
}

/// `amount` is not **a decimal(12,2)**, not **an int64**.
pub(crate) fn article(data_type: DataType) -> impl fmt::Display {
    let name = data_type.to_string();
    let article = if name.starts_with('i') { "an" } else { "a" };
    format!("{article} {name}")
}

fn list(title: &str, items: &[SchemaDifference]) -> String {
    let items: Vec<_> = items.iter().map(ToString::to_string).collect();
    format!("{title}: {}", items.join("; "))
}

fn limit_text(limit: &RejectLimit) -> String {
    String::from(*limit)
}

fn first_group(groups: &[RejectGroup]) -> String {
    match groups.first() {
        Some(group) => format!("; most often ({}): {}", group.count, group.example.message),
        None => String::new(),
    }
}
