//! A stretch of the file that holds whole rows, and where its rows and fields
//! are: what the splitters hand to the decoders.

use std::sync::Arc;

use arrow::array::RecordBatch;
use millrace_contract::CellRange;

use crate::fault::Malformed;
use crate::lines::LineEnd;
use crate::source::Charset;

/// Whole rows of the file, found but not yet understood.
#[derive(Debug, Default)]
pub(crate) struct Block {
    /// The bytes, from the start of the first row.
    pub(crate) bytes: Vec<u8>,
    /// Offset of the first byte after decompression, in the source's encoding.
    pub(crate) offset: u64,
    /// The source's encoding; the bytes themselves are UTF-8.
    pub(crate) charset: Charset,
    /// Line of the first byte, counted from 1.
    pub(crate) line: u64,
    /// How many bytes of that line stand in front of it.
    pub(crate) column: usize,
    /// What ends a line.
    pub(crate) line_end: LineEnd,
    /// The rows that have the right shape.
    pub(crate) rows: Rows,
    /// The rows that do not.
    pub(crate) malformed: Vec<MalformedRow>,
    /// Rows found, of every kind, blank lines included.
    pub(crate) read: u64,
    /// How places in the file are named.
    pub(crate) places: Places,
    /// The rows' values, where the file is no text. The bytes then hold a line
    /// for each row, which is empty until its text is asked for.
    pub(crate) values: Option<RecordBatch>,
}

/// How places in a file are named.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) enum Places {
    /// By lines and bytes.
    #[default]
    Lines,
    /// By rows, of which each has a line of the block.
    Rows,
    /// By the rows and cells of a sheet.
    Cells(Cells),
}

/// Where the rows of a block lie in a sheet.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Cells {
    /// Where each row starts in the block, and its number in the sheet, counted
    /// from 1.
    pub(crate) rows: Vec<(u32, u64)>,
    /// The column of the first field, counted from 0.
    pub(crate) first_column: u32,
    /// What the columns are called; fields of a row are separated by
    /// [`CELL_END`].
    pub(crate) header: Arc<[String]>,
}

/// Stands between the cells of a row: a character that XML can't hold.
pub(crate) const CELL_END: u8 = 0x1F;

impl Cells {
    /// The number of the row at a position of the block.
    fn row_at(&self, position: u32) -> u64 {
        let behind = self.rows.partition_point(|(start, _)| *start <= position);
        self.rows.get(behind.saturating_sub(1)).map_or(1, |(_, number)| *number)
    }
}

/// Where rows and their fields lie.
///
/// A row of `n` fields has `n + 1` marks: the position before its first byte,
/// then the end of each field. Field `i` lies from one byte after mark `i` up to
/// mark `i + 1`. The position before byte 0 is [`u32::MAX`]. A field that ends
/// before it starts is not in the file: it fills up a row that is too short.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// Marks of all rows, one row after the other.
    pub(crate) marks: Vec<u32>,
    /// Marks per row.
    pub(crate) stride: usize,
}

/// The field between two marks.
#[inline]
pub(crate) fn field<'a>(bytes: &'a [u8], marks: &[u32]) -> &'a [u8] {
    bytes.get(marks[0].wrapping_add(1) as usize..marks[1] as usize).unwrap_or_default()
}

/// A row that has the wrong shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MalformedRow {
    /// Where it starts.
    pub(crate) start: u32,
    /// Where it ends, the line end not counted.
    pub(crate) end: u32,
    /// What is wrong with it.
    pub(crate) fault: Malformed,
}

impl Rows {
    /// Empties the rows for rows of `fields` fields.
    pub(crate) fn reset(&mut self, fields: usize) {
        self.marks.clear();
        self.stride = fields + 1;
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.marks.len() / self.stride.max(1)
    }

    /// Start and end of a row.
    pub(crate) fn span(&self, row: usize) -> (u32, u32) {
        let first = row * self.stride;
        (self.marks[first].wrapping_add(1), self.marks[first + self.stride - 1])
    }

    /// Removes the rows for which `keep` is false.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(usize) -> bool) {
        let stride = self.stride;
        let mut kept = 0;
        for row in 0..self.len() {
            if keep(row) {
                self.marks.copy_within(row * stride..(row + 1) * stride, kept * stride);
                kept += 1;
            }
        }
        self.marks.truncate(kept * stride);
    }
}

impl Block {
    /// The bytes of a row.
    pub(crate) fn row(&self, row: usize) -> &[u8] {
        let (start, end) = self.rows.span(row);
        &self.bytes[start as usize..end as usize]
    }

    /// How many lines end in these bytes.
    pub(crate) fn line_ends(&self) -> u64 {
        self.line_end.count(&self.bytes) as u64
    }
}

/// Finds lines and offsets in a block, fastest for positions in ascending order.
pub(crate) struct Lines<'a> {
    block: &'a Block,
    at: usize,
    line: u64,
    offset: u64,
}

impl<'a> Lines<'a> {
    /// Starts at the first line of `block`.
    pub(crate) fn new(block: &'a Block) -> Self {
        Self { block, at: 0, line: block.line, offset: block.offset }
    }

    /// The line of the byte at `position`, or the row where places are rows.
    pub(crate) fn line_of(&mut self, position: u32) -> u64 {
        match &self.block.places {
            Places::Cells(cells) => cells.row_at(position),
            Places::Lines | Places::Rows => {
                self.move_to(position as usize);
                self.line
            }
        }
    }

    /// What the row at `position` is called, or the cell in it that holds the
    /// field `field`.
    pub(crate) fn place_of(&mut self, position: u32, field: Option<usize>) -> String {
        let number = self.line_of(position);
        match (&self.block.places, field) {
            (Places::Lines, _) => format!("line {number}"),
            (Places::Rows, _) | (Places::Cells(_), None) => format!("row {number}"),
            (Places::Cells(cells), Some(field)) => {
                let column = cells.first_column + field as u32;
                format!("cell {}{number}", CellRange::column_letters(column))
            }
        }
    }

    /// The place of the byte at `position` in its line, counted from 1 in bytes.
    pub(crate) fn column_of(&self, position: u32) -> usize {
        let before = &self.block.bytes[..position as usize];
        match memchr::memrchr(self.block.line_end.byte(), before) {
            Some(line_end) => before.len() - line_end,
            None => self.block.column + before.len() + 1,
        }
    }

    /// Where the byte at `position` stands in the source; where places are rows,
    /// how many of them are in front of it.
    pub(crate) fn offset_of(&mut self, position: u32) -> u64 {
        match &self.block.places {
            Places::Lines => {
                self.move_to(position as usize);
                self.offset
            }
            Places::Rows | Places::Cells(_) => self.line_of(position).saturating_sub(1),
        }
    }

    fn move_to(&mut self, position: usize) {
        if position < self.at {
            (self.at, self.line, self.offset) = (0, self.block.line, self.block.offset);
        }
        let between = &self.block.bytes[self.at..position];
        self.line += self.block.line_end.count(between) as u64;
        self.offset += self.block.charset.source_length(between);
        self.at = position;
    }
}
