//! Arguments of the commands that work on a file of this machine.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args as Group;
use millrace_contract::{FileFormat, ParquetCompression};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};

use super::{Format, capture};

/// A local file and how to read it.
#[derive(Debug, Clone, Group)]
pub(crate) struct FileArgs {
    /// The file; compression is seen by content.
    pub(crate) file: PathBuf,

    /// The pipeline file with the dataset.
    #[arg(long, value_name = "FILE", conflicts_with = "infer")]
    pub(crate) pipeline: Option<PathBuf>,

    /// Read the file as this dataset of the pipeline file.
    #[arg(long, value_name = "NAME", conflicts_with = "infer")]
    pub(crate) dataset: Option<String>,

    /// Find out by content how the file is written and what its columns are;
    /// the default without a pipeline file.
    #[arg(long)]
    pub(crate) infer: bool,

    /// Part of the key, as in `year=2024`, for a pattern with `{year}`.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = capture)]
    pub(crate) captures: Vec<(String, String)>,

    /// A Parquet file, or a folder of them, that the dataset's SQL joins with,
    /// under the name of its dataset. May be given several times.
    #[arg(long = "lookup", value_name = "NAME=PATH", value_parser = capture)]
    pub(crate) lookups: Vec<(String, String)>,

    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
}

/// How a file is written, where its content does not tell or tells wrongly.
#[derive(Debug, Clone, Group)]
pub(crate) struct ReadingArgs {
    /// Format: csv, tsv, ndjson, json, parquet or xlsx.
    #[arg(long, value_parser = word::<FileFormat>)]
    pub(crate) format: Option<FileFormat>,

    /// Field separator; `\t` is a tab.
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    pub(crate) delimiter: Option<char>,

    /// The first line holds values, not the columns' names.
    #[arg(long)]
    pub(crate) no_header: bool,

    /// A text that means null, beside the empty one. May be given several times.
    #[arg(long = "null", value_name = "TEXT")]
    pub(crate) nulls: Vec<String>,

    /// How much of the file inference looks at, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 64)]
    pub(crate) sample: u32,
}

#[derive(Debug, Group)]
pub(crate) struct TransformArgs {
    #[command(flatten)]
    pub(crate) file: FileArgs,

    /// Folder for the Parquet files and the rejects.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,

    /// Compression of an inferred file: zstd, zstd(3), gzip, snappy or uncompressed.
    #[arg(long, value_parser = word::<ParquetCompression>)]
    pub(crate) compression: Option<ParquetCompression>,

    /// Threads for decoding and for encoding; one per core unless given.
    #[arg(long)]
    pub(crate) threads: Option<NonZeroUsize>,

    /// How to print.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,
}

#[derive(Debug, Group)]
pub(crate) struct PreviewArgs {
    #[command(flatten)]
    pub(crate) file: FileArgs,

    /// How many rows, and how many rejects, are shown.
    #[arg(long, default_value_t = 10)]
    pub(crate) rows: usize,

    /// Read no further than the block in which so many rows are complete.
    #[arg(long, value_name = "ROWS", default_value_t = 100_000)]
    pub(crate) within: u64,

    /// How to print.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,
}

#[derive(Debug, Group)]
pub(crate) struct InferArgs {
    /// The file; compression is seen by content.
    pub(crate) file: PathBuf,

    /// What the dataset shall be called; after the file unless given.
    #[arg(long)]
    pub(crate) name: Option<String>,

    #[command(flatten)]
    pub(crate) reading: ReadingArgs,

    /// How to print: the block for the pipeline file, or JSON.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,
}

impl ReadingArgs {
    /// Whether anything is said that a dataset of a pipeline file says itself.
    pub(crate) fn is_given(&self) -> bool {
        let Self { format, delimiter, no_header, nulls, sample: _ } = self;
        format.is_some() || delimiter.is_some() || *no_header || !nulls.is_empty()
    }
}

/// A word as the pipeline file has it.
fn word<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, String> {
    let word: StrDeserializer<'_, Error> = text.into_deserializer();
    T::deserialize(word).map_err(|error| error.to_string())
}

fn delimiter(text: &str) -> Result<char, String> {
    let text = if text == "\\t" { "\t" } else { text };
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(character), None) if character.is_ascii() => Ok(character),
        _ => Err("write one ASCII character, or \\t".to_owned()),
    }
}
