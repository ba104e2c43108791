//! Cuts the stream into blocks of whole rows.
//!
//! A block ends where a row ends, so that blocks can be decoded independently.
//! Where it ends depends on the bytes alone, not on how they arrive.

mod outside;

use std::io::Read;
use std::mem::swap;

use memchr::memchr_iter;
use millrace_contract::{Encoding, FileFormat};

use crate::block::{Block, Rows, field};
use crate::csv::{Dialect, Scanned, Shape, scan};
use crate::json::{Document, JsonError};
use crate::lines::LineEnd;
use crate::source::{LONGEST_MAGIC, Source, refuse_binary};
use crate::{FormatError, Limits};
use outside::BlockEnd;

/// Rows per block at most, so that memory is bounded for the shortest rows too.
const MOST_ROWS: usize = 1 << 16;

/// How rows are told apart.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cut {
    /// Delimited text of so many fields.
    Fields(Dialect, usize),
    /// One row per line.
    Lines,
    /// The values of a JSON document.
    Document,
}

/// What a splitter has read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    /// Bytes taken from the source.
    pub(crate) source_bytes: u64,
    /// Bytes after decompression.
    pub(crate) decompressed_bytes: u64,
    /// Rows of every kind, the header not counted.
    pub(crate) rows: u64,
    /// Those that are skipped, by the rule that skips them.
    pub(crate) skipped: Skipped,
}

/// Lines that are no rows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Skipped {
    /// Blank lines.
    pub(crate) blank: u64,
    /// Comments.
    pub(crate) comments: u64,
    /// Lines in front of the header.
    pub(crate) preamble: u64,
    /// Lines in front of the block that is read, and behind it.
    pub(crate) outside: u64,
}

/// Reads a source and cuts it into blocks.
pub(crate) struct Splitter<R: Read> {
    source: Source<R>,
    /// What has been read and not cut off yet.
    buffer: Vec<u8>,
    at_end: bool,
    offset: u64,
    line: u64,
    line_end: LineEnd,
    block_bytes: usize,
    row_bytes: usize,
    /// Rows found so far, of every kind.
    read: u64,
    /// Those among them that are no rows.
    skipped: Skipped,
    /// Where in a JSON document the buffer starts.
    document: Document,
    /// How many bytes of the line stand in front of the buffer.
    column: usize,
    /// Finds the end of the block that is read, if the file goes on behind it.
    block_end: Option<BlockEnd>,
}

impl<R: Read> Splitter<R> {
    /// Opens a source and reads the start of it.
    pub(crate) fn open(
        source: R,
        encoding: Encoding,
        limits: &Limits,
    ) -> Result<Self, FormatError> {
        /// Marks in a block are 32 bits wide, and so are offsets of strings.
        const LARGEST: usize = 1 << 29;
        let mut splitter = Self {
            offset: 0,
            source: Source::open(source, encoding, limits)?,
            buffer: Vec::new(),
            at_end: false,
            line: 1,
            line_end: LineEnd::Lf,
            block_bytes: limits.block_bytes.clamp(1, LARGEST),
            row_bytes: limits.row_bytes.clamp(1, LARGEST),
            read: 0,
            skipped: Skipped::default(),
            document: Document::default(),
            column: 0,
            block_end: None,
        };
        splitter.start()?;
        Ok(splitter)
    }

    /// Reads the start of the file, or of an archive's member.
    fn start(&mut self) -> Result<(), FormatError> {
        self.offset = self.source.bom();
        self.fill(self.block_bytes.max(LONGEST_MAGIC))?;
        refuse_binary(&self.buffer, self.source.charset())
    }

    /// The name of the archive's member that is being read. `None` if the source
    /// is no archive.
    pub(crate) fn member(&self) -> Option<String> {
        self.source.member().map(str::to_owned)
    }

    /// Goes to the next member of an archive once one is read; lines and offsets
    /// start again. False if there is none.
    pub(crate) fn next_member(&mut self) -> Result<bool, FormatError> {
        if !self.source.next_member()? {
            return Ok(false);
        }
        self.buffer.clear();
        self.leave_block();
        (self.at_end, self.line, self.line_end) = (false, 1, LineEnd::Lf);
        (self.document, self.column) = (Document::default(), 0);
        self.start()?;
        Ok(true)
    }

    /// Whether all of the source is in memory.
    pub(crate) fn is_whole(&self) -> bool {
        self.at_end
    }

    /// What has been read so far.
    pub(crate) fn counts(&self) -> Counts {
        let behind = self.block_end.as_ref().map_or(0, BlockEnd::lines_behind);
        let outside = self.skipped.outside + behind;
        Counts {
            source_bytes: self.source.source_bytes(),
            decompressed_bytes: self.source.decompressed_bytes(),
            rows: self.read + behind,
            skipped: Skipped { outside, ..self.skipped },
        }
    }

    /// Skips lines at the start, whatever they hold.
    pub(crate) fn skip_preamble(&mut self, count: u32) -> Result<(), FormatError> {
        if count > 0 {
            self.detect_line_end(None)?;
        }
        for _ in 0..count {
            let (_, next) = loop {
                match self.line_end.first(&self.buffer, self.at_end) {
                    Some(found) => break found,
                    None if self.at_end => break (0, self.buffer.len()),
                    None => self.grow()?,
                }
            };
            if next == 0 {
                return Ok(());
            }
            self.drop_front(next);
            self.read += 1;
            self.skipped.preamble += 1;
        }
        Ok(())
    }

    /// Finds out how lines end, from the first of them.
    pub(crate) fn detect_line_end(
        &mut self,
        dialect: Option<&mut Dialect>,
    ) -> Result<(), FormatError> {
        let find = |buffer: &[u8], at_end| match &dialect {
            Some(dialect) => dialect.find_line_end(buffer, at_end),
            None => LineEnd::of_first_line(buffer, at_end),
        };
        while find(&self.buffer, self.at_end).is_none() {
            self.grow()?;
        }
        self.line_end = find(&self.buffer, self.at_end).unwrap_or_default();
        if let Some(dialect) = dialect {
            dialect.line_end = self.line_end;
        }
        Ok(())
    }

    /// The fields of the first row, which stays where it is. `None` if there is
    /// no row.
    pub(crate) fn first_row(
        &mut self,
        dialect: &Dialect,
    ) -> Result<Option<Vec<String>>, FormatError> {
        Ok(self.find_first_row(dialect)?.map(|(fields, _)| fields))
    }

    /// Takes the first row off as the header.
    pub(crate) fn take_header(
        &mut self,
        dialect: &Dialect,
    ) -> Result<Option<Vec<String>>, FormatError> {
        let Some((fields, scanned)) = self.find_first_row(dialect)? else { return Ok(None) };
        self.read += scanned.blank + scanned.comments;
        self.skipped.blank += scanned.blank;
        self.skipped.comments += scanned.comments;
        self.drop_front(scanned.consumed);
        Ok(Some(fields))
    }

    fn find_first_row(
        &mut self,
        dialect: &Dialect,
    ) -> Result<Option<(Vec<String>, Scanned)>, FormatError> {
        let shape = Shape { fields: None, most_rows: 1 };
        loop {
            let (mut rows, mut malformed) = (Rows::default(), Vec::new());
            let scanned =
                scan(dialect, shape, &self.buffer, self.at_end, &mut rows, &mut malformed);
            if let Some(row) = malformed.first() {
                let what = format!("in the first row: {}", row.fault);
                return Err(FormatError::Unreadable {
                    byte: self.offset_of(row.start as usize),
                    what,
                });
            }
            if scanned.read > scanned.blank + scanned.comments {
                return Ok(Some((self.texts(dialect, &rows)?, scanned)));
            }
            if self.at_end {
                return Ok(None);
            }
            self.grow()?;
        }
    }

    fn texts(&self, dialect: &Dialect, rows: &Rows) -> Result<Vec<String>, FormatError> {
        let text = |pair: &[u32]| {
            let content = dialect.quoting.content(field(&self.buffer, pair));
            let start = pair[0].wrapping_add(1) as usize;
            String::from_utf8(content.into_owned()).map_err(|error| FormatError::Unreadable {
                byte: self.offset_of(start + error.utf8_error().valid_up_to()),
                what: format!(
                    "the header is not {}; what is its `encoding`?",
                    self.source.charset()
                ),
            })
        };
        rows.marks.windows(2).map(text).collect()
    }

    /// The next block, built in the memory of a spare one. `None` at the end.
    pub(crate) fn next(&mut self, cut: Cut, spare: Block) -> Result<Option<Block>, FormatError> {
        let (charset, line_end) = (self.source.charset(), self.line_end);
        let mut block = Block { offset: self.offset, charset, line: self.line, line_end, ..spare };
        block.malformed.clear();
        self.fill(self.block_bytes)?;
        let scanned = loop {
            let scanned = self.find_rows(cut, &mut block)?;
            self.check_length(scanned)?;
            if scanned.consumed > 0 || self.at_end {
                break scanned;
            }
            self.grow()?;
        };
        if scanned.consumed == 0 {
            return Ok(None);
        }
        self.cut_off(scanned.consumed, &mut block.bytes);
        self.line += block.line_ends();
        self.read += scanned.read;
        self.skipped.blank += scanned.blank;
        self.skipped.comments += scanned.comments;
        block.read = scanned.read;
        Ok(Some(block))
    }

    fn find_rows(&mut self, cut: Cut, block: &mut Block) -> Result<Scanned, FormatError> {
        Ok(match cut {
            Cut::Fields(dialect, fields) => {
                let shape = Shape { fields: Some(fields), most_rows: MOST_ROWS };
                block.malformed.clear();
                scan(
                    &dialect,
                    shape,
                    &self.buffer,
                    self.at_end,
                    &mut block.rows,
                    &mut block.malformed,
                )
            }
            Cut::Lines => {
                find_lines(&self.buffer, self.at_end, self.line_end.byte(), &mut block.rows)
            }
            Cut::Document => {
                let Self { document, buffer, at_end, .. } = self;
                let found = document.find_rows(buffer, *at_end, MOST_ROWS, &mut block.rows);
                found.map_err(|error| self.no_document(error))?
            }
        })
    }

    /// The error for a document that is wrong somewhere in the buffer.
    fn no_document(&self, error: JsonError) -> FormatError {
        let before = &self.buffer[..error.at];
        let line = self.line + self.line_end.count(before) as u64;
        let column = match memchr::memrchr(self.line_end.byte(), before) {
            Some(line_end) => error.at - line_end,
            None => self.column + error.at + 1,
        };
        let what = format!("{} at line {line}, column {column}", error.what);
        FormatError::Unreadable { byte: self.offset_of(error.at), what }
    }

    /// How the rows of a file of fixed width are told apart, once the lines at the
    /// start are skipped.
    pub(crate) fn cut_of_fixed(&mut self, skip_lines: u32) -> Result<Cut, FormatError> {
        self.detect_line_end(None)?;
        self.skip_preamble(skip_lines)?;
        Ok(Cut::Lines)
    }

    /// How the rows of JSON in a format are told apart.
    pub(crate) fn cut_of_json(&mut self, format: FileFormat) -> Result<Cut, FormatError> {
        if format == FileFormat::Json {
            return Ok(Cut::Document);
        }
        self.detect_line_end(None)?;
        if !Document::is_array_of_objects(&self.buffer) {
            return Ok(Cut::Lines);
        }
        self.line_end = LineEnd::Lf;
        Ok(Cut::Document)
    }

    /// Moves the first `length` bytes of the buffer to `bytes`.
    fn cut_off(&mut self, length: usize, bytes: &mut Vec<u8>) {
        bytes.clear();
        bytes.extend_from_slice(&self.buffer[length..]);
        self.buffer.truncate(length);
        swap(&mut self.buffer, bytes);
        self.offset += self.source.charset().source_length(bytes);
        self.column = match memchr::memrchr(self.line_end.byte(), bytes) {
            Some(line_end) => length - line_end - 1,
            None => self.column + length,
        };
    }

    fn drop_front(&mut self, length: usize) {
        self.offset = self.offset_of(length);
        self.line += self.line_end.count(&self.buffer[..length]) as u64;
        self.buffer.drain(..length);
    }

    /// Where a byte of the buffer stands in the source.
    fn offset_of(&self, at: usize) -> u64 {
        self.offset + self.source.charset().source_length(&self.buffer[..at])
    }

    fn fill(&mut self, target: usize) -> Result<(), FormatError> {
        if !self.at_end && self.buffer.len() < target {
            self.at_end = match &mut self.block_end {
                Some(end) => end.fill(&mut self.source, false, &mut self.buffer, target)?,
                None => self.source.fill(&mut self.buffer, target)?,
            };
        }
        Ok(())
    }

    /// Reads as much again: the row at the start does not end in the buffer.
    fn grow(&mut self) -> Result<(), FormatError> {
        // A row of the longest kind and its line end.
        let most = self.row_bytes + 2;
        if self.buffer.len() >= most {
            return Err(self.row_too_long(0));
        }
        self.fill((self.buffer.len() * 2).max(self.block_bytes).min(most))
    }

    fn check_length(&self, scanned: Scanned) -> Result<(), FormatError> {
        let (longest, start) = scanned.longest;
        if longest > self.row_bytes { Err(self.row_too_long(start)) } else { Ok(()) }
    }

    fn row_too_long(&self, start: usize) -> FormatError {
        FormatError::RowTooLong {
            line: self.line + self.line_end.count(&self.buffer[..start]) as u64,
            byte: self.offset_of(start),
            limit: self.row_bytes,
        }
    }
}

/// Finds the whole lines at the start of `bytes`; white space alone is a blank
/// line.
fn find_lines(bytes: &[u8], at_end: bool, line_end: u8, rows: &mut Rows) -> Scanned {
    rows.reset(1);
    let mut scanned = Scanned::default();
    let mut add = |start: usize, end: usize, next: usize| {
        scanned.read += 1;
        scanned.consumed = next;
        if end - start > scanned.longest.0 {
            scanned.longest = (end - start, start);
        }
        if bytes[start..end].trim_ascii().is_empty() {
            scanned.blank += 1;
        } else {
            rows.marks.extend([(start as u32).wrapping_sub(1), end as u32]);
        }
        scanned.read as usize
    };
    let mut start = 0;
    for end in memchr_iter(line_end, bytes) {
        if add(start, end, end + 1) == MOST_ROWS {
            return scanned;
        }
        start = end + 1;
    }
    if at_end && start < bytes.len() {
        add(start, bytes.len(), bytes.len());
    }
    scanned
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, line_end: u8, at_end: bool) -> (Vec<&str>, Scanned) {
        let mut rows = Rows::default();
        let scanned = find_lines(text.as_bytes(), at_end, line_end, &mut rows);
        let row = |row| rows.span(row);
        let found =
            (0..rows.len()).map(row).map(|(start, end)| &text[start as usize..end as usize]);
        (found.collect(), scanned)
    }

    #[test]
    fn lines_are_rows_and_blank_ones_are_not() {
        let (found, scanned) = lines("{}\n \r\n\n[1]\r\n2", b'\n', true);
        assert_eq!(found, ["{}", "[1]\r", "2"]);
        assert_eq!((scanned.read, scanned.blank, scanned.consumed), (5, 2, 13));
        let (found, scanned) = lines("{}\r1\r2", b'\r', false);
        assert_eq!(found, ["{}", "1"]);
        assert_eq!(scanned.consumed, 5);
    }
}
