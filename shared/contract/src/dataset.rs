//! A dataset definition: which objects belong to it, how they are read, what
//! their rows must be, and where they go.
//!
//! This is the resolved form, every default filled in. `shared/pipeline` makes
//! it from the pipeline file; the ledger keeps it under its contract version,
//! so that a task planned before a deployment is carried out as planned.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    CsvOptions, DERIVED_SCHEME, DataType, Encoding, LimitOptions, LoadTarget, ParquetOptions,
    SqlTransform, XlsxOptions,
};

/// A dataset: one kind of file, one table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dataset {
    /// Name, unique in the pipeline; also the first folder in the lake.
    pub name: String,
    /// What its rows are, for people; the table's comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Glob over object keys of the raw bucket; `{name}` captures a path part. Of a
    /// derived dataset, the key of what is made.
    pub pattern: String,
    /// Format of the bytes, after decompression.
    pub format: FileFormat,
    /// How CSV is written; ignored by other formats.
    pub csv: CsvOptions,
    /// How JSON objects are read; ignored by other formats.
    #[serde(default, skip_serializing_if = "is_default")]
    pub json: JsonOptions,
    /// How files of fixed width are written; ignored by other formats.
    #[serde(default, skip_serializing_if = "is_default")]
    pub fixed: FixedOptions,
    /// Which cells of a workbook are read; ignored by other formats.
    #[serde(default, skip_serializing_if = "is_default")]
    pub xlsx: XlsxOptions,
    /// Columns and how strictly they are taken.
    pub schema: Schema,
    /// SQL boolean that selects the rows of a file that are the dataset's; rows
    /// for which it is false or null are skipped and counted as `where`. It is
    /// asked before `required`, the expectations and the types of all columns but
    /// those it looks at. Without one, all rows are the dataset's.
    #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Whether other datasets may take the same files too.
    #[serde(default, skip_serializing_if = "is_default")]
    pub shared: bool,
    /// Expectations, in the order of the pipeline file.
    pub expect: Vec<Expectation>,
    /// What becomes of bad rows.
    pub rejects: RejectOptions,
    /// SQL that makes the rows to write of the rows that were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transform: Option<SqlTransform>,
    /// How Parquet is written.
    pub parquet: ParquetOptions,
    /// What a file may demand before it is refused.
    #[serde(default, skip_serializing_if = "is_default")]
    pub limits: LimitOptions,
    /// Where rows are loaded; none keeps them in the lake only.
    pub load: Option<LoadTarget>,
}

impl Dataset {
    /// Whether its rows are made of other datasets and not of files: its pattern
    /// is then the key of what is made.
    pub fn is_derived(&self) -> bool {
        self.pattern.starts_with(DERIVED_SCHEME)
    }
}

/// Format of a file's bytes. Compression is recognised by content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FileFormat {
    /// Delimited text.
    Csv,
    /// Delimited text with tabs.
    Tsv,
    /// One JSON object per line. An array of objects is recognised as such.
    Ndjson,
    /// A JSON document: an array of objects, or objects one behind the other, on
    /// any number of lines.
    Json,
    /// Lines whose columns have their places: `start` and `width` of each.
    Fixed,
    /// Apache Parquet.
    Parquet,
    /// A sheet of an Excel workbook (Office Open XML).
    Xlsx,
}

/// How a file of fixed width is written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FixedOptions {
    /// Texts that mean null, spaces around them taken off.
    pub null: Vec<String>,
    /// Character encoding.
    pub encoding: Encoding,
    /// Lines at the start that are skipped, a header among them.
    pub skip_lines: u32,
}

impl Default for FixedOptions {
    fn default() -> Self {
        Self { null: vec![String::new()], encoding: Encoding::Utf8, skip_lines: 0 }
    }
}

/// How JSON objects are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct JsonOptions {
    /// Whether columns may be named after keys of nested objects, joined by dots
    /// as in `user.address.city`.
    pub flatten: bool,
    /// What becomes of an object that has a key twice.
    pub duplicate_keys: DuplicateKeys,
}

/// What becomes of an object that has a key twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DuplicateKeys {
    /// The last value counts.
    #[default]
    Last,
    /// The first value counts.
    First,
    /// The object is rejected.
    Reject,
}

/// The columns of a dataset.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// How strictly files are held to the columns.
    pub mode: SchemaMode,
    /// Declared columns, in table order. With [`SchemaMode::Infer`] these take
    /// precedence over what is inferred for columns of the same name.
    pub columns: Vec<ColumnDef>,
    /// How many bytes of decompressed data inference looks at, from the start.
    pub sample_bytes: u64,
    /// What becomes of columns of a file that are not declared.
    #[serde(default, skip_serializing_if = "is_default")]
    pub extra: ExtraColumns,
    /// What becomes of declared columns that a file does not have.
    #[serde(default, skip_serializing_if = "is_default")]
    pub missing: MissingColumns,
    /// Whether what fits no column is kept in the column [`RESCUED`](crate::RESCUED), which is
    /// then the last of `columns`, instead of breaking the contract.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rescue: bool,
}

pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What becomes of columns of a file that are not declared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExtraColumns {
    /// They break the contract; of JSON objects the one that has them is
    /// rejected.
    #[default]
    Refuse,
    /// They are left out.
    Ignore,
}

/// What becomes of declared columns that a file does not have. One that is
/// required always breaks the contract.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MissingColumns {
    /// With mode `strict` they break the contract; columns that were inferred
    /// from another file are null.
    #[default]
    Refuse,
    /// They are null.
    Null,
}

/// How a file's columns are held against the schema.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SchemaMode {
    /// The declared columns, neither more nor fewer; order and letter case of
    /// the header do not matter.
    Strict,
    /// Types are inferred from the first file and then hold for all.
    #[default]
    Infer,
    /// As `infer`, but files with new columns add them, and values that a type
    /// can't hold widen it. Nothing is ever narrowed.
    Evolve,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnDef {
    /// Column name in Parquet and in the table.
    pub name: String,
    /// Header name in the source, where it differs from `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Type.
    #[serde(rename = "type")]
    pub data_type: DataType,
    /// `strftime` pattern for dates and timestamps; several are tried in turn.
    /// Without one, ISO 8601 is read.
    #[serde(default, skip_serializing_if = "Formats::is_empty")]
    pub format: Formats,
    /// Whether a null rejects the row.
    #[serde(default)]
    pub required: bool,
    /// Texts that mean null in this column, instead of the file's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>")]
    pub null: Option<Vec<String>>,
    /// Whether spaces around a text are taken off; around other values they
    /// always are.
    #[serde(default, skip_serializing_if = "is_default")]
    pub trim: bool,
    /// How numbers are written.
    #[serde(default, skip_serializing_if = "is_default")]
    pub number: NumberFormat,
    /// Words for true, in any letter case, instead of the usual ones.
    #[serde(rename = "true", default, skip_serializing_if = "Vec::is_empty")]
    pub true_words: Vec<String>,
    /// Words for false, in any letter case, instead of the usual ones.
    #[serde(rename = "false", default, skip_serializing_if = "Vec::is_empty")]
    pub false_words: Vec<String>,
    /// Time zone (IANA name) of timestamps that do not say theirs; UTC unless
    /// given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub zone: Option<String>,
    /// Place of the first character in files of fixed width, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32")]
    pub start: Option<u32>,
    /// Number of characters in files of fixed width.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32")]
    pub width: Option<u32>,
    /// What the column has in the rows of files that do not have it, and in rows
    /// that others insert into the table without naming it: a value as in a file,
    /// dates and times by ISO 8601. A null in a file stays one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub default: Option<String>,
    /// What it holds, for people; the comment of the table's column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub description: Option<String>,
}

/// How numbers are written, where not as `-1234.5`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NumberFormat {
    /// Separates whole and fraction, one character.
    pub decimal: char,
    /// Separates groups of three digits; none unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub thousands: Option<char>,
    /// Signs and codes that may stand in front or behind, as in `$` and `EUR`.
    pub currency: Vec<String>,
    /// Whether `(5)` is minus five.
    pub parentheses: bool,
    /// Whether `5%` is five hundredths.
    pub percent: bool,
}

impl Default for NumberFormat {
    fn default() -> Self {
        Self {
            decimal: '.',
            thousands: None,
            currency: Vec::new(),
            parentheses: false,
            percent: false,
        }
    }
}

impl ColumnDef {
    /// A column with nothing but a name and a type.
    pub fn new(name: impl Into<String>, data_type: DataType) -> Self {
        Self {
            name: name.into(),
            from: None,
            data_type,
            format: Formats::default(),
            required: false,
            null: None,
            trim: false,
            number: NumberFormat::default(),
            true_words: Vec::new(),
            false_words: Vec::new(),
            zone: None,
            start: None,
            width: None,
            default: None,
            description: None,
        }
    }

    /// The name the column has in the source.
    pub fn source_name(&self) -> &str {
        self.from.as_deref().unwrap_or(&self.name)
    }
}

/// One or several `strftime` patterns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "OneOrMany", into = "Vec<String>")]
#[schemars(with = "OneOrMany")]
pub struct Formats(pub Vec<String>);

impl Formats {
    /// Whether no pattern is given.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<OneOrMany> for Formats {
    fn from(value: OneOrMany) -> Self {
        match value {
            OneOrMany::One(one) => Self(vec![one]),
            OneOrMany::Many(many) => Self(many),
        }
    }
}

impl From<Formats> for Vec<String> {
    fn from(formats: Formats) -> Self {
        formats.0
    }
}

/// Something that must hold for every row, or for the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// SQL boolean over the row's columns, as in `amount > 0`. Null counts as
    /// holding, as in a SQL `CHECK`. Or, about more than one row: `unique(id)`,
    /// `row_count between 1 and 1000000`,
    /// `max_age(updated_at) <= interval '2 days'`,
    /// `references(customer_id, customers.id)`.
    pub rule: String,
    /// What happens where it does not hold.
    #[serde(default)]
    pub on_fail: OnFail,
}

/// What a broken expectation does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFail {
    /// The row goes to the rejects.
    #[default]
    RejectRow,
    /// The file is dead-lettered and nothing of it is loaded.
    RejectFile,
    /// The row is kept and the breach is counted.
    Warn,
}

/// What becomes of bad rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct RejectOptions {
    /// More rejects than this and nothing of the file is loaded.
    pub max: RejectLimit,
}

/// A limit on rejected rows: a share of the rows read (`1%`), those that the
/// dataset's `where` skips not counted, or a number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum RejectLimit {
    /// Per cent of the rows read, 0 to 100.
    Percent(f64),
    /// A number of rows.
    Rows(u64),
}

impl Default for RejectLimit {
    /// All rows may be rejected: nothing is dead-lettered for rejects alone
    /// unless the pipeline file says so.
    fn default() -> Self {
        Self::Percent(100.0)
    }
}

impl RejectLimit {
    /// Whether `rejected` of `read` rows are more than the limit allows.
    pub fn exceeded(&self, rejected: u64, read: u64) -> bool {
        match *self {
            Self::Rows(max) => rejected > max,
            Self::Percent(max) => rejected as f64 * 100.0 > max * read as f64,
        }
    }
}

/// A limit that is written wrongly.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{0}` is not a limit on rejects; write a share such as `1%` or a number of rows such as `100`"
)]
pub struct RejectLimitError(pub String);

impl FromStr for RejectLimit {
    type Err = RejectLimitError;

    fn from_str(text: &str) -> Result<Self, RejectLimitError> {
        let wrong = || RejectLimitError(text.to_owned());
        match text.trim().strip_suffix('%') {
            Some(percent) => match percent.trim().parse::<f64>() {
                Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(Self::Percent(percent)),
                _ => Err(wrong()),
            },
            None => text.trim().parse().map(Self::Rows).map_err(|_| wrong()),
        }
    }
}

impl TryFrom<String> for RejectLimit {
    type Error = RejectLimitError;

    fn try_from(text: String) -> Result<Self, RejectLimitError> {
        text.parse()
    }
}

impl From<RejectLimit> for String {
    fn from(limit: RejectLimit) -> Self {
        match limit {
            RejectLimit::Percent(percent) => format!("{percent}%"),
            RejectLimit::Rows(rows) => rows.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reject_limit_is_a_share_or_a_number() {
        let one_percent: RejectLimit = "1%".parse().expect("a share");
        assert!(!one_percent.exceeded(1, 100));
        assert!(one_percent.exceeded(2, 100));
        let none: RejectLimit = "0".parse().expect("a number");
        assert!(none.exceeded(1, 1_000_000));
        assert!(!RejectLimit::default().exceeded(5, 5));
        for wrong in ["", "101%", "-1%", "many", "1.5"] {
            assert!(wrong.parse::<RejectLimit>().is_err(), "{wrong}");
        }
    }
}
