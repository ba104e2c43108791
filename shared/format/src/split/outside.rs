//! Lines of a text that are not of its block: what comes in front of it is
//! skipped, and what comes behind is counted and never handed on.
//!
//! Lines are those of the text, whatever quotes stand in them: where a block
//! ends must not depend on how it is read.

use std::io::Read;
use std::mem::take;

use millrace_contract::TextBlock;

use super::Splitter;
use crate::FormatError;
use crate::lines::LineEnd;
use crate::source::Source;

impl<R: Read> Splitter<R> {
    /// Goes to the block that is read, if it is not all of the file.
    ///
    /// # Errors
    /// [`FormatError::Plan`] if no line is the one behind which it starts.
    pub(crate) fn enter_block(
        &mut self,
        block: Option<&TextBlock>,
        is_mixed: bool,
    ) -> Result<(), FormatError> {
        let Some(block) = block else { return Ok(()) };
        self.detect_line_end(None)?;
        if is_mixed {
            self.line_end = LineEnd::Mixed;
        }
        if let Some(after) = &block.after {
            while !self.skip_line(after.as_bytes())? {}
        }
        if let Some(until) = &block.until {
            let read = take(&mut self.buffer);
            let mut end = BlockEnd::new(until, self.line_end, self.row_bytes, read);
            self.at_end =
                end.fill(&mut self.source, self.at_end, &mut self.buffer, self.block_bytes)?;
            self.block_end = Some(end);
        }
        Ok(())
    }

    /// Skips a line in front of the block. Whether it is the last of them.
    fn skip_line(&mut self, last: &[u8]) -> Result<bool, FormatError> {
        let (end, next) = loop {
            match self.line_end.first(&self.buffer, self.at_end) {
                Some(found) => break found,
                None if self.at_end => break (self.buffer.len(), self.buffer.len()),
                None => self.grow()?,
            }
        };
        if next == 0 {
            let last = String::from_utf8_lossy(last);
            let what = format!("no line begins with `{last}`, behind which the block starts");
            return Err(FormatError::Plan { what });
        }
        let is_last = self.buffer[..end].starts_with(last);
        self.drop_front(next);
        self.read += 1;
        self.skipped.outside += 1;
        Ok(is_last)
    }

    /// Adds the lines behind a block to those that were skipped.
    pub(super) fn leave_block(&mut self) {
        let behind = self.block_end.take().map_or(0, |end| end.lines_behind());
        self.read += behind;
        self.skipped.outside += behind;
    }
}

/// Bytes that are looked at, at a time.
const CHUNK: usize = 64 << 10;

/// Finds the end of a block in what a source gives.
pub(super) struct BlockEnd {
    /// What the first line behind the block begins with; that is a blank line if
    /// it is empty.
    until: Vec<u8>,
    line_end: LineEnd,
    /// What has been read and not handed on: the start of a line.
    pending: Vec<u8>,
    /// Whether the start of that line has been handed on already, unless there is
    /// too much of it to wait for its end.
    is_in_line: bool,
    /// Bytes of a line that are waited for.
    longest: usize,
    /// Whether the block has a line that is not blank.
    has_rows: bool,
    /// Lines behind the block.
    behind: u64,
    is_over: bool,
}

impl BlockEnd {
    /// The end of a block of lines that end in `line_end`, of which `read` has
    /// been read.
    pub(super) fn new(until: &str, line_end: LineEnd, longest: usize, read: Vec<u8>) -> Self {
        Self {
            until: until.as_bytes().to_vec(),
            line_end,
            pending: read,
            is_in_line: false,
            longest,
            has_rows: false,
            behind: 0,
            is_over: false,
        }
    }

    /// Lines found behind the block.
    pub(super) fn lines_behind(&self) -> u64 {
        self.behind
    }

    /// Appends what is of the block, as [`Source::fill`] does. `at_end` says that
    /// the source has nothing more.
    pub(super) fn fill<R: Read>(
        &mut self,
        source: &mut Source<R>,
        mut at_end: bool,
        buffer: &mut Vec<u8>,
        target: usize,
    ) -> Result<bool, FormatError> {
        loop {
            self.sift(at_end, buffer);
            if self.is_over {
                self.count_rest(source, at_end)?;
                return Ok(true);
            }
            if at_end || buffer.len() >= target {
                return Ok(at_end);
            }
            let wanted = self.pending.len() + CHUNK;
            at_end = source.fill(&mut self.pending, wanted)?;
        }
    }

    /// Hands on the lines in front of the end.
    fn sift(&mut self, at_end: bool, buffer: &mut Vec<u8>) {
        let mut at = 0;
        while at < self.pending.len() {
            let rest = &self.pending[at..];
            let (end, next) = match self.line_end.first(rest, at_end) {
                Some(found) => found,
                None if at_end => (rest.len(), rest.len()),
                None => break,
            };
            let is_blank = rest[..end].trim_ascii().is_empty();
            if !take(&mut self.is_in_line) && self.is_end(&rest[..end], is_blank) {
                self.is_over = true;
                break;
            }
            self.has_rows |= !is_blank;
            at += next;
        }
        if !self.is_over && self.pending.len() - at > self.longest {
            (at, self.is_in_line) = (self.pending.len(), true);
        }
        buffer.extend_from_slice(&self.pending[..at]);
        self.pending.drain(..at);
    }

    /// Blank lines in front of the block's first one are no end of it.
    fn is_end(&self, line: &[u8], is_blank: bool) -> bool {
        match self.until.is_empty() {
            true => is_blank && self.has_rows,
            false => line.starts_with(&self.until),
        }
    }

    /// Counts the lines from the end on.
    fn count_rest<R: Read>(
        &mut self,
        source: &mut Source<R>,
        mut at_end: bool,
    ) -> Result<(), FormatError> {
        loop {
            let mut at = 0;
            while let Some((_, next)) = self.line_end.first(&self.pending[at..], at_end) {
                (at, self.behind) = (at + next, self.behind + 1);
            }
            let is_open = at < self.pending.len();
            // Of the last line its end alone matters.
            let kept = self.pending.len().saturating_sub(1).max(at);
            self.pending.drain(..kept);
            if at_end {
                self.behind += u64::from(is_open);
                self.pending.clear();
                return Ok(());
            }
            let wanted = self.pending.len() + CHUNK;
            at_end = source.fill(&mut self.pending, wanted)?;
        }
    }
}
