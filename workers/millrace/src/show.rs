//! What people see: tables, colours, sizes, times. Data goes to standard
//! output, everything else to standard error.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::sync::OnceLock;

use comfy_table::{
    Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets,
};
use millrace_localaws::FaultCount;
use serde::Serialize;

use crate::args::Color;

static COLOUR: OnceLock<bool> = OnceLock::new();

/// Decides once whether colours are used.
pub(crate) fn set_colour(choice: Color) {
    let wanted = match choice {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                && std::io::stdout().is_terminal()
                && std::io::stderr().is_terminal()
        }
    };
    let _ = COLOUR.set(wanted);
}

/// Whether colours are used.
pub(crate) fn colour() -> bool {
    COLOUR.get().copied().unwrap_or(false)
}

/// A kind of emphasis.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Style {
    Bold,
    Good,
    Bad,
    Faint,
}

/// The text in that style, where colours are used.
pub(crate) fn styled(text: impl Display, style: Style) -> String {
    let code = match style {
        Style::Bold => "1",
        Style::Good => "32",
        Style::Bad => "31",
        Style::Faint => "2",
    };
    if colour() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_string() }
}

/// A line of data.
pub(crate) fn line(text: impl Display) {
    // A closed pipe (`millrace runs | head`) is the reader's choice, no error.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// A line about what is going on.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// An error with its causes.
pub(crate) fn error(error: &anyhow::Error) {
    note(format_args!("{} {error:#}", styled("error:", Style::Bad)));
}

/// How often each fault that was asked for happened; nothing if none was.
pub(crate) fn faults(counts: &[FaultCount]) {
    for count in counts {
        let FaultCount { effect, matched, happened } = count;
        note(format_args!("fault {effect}: happened {happened} times of {matched}"));
    }
}

/// Data as JSON.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(serde_json::to_string_pretty(value)?);
    Ok(())
}

/// A table of data: headers, then rows. Columns whose header starts with `#`
/// hold numbers and stand on the right.
pub(crate) fn table(headers: &[&str], rows: Vec<Vec<String>>) {
    line(render(headers, rows));
}

/// The table that [`table`] prints.
pub(crate) fn render(headers: &[&str], rows: Vec<Vec<String>>) -> String {
    let named = headers
        .iter()
        .map(|header| (header.trim_start_matches('#').to_uppercase(), header.starts_with('#')));
    let named: Vec<_> = named.collect();
    let named: Vec<_> = named.iter().map(|(name, number)| (&**name, *number)).collect();
    grid(&named, rows)
}

/// A table with its headers as they are; where `true` stands beside one, its
/// column holds numbers and stands on the right. On a terminal it is as wide as that
/// at most.
pub(crate) fn grid(headers: &[(&str, bool)], rows: Vec<Vec<String>>) -> String {
    layout(headers, rows, Table::new().width())
}

/// Blanks between columns.
const GAP: u16 = 2;

/// A table that is at most so wide. Lines are broken between words; where there is no
/// room for whole words side by side, every row is a block with a line for each
/// column.
fn layout(headers: &[(&str, bool)], rows: Vec<Vec<String>>, width: Option<u16>) -> String {
    let words: Vec<u16> = (0..headers.len()).map(|at| longest_word(headers, &rows, at)).collect();
    let narrowest = words.iter().map(|word| word.saturating_add(GAP)).fold(0, u16::saturating_add);
    match width {
        Some(width) if narrowest > width && !rows.is_empty() => blocks(headers, rows, width),
        Some(_) | None => columns(headers, rows, &words, width),
    }
}

/// Width of the longest word in a column.
fn longest_word(headers: &[(&str, bool)], rows: &[Vec<String>], at: usize) -> u16 {
    let texts = rows.iter().filter_map(|row| row.get(at).map(String::as_str));
    let words = texts.chain([headers[at].0]).flat_map(str::split_whitespace);
    words.map(|word| u16::try_from(word.chars().count()).unwrap_or(u16::MAX)).max().unwrap_or(0)
}

fn columns(
    headers: &[(&str, bool)],
    rows: Vec<Vec<String>>,
    words: &[u16],
    width: Option<u16>,
) -> String {
    let cell = |text: &str, number: bool| {
        let side = if number { CellAlignment::Right } else { CellAlignment::Left };
        Cell::new(text).set_alignment(side)
    };
    let mut table = plain(width);
    table.set_header(headers.iter().map(|(name, number)| cell(name, *number)));
    for row in rows {
        table.add_row(row.iter().zip(headers).map(|(text, (_, number))| cell(text, *number)));
    }
    for (column, word) in table.column_iter_mut().zip(words) {
        column.set_padding((0, GAP));
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(word + GAP)));
    }
    trimmed(&table)
}

fn blocks(headers: &[(&str, bool)], rows: Vec<Vec<String>>, width: u16) -> String {
    let block = |row: Vec<String>| {
        let mut table = plain(Some(width));
        for ((name, _), text) in headers.iter().zip(row) {
            table.add_row([(*name).to_owned(), text]);
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, GAP));
        }
        if let Some(names) = table.column_mut(0) {
            names.set_constraint(ColumnConstraint::ContentWidth);
        }
        trimmed(&table)
    };
    rows.into_iter().map(block).collect::<Vec<_>>().join("\n\n")
}

/// A table without lines, of at most that width.
fn plain(width: Option<u16>) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    match width {
        Some(width) => table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    table
}

fn trimmed(table: &Table) -> String {
    let text = table.to_string();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// A number with thousands separated.
pub(crate) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of bytes.
pub(crate) fn bytes(value: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if value < 1024 {
        return format!("{value} B");
    }
    let mut scaled = value as f64 / 1024.0;
    let mut unit = 0;
    while scaled >= 1024.0 && unit + 1 < UNITS.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    format!("{scaled:.1} {}", UNITS[unit])
}

/// How long something takes, in its two largest units: `45s`, `3m 20s`, `2h 5m`.
pub(crate) fn duration(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let Some(first) = UNITS.iter().position(|(length, _)| seconds >= *length) else {
        return "0s".to_owned();
    };
    let mut left = seconds;
    let mut parts = Vec::new();
    for (length, unit) in &UNITS[first..UNITS.len().min(first + 2)] {
        if left >= *length {
            parts.push(format!("{}{unit}", left / length));
            left %= length;
        }
    }
    parts.join(" ")
}

/// `1 row`, `2 rows`.
pub(crate) fn count(value: u64, noun: &str) -> String {
    format!("{} {noun}{}", number(value), if value == 1 { "" } else { "s" })
}

/// The first line of a text, cut to `width` characters.
pub(crate) fn brief(text: &str, width: usize) -> String {
    let first = text.lines().next().unwrap_or_default();
    match first.char_indices().nth(width) {
        Some((at, _)) => format!("{}…", &first[..at]),
        None => first.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_sizes_scaled() {
        assert_eq!(number(0), "0");
        assert_eq!(number(1234567), "1,234,567");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(8 * 1024 * 1024), "8.0 MiB");
    }

    #[test]
    fn durations_have_their_two_largest_units() {
        for (seconds, expected) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (200, "3m 20s"),
            (7_500, "2h 5m"),
            (90_000, "1d 1h"),
        ] {
            assert_eq!(duration(seconds), expected);
        }
    }

    #[test]
    fn a_table_has_no_trailing_blanks_and_numbers_on_the_right() {
        let rows = vec![vec!["a".into(), "1".into()], vec!["bcd".into(), "1,000".into()]];
        assert_eq!(render(&["name", "#rows"], rows), "NAME   ROWS\na         1\nbcd   1,000");
    }

    fn at(width: u16) -> String {
        let headers = [("STAGE", false), ("ROWS", true), ("REASON", false)];
        let row = |stage: &str, rows: &str, why: &str| vec![stage.into(), rows.into(), why.into()];
        let rows = vec![
            row("transform", "1,000", "2 of 3 rows are rejected"),
            row("load", "7", "the database is down"),
        ];
        layout(&headers, rows, Some(width))
    }

    #[test]
    fn a_table_is_broken_between_words_to_fit_the_terminal() {
        for width in [60, 40, 30] {
            let table = at(width);
            let widest = table.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(width.into()), "{table}");
            for word in ["STAGE", "transform", "1,000", "rejected", "database"] {
                assert!(table.contains(word), "{width}: {word} is broken\n{table}");
            }
        }
        assert!(at(60).starts_with("STAGE       ROWS  REASON\n"), "{}", at(60));
    }

    #[test]
    fn where_words_have_no_room_side_by_side_each_row_is_a_block() {
        let expected = "STAGE   transform\nROWS    1,000\nREASON  2 of 3 rows\n        are rejected\n\n\
                        STAGE   load\nROWS    7\nREASON  the database\n        is down";
        assert_eq!(at(22), expected);
    }
}
