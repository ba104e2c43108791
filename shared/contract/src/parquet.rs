//! How a dataset's Parquet is written: `[datasets.NAME.parquet]`, with the small
//! notations it has of its own (`zstd(3)`, `id desc`, `true` or a list).

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::dataset::is_default;
use crate::limits::Size;

/// How Parquet is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ParquetOptions {
    /// Columns (or captures of the pattern) that become Hive folders
    /// `name=value`, in this order.
    pub partition_by: Vec<String>,
    /// Compression of pages: `zstd`, `zstd(3)`, `gzip`, `gzip(6)`, `snappy` or
    /// `uncompressed`.
    pub compression: ParquetCompression,
    /// Rows per row group at most. Memory bounds may close one earlier.
    pub row_group_rows: u32,
    /// Bytes per row group at most, as its rows lie in memory: neither encoded
    /// nor compressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Size")]
    pub row_group_size: Option<u64>,
    /// Bytes that a file is meant to have. It ends at the row group nearest to
    /// them, and a further file of the same partition begins; one file per
    /// partition unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Size")]
    pub file_size: Option<u64>,
    /// Columns that rows are sorted by within each row group: `ts`, `id desc`.
    /// Nulls come last, equal rows stay in the order of the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sort_by: Vec<SortKey>,
    /// Columns with a bloom filter in each row group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bloom_filter: Vec<String>,
    /// Columns that may have dictionaries: `true` for all, `false` for none, or
    /// a list. Unless given, those whose first values repeat.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dictionary: Dictionary,
}

impl Default for ParquetOptions {
    fn default() -> Self {
        Self {
            partition_by: Vec::new(),
            compression: ParquetCompression::default(),
            row_group_rows: 122_880,
            row_group_size: None,
            file_size: None,
            sort_by: Vec::new(),
            bloom_filter: Vec::new(),
            dictionary: Dictionary::default(),
        }
    }
}

/// Compression of Parquet pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum ParquetCompression {
    /// Zstandard at a level of 1 to 22.
    Zstd(u8),
    /// Gzip at a level of 1 to 9.
    Gzip(u8),
    /// Snappy.
    Snappy,
    /// None.
    Uncompressed,
}

impl ParquetCompression {
    /// `zstd`: Zstandard at its fastest level, which is as small as gzip.
    pub const ZSTD: Self = Self::Zstd(1);
    /// `gzip`: at the level that gzip itself takes.
    pub const GZIP: Self = Self::Gzip(6);
}

impl Default for ParquetCompression {
    fn default() -> Self {
        Self::ZSTD
    }
}

impl fmt::Display for ParquetCompression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            &Self::ZSTD => f.write_str("zstd"),
            Self::Zstd(level) => write!(f, "zstd({level})"),
            &Self::GZIP => f.write_str("gzip"),
            Self::Gzip(level) => write!(f, "gzip({level})"),
            Self::Snappy => f.write_str("snappy"),
            Self::Uncompressed => f.write_str("uncompressed"),
        }
    }
}

/// A compression that is written wrongly.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{0}` is not a compression; write zstd, zstd(1) to zstd(22), gzip, gzip(1) to gzip(9), \
     snappy or uncompressed"
)]
pub struct CompressionError(pub String);

impl FromStr for ParquetCompression {
    type Err = CompressionError;

    fn from_str(text: &str) -> Result<Self, CompressionError> {
        let wrong = || CompressionError(text.to_owned());
        let (name, level) = match text.strip_suffix(')').and_then(|text| text.split_once('(')) {
            Some((name, level)) => (name, Some(level.parse::<u8>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        match (name, level) {
            ("zstd", None) => Ok(Self::ZSTD),
            ("zstd", Some(level @ 1..=22)) => Ok(Self::Zstd(level)),
            ("gzip", None) => Ok(Self::GZIP),
            ("gzip", Some(level @ 1..=9)) => Ok(Self::Gzip(level)),
            ("snappy", None) => Ok(Self::Snappy),
            ("uncompressed", None) => Ok(Self::Uncompressed),
            (_, _) => Err(wrong()),
        }
    }
}

impl TryFrom<String> for ParquetCompression {
    type Error = CompressionError;

    fn try_from(text: String) -> Result<Self, CompressionError> {
        text.parse()
    }
}

impl From<ParquetCompression> for String {
    fn from(compression: ParquetCompression) -> Self {
        compression.to_string()
    }
}

/// A column that rows are sorted by: `ts`, `ts asc` or `id desc`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(from = "String", into = "String")]
#[schemars(with = "String")]
pub struct SortKey {
    /// The column.
    pub column: String,
    /// Whether the largest value comes first.
    pub descending: bool,
}

impl From<&str> for SortKey {
    /// A column whose name ends like a direction needs one behind it:
    /// `"sort asc asc"`.
    fn from(text: &str) -> Self {
        let text = text.trim();
        let direction = text.rsplit_once(char::is_whitespace).and_then(|(column, word)| {
            let descending = word.eq_ignore_ascii_case("desc");
            (descending || word.eq_ignore_ascii_case("asc"))
                .then_some((column.trim_end(), descending))
        });
        let (column, descending) = direction.unwrap_or((text, false));
        Self { column: column.to_owned(), descending }
    }
}

impl From<String> for SortKey {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<SortKey> for String {
    fn from(key: SortKey) -> Self {
        let column = key.column;
        if key.descending {
            return column + " desc";
        }
        // Said only where the name alone would be read as something else.
        match SortKey::from(column.as_str()).column == column {
            true => column,
            false => column + " asc",
        }
    }
}

/// Which columns may have dictionaries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Said", into = "Said")]
#[schemars(with = "Said")]
pub enum Dictionary {
    /// Those whose first values repeat.
    #[default]
    Repeating,
    /// All.
    All,
    /// None.
    None,
    /// The named ones, at least one.
    Columns(Vec<String>),
}

/// A dictionary choice as it is written.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Said {
    Flag(bool),
    Columns(Vec<String>),
    /// What is not said, which is never written.
    #[schemars(skip)]
    Nothing(()),
}

impl From<Said> for Dictionary {
    fn from(said: Said) -> Self {
        match said {
            Said::Flag(true) => Self::All,
            Said::Flag(false) => Self::None,
            Said::Columns(columns) if columns.is_empty() => Self::None,
            Said::Columns(columns) => Self::Columns(columns),
            Said::Nothing(()) => Self::Repeating,
        }
    }
}

impl From<Dictionary> for Said {
    fn from(dictionary: Dictionary) -> Self {
        match dictionary {
            Dictionary::Repeating => Self::Nothing(()),
            Dictionary::All => Self::Flag(true),
            Dictionary::None => Self::Flag(false),
            Dictionary::Columns(columns) => Self::Columns(columns),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressions_are_read_and_shown() {
        for text in ["zstd", "zstd(3)", "zstd(22)", "gzip", "gzip(9)", "snappy", "uncompressed"] {
            let read: ParquetCompression = text.parse().expect(text);
            assert_eq!(read.to_string(), text);
        }
        assert_eq!("zstd(1)".parse(), Ok(ParquetCompression::ZSTD));
        for wrong in ["", "zstd(0)", "zstd(23)", "zstd(", "zstd()", "gzip(10)", "snappy(1)", "lzo"]
        {
            assert!(wrong.parse::<ParquetCompression>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn sort_keys_are_read_and_shown() {
        for (text, column, descending, shown) in [
            ("ts", "ts", false, "ts"),
            (" ts  ASC ", "ts", false, "ts"),
            ("id desc", "id", true, "id desc"),
            ("desc", "desc", false, "desc"),
            ("net worth", "net worth", false, "net worth"),
            ("sort asc asc", "sort asc", false, "sort asc asc"),
        ] {
            let key = SortKey::from(text);
            assert_eq!((&*key.column, key.descending), (column, descending), "{text}");
            assert_eq!(String::from(key), shown);
        }
    }

    #[test]
    fn options_of_an_earlier_version_are_written_as_they_were() {
        let earlier = r#"{"partition_by":[],"compression":"zstd","row_group_rows":122880}"#;
        let options = ParquetOptions::default();
        assert_eq!(serde_json::to_string(&options).expect("writes"), earlier);
        assert_eq!(serde_json::from_str::<ParquetOptions>(earlier).expect("reads"), options);
    }

    #[test]
    fn dictionaries_are_for_all_none_or_the_named() {
        let read = |text| serde_json::from_str::<Dictionary>(text).expect(text);
        assert_eq!(read("true"), Dictionary::All);
        assert_eq!((read("false"), read("[]")), (Dictionary::None, Dictionary::None));
        assert_eq!(read(r#"["a"]"#), Dictionary::Columns(vec!["a".into()]));
    }
}
