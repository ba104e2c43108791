//! A stretch of the file that holds whole rows, and where its rows and fields
//! are: what the splitters hand to the decoders.

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

    /// The line of the byte at `position`.
    pub(crate) fn line_of(&mut self, position: u32) -> u64 {
        self.move_to(position as usize);
        self.line
    }

    /// The place of the byte at `position` in its line, counted from 1 in bytes.
    pub(crate) fn column_of(&self, position: u32) -> usize {
        let before = &self.block.bytes[..position as usize];
        match memchr::memrchr(self.block.line_end.byte(), before) {
            Some(line_end) => before.len() - line_end,
            None => self.block.column + before.len() + 1,
        }
    }

    /// Where the byte at `position` stands in the source.
    pub(crate) fn offset_of(&mut self, position: u32) -> u64 {
        self.move_to(position as usize);
        self.offset
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
