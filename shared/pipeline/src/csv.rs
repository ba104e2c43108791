//! Reads how delimited text is written: `csv = { … }`.

use millrace_contract::{CsvOptions, Escape, FileFormat, TextBlock};

use crate::entry::Entry;
use crate::walk::Section;

/// Bytes of the longest comment prefix.
const LONGEST_COMMENT: usize = 8;

/// Lines in front of a header, at most.
pub(crate) const MOST_SKIPPED: u64 = 1_000_000;

/// Reads the options of a dataset of `format`, and notes those that get in each
/// other's way.
pub(crate) fn read(section: &Section<'_>, format: FileFormat) -> CsvOptions {
    let delimiter = if format == FileFormat::Tsv { '\t' } else { ',' };
    let defaults = CsvOptions { delimiter, ..CsvOptions::default() };
    let Some(entry) = section.get("csv") else { return defaults };
    if !matches!(format, FileFormat::Csv | FileFormat::Tsv) {
        let name = section.get("format").and_then(|entry| entry.text()).unwrap_or("ndjson");
        entry.note(format!("`csv` says how delimited text is written, but the format is {name}"));
    }
    let Some(csv) = entry.section() else { return defaults };
    let options = CsvOptions {
        delimiter: csv.get("delimiter").and_then(|e| character(&e)).unwrap_or(delimiter),
        quote: csv.get("quote").map_or(defaults.quote, |entry| quote(&entry)),
        escape: csv.get("escape").and_then(|entry| entry.choice()).unwrap_or_default(),
        header: csv.get("header").and_then(|entry| entry.flag()).unwrap_or(defaults.header),
        null: csv.get("null").and_then(|entry| nulls(&entry)).unwrap_or(defaults.null),
        encoding: csv.get("encoding").and_then(|entry| entry.choice()).unwrap_or_default(),
        comment: csv.get("comment").and_then(|entry| comment(&entry)),
        skip_lines: skip_lines(&csv),
        block: csv.get("block").and_then(|entry| block(&entry)),
        trailing_delimiter: flag(&csv, "trailing_delimiter"),
        ragged: csv.get("ragged").and_then(|entry| entry.choice()).unwrap_or_default(),
        line_ends: csv.get("line_ends").and_then(|entry| entry.choice()).unwrap_or_default(),
    };
    note_clashes(&csv, format, &options);
    options
}

fn flag(csv: &Section<'_>, name: &str) -> bool {
    csv.get(name).and_then(|entry| entry.flag()).unwrap_or_default()
}

/// Where a block starts and ends; one of both has to be said.
fn block(entry: &Entry<'_>) -> Option<TextBlock> {
    let section = entry.section()?;
    let text = |name| section.get(name).and_then(|entry| one_line(&entry));
    let block = TextBlock { after: text("after"), until: text("until") };
    if let (Some(""), Some(entry)) = (block.after.as_deref(), section.get("after")) {
        entry.note("every line begins with an empty text; leave `after` out for the first line");
    }
    if section.get("after").is_none() && section.get("until").is_none() {
        entry.note_with(
            "the block has no start and no end",
            "write `block = { after = \"[Positions]\", until = \"\" }`",
        );
    }
    Some(block)
}

fn one_line(entry: &Entry<'_>) -> Option<String> {
    let text = entry.text()?;
    if text.contains(['\r', '\n']) {
        entry.note(format!("{text:?} can't begin a line: it has a line end"));
        return None;
    }
    Some(text.to_owned())
}

fn skip_lines(csv: &Section<'_>) -> u32 {
    let lines = csv.get("skip_lines").and_then(|entry| entry.number(0..=MOST_SKIPPED));
    lines.and_then(|lines| u32::try_from(lines).ok()).unwrap_or_default()
}

fn nulls(entry: &Entry<'_>) -> Option<Vec<String>> {
    Some(entry.texts()?.into_iter().map(|(text, _)| text.to_owned()).collect())
}

/// One ASCII character. What is longer could not be told from data as fast as
/// every file has to be read.
fn character(entry: &Entry<'_>) -> Option<char> {
    let text = entry.text()?;
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(c), None) if c.is_ascii() && !matches!(c, '\n' | '\r' | '\0') => Some(c),
        (Some(_), Some(_)) => {
            entry.note(format!(
                "{text:?} has {} characters, but has to be one: rows are split by single bytes",
                text.chars().count()
            ));
            None
        }
        _ => {
            entry.note(format!("{text:?} is not one ASCII character that can stand in a line"));
            None
        }
    }
}

/// A quote; an empty text says that there is none.
fn quote(entry: &Entry<'_>) -> Option<char> {
    let none = entry.text().is_some_and(str::is_empty);
    if none { None } else { character(entry).or(CsvOptions::default().quote) }
}

fn comment(entry: &Entry<'_>) -> Option<String> {
    let text = entry.text()?;
    if text.is_empty() || text.len() > LONGEST_COMMENT || text.contains(['\r', '\n', '\0']) {
        entry.note_with(
            format!("{text:?} cannot begin a comment: it takes 1 to {LONGEST_COMMENT} bytes"),
            "write `comment = \"#\"`, or nothing where there are no comments",
        );
        return None;
    }
    Some(text.to_owned())
}

fn note_clashes(csv: &Section<'_>, format: FileFormat, options: &CsvOptions) {
    if let Some(entry) = csv.get("delimiter").or_else(|| csv.get("quote")) {
        note_delimiter(&entry, format, options);
    }
    if let (Escape::Backslash, Some(entry)) = (options.escape, csv.get("escape"))
        && (options.delimiter == '\\' || options.quote == Some('\\'))
    {
        entry.note("a backslash is the delimiter or the quote already");
    }
    if let (Some(comment), Some(entry)) = (&options.comment, csv.get("comment"))
        && (comment.starts_with(options.delimiter) || comment.chars().next() == options.quote)
    {
        entry.note("rows may begin like a comment: it starts with the delimiter or the quote");
    }
}

fn note_delimiter(entry: &Entry<'_>, format: FileFormat, options: &CsvOptions) {
    if format == FileFormat::Tsv && options.delimiter != '\t' {
        let hint = r#"write format = "csv""#;
        entry.note_with("the format is tsv, whose delimiter is a tab", hint);
    }
    if Some(options.delimiter) == options.quote {
        entry.note("`delimiter` and `quote` are the same character");
    }
}
