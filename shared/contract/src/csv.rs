//! How delimited text is written: everything a dialect can be told to be.
//!
//! What has its default is left out of the serialised form, so that a dataset
//! that says nothing of a newer option keeps its contract version.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dataset::is_default;

/// How a CSV file is written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CsvOptions {
    /// Field separator, one ASCII character.
    pub delimiter: char,
    /// Quote character, one ASCII character; a doubled one stands for itself.
    /// Empty: nothing is quoted.
    #[schemars(with = "String")]
    pub quote: Option<char>,
    /// How a quote is written within quotes.
    #[serde(skip_serializing_if = "is_default")]
    pub escape: Escape,
    /// Whether the first line names the columns. Without it, columns are taken
    /// by position.
    pub header: bool,
    /// Texts that mean null when they stand unquoted.
    pub null: Vec<String>,
    /// Character encoding. A byte order mark of UTF-16 is heeded where nothing
    /// else than UTF-8 is said.
    pub encoding: Encoding,
    /// Lines that begin with this text are skipped. None unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub comment: Option<String>,
    /// Lines before the header, or before the first row, that are skipped.
    #[serde(skip_serializing_if = "is_default")]
    pub skip_lines: u32,
    /// The lines of the file that are read, where they are not all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "TextBlock")]
    pub block: Option<TextBlock>,
    /// Whether rows end with a delimiter, as in `1|a|`.
    #[serde(skip_serializing_if = "is_default")]
    pub trailing_delimiter: bool,
    /// What becomes of rows with too few or too many fields.
    #[serde(skip_serializing_if = "is_default")]
    pub ragged: Ragged,
    /// Which line ends there may be.
    #[serde(skip_serializing_if = "is_default")]
    pub line_ends: LineEnds,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self {
            delimiter: ',',
            quote: Some('"'),
            escape: Escape::default(),
            header: true,
            null: vec![String::new()],
            encoding: Encoding::Utf8,
            comment: None,
            skip_lines: 0,
            block: None,
            trailing_delimiter: false,
            ragged: Ragged::default(),
            line_ends: LineEnds::default(),
        }
    }
}

/// Which lines of a text are read. The others are skipped and counted by the rule
/// `outside_block`. Lines are those of the file, also within quotes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TextBlock {
    /// The block starts behind the first line that begins with this text; with
    /// the first line of the file unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub after: Option<String>,
    /// The block ends before the first later line that begins with this text, or
    /// with an empty text before the first blank line behind one that is not; with
    /// the file unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub until: Option<String>,
}

/// How a quote is written within quotes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Escape {
    /// Twice (RFC 4180).
    #[default]
    Double,
    /// After a backslash, which makes any character stand for itself, in quotes
    /// and outside; a doubled quote is a quote as well.
    Backslash,
}

/// What becomes of rows with too few or too many fields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Ragged {
    /// They are rejected by the rule `field_count`.
    #[default]
    Reject,
    /// Fields that are missing at the end are empty; long rows are rejected.
    Pad,
    /// Fields beyond the last column are dropped; short rows are rejected.
    Truncate,
    /// Both `pad` and `truncate`.
    Fit,
}

impl Ragged {
    /// Whether short rows are filled up.
    pub fn pads(self) -> bool {
        matches!(self, Self::Pad | Self::Fit)
    }

    /// Whether long rows are cut.
    pub fn truncates(self) -> bool {
        matches!(self, Self::Truncate | Self::Fit)
    }
}

/// Which line ends there may be in one file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LineEnds {
    /// LF and CRLF, or CR where the first line ends with one. Others within an
    /// unquoted field reject the row.
    #[default]
    Auto,
    /// LF, CRLF and CR, in any mixture.
    Mixed,
}

/// Character encoding of a text file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// UTF-16, little endian, with or without a byte order mark.
    #[serde(rename = "utf-16le")]
    Utf16Le,
    /// UTF-16, big endian, with or without a byte order mark.
    #[serde(rename = "utf-16be")]
    Utf16Be,
    /// ISO 8859-1.
    #[serde(rename = "latin-1")]
    Latin1,
    /// Windows-1252.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

impl Encoding {
    /// Its name in the pipeline file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Latin1 => "latin-1",
            Self::Windows1252 => "windows-1252",
        }
    }
}
