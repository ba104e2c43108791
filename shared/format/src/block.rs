//! A stretch of the file that holds whole rows, and where its rows and fields
//! are: what the splitters hand to the decoders.

use memchr::memchr_iter;

use crate::fault::Malformed;

/// Whole rows of the file, found but not yet understood.
#[derive(Debug, Default)]
pub(crate) struct Block {
    /// The bytes, from the start of the first row.
    pub(crate) bytes: Vec<u8>,
    /// Offset of the first byte after decompression.
    pub(crate) offset: u64,
    /// Line of the first byte, counted from 1.
    pub(crate) line: u64,
    /// The byte that ends a line.
    pub(crate) line_end: u8,
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
/// mark `i + 1`. The position before byte 0 is [`u32::MAX`].
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// Marks of all rows, one row after the other.
    pub(crate) marks: Vec<u32>,
    /// Marks per row.
    pub(crate) stride: usize,
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
        memchr_iter(self.line_end, &self.bytes).count() as u64
    }
}

/// Finds line numbers in a block, for positions in ascending order.
pub(crate) struct Lines<'a> {
    block: &'a Block,
    at: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    /// Starts at the first line of `block`.
    pub(crate) fn new(block: &'a Block) -> Self {
        Self { block, at: 0, line: block.line }
    }

    /// The line of the byte at `position`.
    pub(crate) fn line_of(&mut self, position: u32) -> u64 {
        let position = position as usize;
        if position < self.at {
            (self.at, self.line) = (0, self.block.line);
        }
        let between = &self.block.bytes[self.at..position];
        self.line += memchr_iter(self.block.line_end, between).count() as u64;
        self.at = position;
        self.line
    }
}
