//! Which cells of a workbook are a dataset.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Which cells of a workbook are read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct XlsxOptions {
    /// The sheet, by its name or by its number, counted from 1; the first one
    /// unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SheetRef")]
    pub sheet: Option<SheetRef>,
    /// The cells, as in `B3:F200`; without a last row, as in `B3:F`, down to the
    /// end. All that are used unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub range: Option<CellRange>,
    /// Which of the tables that blank rows set apart from each other: from 1, or
    /// from the end as a negative number, -1 being the last. Without it all rows
    /// are one table.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i32")]
    pub table: Option<i32>,
    /// Whether the first row names the columns. Without it, columns are taken by
    /// position.
    pub header: bool,
    /// Rows that the header has. Of several, each cell but those of the last row
    /// stands for the empty ones to its right, too, and a column is named by its
    /// cells, joined by `_`.
    #[serde(skip_serializing_if = "is_one")]
    #[schemars(range(min = 1, max = 10))]
    pub header_rows: u32,
    /// Rows at the start that are skipped.
    pub skip_rows: u32,
    /// Texts of cells that mean null.
    pub null: Vec<String>,
}

impl Default for XlsxOptions {
    fn default() -> Self {
        Self {
            sheet: None,
            range: None,
            table: None,
            header: true,
            header_rows: 1,
            skip_rows: 0,
            null: vec![String::new()],
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_one(rows: &u32) -> bool {
    *rows == 1
}

/// A sheet of a workbook.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum SheetRef {
    /// Its place among the sheets, counted from 1.
    Number(u32),
    /// Its name.
    Name(String),
}

/// A rectangle of cells; columns and rows are counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CellRange {
    /// The first column.
    pub first_column: u32,
    /// The last column.
    pub last_column: u32,
    /// The first row.
    pub first_row: u32,
    /// The last row; none goes down to the end of the sheet.
    pub last_row: Option<u32>,
}

/// A range that is written wrongly.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not a range of cells; write it as in `B3:F200`, or `B3:F` down to the end")]
pub struct CellRangeError(pub String);

/// Most columns and rows that a sheet has.
const MOST: (u32, u32) = (16_384, 1_048_576);

impl FromStr for CellRange {
    type Err = CellRangeError;

    fn from_str(text: &str) -> Result<Self, CellRangeError> {
        let wrong = || CellRangeError(text.to_owned());
        let (first, last) = text.trim().split_once(':').ok_or_else(wrong)?;
        let (first_column, first_row) = cell(first).ok_or_else(wrong)?;
        let (last_column, last_row) = cell(last).ok_or_else(wrong)?;
        let first_row = first_row.unwrap_or(0);
        let in_order = first_column <= last_column && last_row.is_none_or(|row| first_row <= row);
        let range = Self { first_column, last_column, first_row, last_row };
        if in_order { Ok(range) } else { Err(wrong()) }
    }
}

/// Column and row of a cell's name; a name may have no row.
fn cell(name: &str) -> Option<(u32, Option<u32>)> {
    let name = name.trim();
    let digits = name.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(name.len());
    let (letters, digits) = name.split_at(digits);
    if letters.is_empty() || letters.len() > 3 {
        return None;
    }
    let add = |number, letter: u8| number * 26 + u32::from(letter.to_ascii_uppercase() - b'A') + 1;
    let column = letters.bytes().fold(0, add);
    let row = match digits {
        "" => None,
        digits => Some(digits.parse().ok().filter(|row| (1..=MOST.1).contains(row))?),
    };
    (column <= MOST.0).then_some((column - 1, row.map(|row| row - 1)))
}

impl fmt::Display for CellRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (letters(self.first_column), letters(self.last_column));
        write!(f, "{first}{}:{last}", self.first_row + 1)?;
        self.last_row.map_or(Ok(()), |row| write!(f, "{}", row + 1))
    }
}

/// The name of a sheet's column: `A` for 0, `AA` for 26.
fn letters(column: u32) -> String {
    let (mut rest, mut letters) = (column + 1, String::new());
    while rest > 0 {
        letters.insert(0, char::from(b'A' + ((rest - 1) % 26) as u8));
        rest = (rest - 1) / 26;
    }
    letters
}

impl TryFrom<String> for CellRange {
    type Error = CellRangeError;

    fn try_from(text: String) -> Result<Self, CellRangeError> {
        text.parse()
    }
}

impl From<CellRange> for String {
    fn from(range: CellRange) -> Self {
        range.to_string()
    }
}

impl CellRange {
    /// The name of a column, counted from 0: `A`, `Z`, `AA`.
    pub fn column_letters(column: u32) -> String {
        letters(column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_read_as_sheets_name_them() {
        for (text, shown) in [
            ("B3:F200", "B3:F200"),
            ("b3:f", "B3:F"),
            ("A:AA", "A1:AA"),
            (" XFD1:XFD1048576 ", "XFD1:XFD1048576"),
        ] {
            assert_eq!(text.parse::<CellRange>().map(|range| range.to_string()), Ok(shown.into()));
        }
        let range: CellRange = "B3:F200".parse().expect("a range");
        assert_eq!((range.first_column, range.first_row, range.last_row), (1, 2, Some(199)));
        for text in ["", "B3", "F3:B9", "B9:F3", "B0:F9", "3:9", "XFE1:XFE2", "B3:F2000000"] {
            assert!(text.parse::<CellRange>().is_err(), "{text}");
        }
    }
}
