//! Finds rows and fields: one pass over the bytes, quotes and all.
//!
//! RFC 4180, with any delimiter and quote of one byte. A quote opens a quoted
//! field only where a field starts; anywhere else it makes the row malformed,
//! and the row still ends at the next line end, so that one bad quote costs one
//! row. Only a quote that is opened and never closed reaches further: every line
//! it swallows is malformed on its own, so that the books show how much it was.

use super::Dialect;
use super::mask::{LANES, mask_of};
use crate::block::{MalformedRow, Rows};
use crate::fault::Malformed;
use crate::lines::LineEnd;

/// What rows should look like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Fields per row. `None` takes the first row whatever it has and stops.
    pub(crate) fields: Option<usize>,
    /// Rows after which to stop.
    pub(crate) most_rows: usize,
}

/// How far a scan came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Scanned {
    /// Bytes of whole rows.
    pub(crate) consumed: usize,
    /// Rows of every kind.
    pub(crate) read: u64,
    /// Blank lines among them.
    pub(crate) blank: u64,
    /// Comments among them.
    pub(crate) comments: u64,
    /// The longest row in bytes and where it starts.
    pub(crate) longest: (usize, usize),
}

/// Finds the whole rows at the start of `bytes`, which starts with a row. What
/// remains is a row that may go on; with `at_end` nothing remains.
pub(crate) fn scan(
    dialect: &Dialect,
    shape: Shape,
    bytes: &[u8],
    at_end: bool,
    rows: &mut Rows,
    malformed: &mut Vec<MalformedRow>,
) -> Scanned {
    rows.reset(shape.fields.unwrap_or_default());
    rows.marks.push(u32::MAX);
    let mut scanner = Scanner {
        dialect,
        shape,
        bytes,
        at_end,
        rows,
        malformed,
        row_mark: 0,
        quoted: false,
        commented: dialect.is_comment(bytes),
        taken: usize::MAX,
        fault: None,
        scanned: Scanned::default(),
    };
    scanner.run();
    scanner.scanned
}

struct Scanner<'a> {
    dialect: &'a Dialect,
    shape: Shape,
    bytes: &'a [u8],
    at_end: bool,
    rows: &'a mut Rows,
    malformed: &'a mut Vec<MalformedRow>,
    /// Where the current row's first mark is.
    row_mark: usize,
    quoted: bool,
    /// Whether the current line is a comment.
    commented: bool,
    /// A byte that stands for itself: the second of two doubled quotes, or one
    /// behind an escape.
    taken: usize,
    fault: Option<Malformed>,
    scanned: Scanned,
}

impl Scanner<'_> {
    fn run(&mut self) {
        let Dialect { delimiter, quoting, .. } = *self.dialect;
        let set = [delimiter, quoting.quote.unwrap_or(delimiter), b'\n', b'\r'];
        let mask = |chunk: &[u8; LANES]| match quoting.escape {
            None => mask_of(chunk, set),
            Some(escape) => mask_of(chunk, set) | mask_of(chunk, [escape; 4]),
        };
        let (chunks, tail) = self.bytes.as_chunks::<LANES>();
        for (index, chunk) in chunks.iter().enumerate() {
            self.visit(index * LANES, mask(chunk));
            if self.is_done() {
                return self.drop_partial_row();
            }
        }
        let mut last = [0; LANES];
        last[..tail.len()].copy_from_slice(tail);
        self.visit(chunks.len() * LANES, mask(&last));
        if self.at_end && !self.is_done() {
            self.finish();
        }
        self.drop_partial_row();
    }

    #[inline]
    fn visit(&mut self, base: usize, mut mask: u64) {
        let Dialect { delimiter, quoting, line_end, .. } = *self.dialect;
        let line_end = line_end.byte();
        while mask != 0 {
            let at = base + mask.trailing_zeros() as usize;
            mask &= mask - 1;
            let byte = self.bytes[at];
            if self.commented && !matches!(byte, b'\n' | b'\r') {
            } else if Some(byte) == quoting.quote {
                self.on_quote(at);
            } else if (quoting.escape.is_some() && self.on_escape(at)) || self.quoted {
            } else if byte == delimiter {
                self.rows.marks.push(at as u32);
            } else if byte == line_end || self.ends_mixed_line(at, byte) {
                self.end_row(at);
                if self.is_done() {
                    return;
                }
            }
        }
    }

    fn on_quote(&mut self, at: usize) {
        let next = self.bytes.get(at + 1).copied();
        if at == self.taken {
        } else if self.quoted {
            if next == self.dialect.quoting.quote {
                self.taken = at + 1;
            } else {
                self.quoted = false;
                if next.is_some_and(|next| !self.ends_field(next)) {
                    self.fault.get_or_insert(Malformed::TextAfterQuote);
                }
            }
        } else if at as u32 == self.field_start() {
            self.quoted = true;
        } else {
            self.fault.get_or_insert(Malformed::StrayQuote);
        }
    }

    /// Whether a byte is an escape, or stands behind one.
    fn on_escape(&mut self, at: usize) -> bool {
        let is_taken = at == self.taken;
        let is_escape = !is_taken && Some(self.bytes[at]) == self.dialect.quoting.escape;
        if is_escape {
            self.taken = at + 1;
        }
        is_taken || is_escape
    }

    fn ends_field(&self, byte: u8) -> bool {
        byte == self.dialect.delimiter || matches!(byte, b'\n' | b'\r')
    }

    fn field_start(&self) -> u32 {
        self.rows.marks[self.rows.marks.len() - 1].wrapping_add(1)
    }

    /// Whether a line end of the other kind ends a line after all.
    fn ends_mixed_line(&mut self, at: usize, byte: u8) -> bool {
        let before_line_feed = match self.bytes.get(at + 1) {
            Some(next) => *next == b'\n',
            // The last byte of the file, or not known yet.
            None => true,
        };
        if self.dialect.line_end == LineEnd::Mixed {
            return !before_line_feed;
        }
        if !self.commented && (byte == b'\n' || !before_line_feed) {
            self.fault.get_or_insert(Malformed::StrayLineEnd(byte));
        }
        false
    }

    /// The row ends before `at`, where its line end stands.
    #[inline]
    fn end_row(&mut self, at: usize) {
        let start = self.rows.marks[self.row_mark].wrapping_add(1) as usize;
        let before = at.wrapping_sub(1);
        let crlf = self.bytes[at] == b'\n'
            && at > start
            && self.bytes[before] == b'\r'
            && before != self.taken;
        let end = if crlf { before } else { at };
        self.close_row(start, end);
        self.rows.marks.push(at as u32);
        self.scanned.consumed = at + 1;
        if self.dialect.comment.is_some() {
            self.commented = self.dialect.is_comment(&self.bytes[at + 1..]);
        }
    }

    #[inline]
    fn close_row(&mut self, start: usize, end: usize) {
        self.rows.marks.push(end as u32);
        self.scanned.read += 1;
        if end - start > self.scanned.longest.0 {
            self.scanned.longest = (end - start, start);
        }
        let found = self.rows.marks.len() - self.row_mark - 1;
        if self.fault.is_some() || self.shape.fields != Some(found) || self.commented {
            self.close_odd_row(start, end, found);
        }
        self.row_mark = self.rows.marks.len();
    }

    /// A row that is blank, a comment, malformed, or the first one of unknown
    /// width.
    #[cold]
    fn close_odd_row(&mut self, start: usize, end: usize, found: usize) {
        let found = self.without_trailing_delimiter(found);
        let expected = self.shape.fields.unwrap_or(found);
        let fault = match self.fault.take() {
            _ if self.commented => {
                self.scanned.comments += 1;
                return self.rows.marks.truncate(self.row_mark);
            }
            None if start == end && self.shape.fields != Some(1) => {
                self.scanned.blank += 1;
                return self.rows.marks.truncate(self.row_mark);
            }
            None if found == expected || self.fit(end, found, expected) => return,
            None => Malformed::FieldCount { expected, found },
            Some(fault) => fault,
        };
        self.rows.marks.truncate(self.row_mark);
        self.malformed.push(MalformedRow { start: start as u32, end: end as u32, fault });
    }

    /// The number of fields without the empty one behind a trailing delimiter.
    fn without_trailing_delimiter(&mut self, found: usize) -> usize {
        let is_one_more = self.shape.fields.map_or(found > 1, |fields| found == fields + 1);
        let marks = &mut self.rows.marks;
        match marks[..] {
            [.., before, end] if before.wrapping_add(1) == end => {}
            _ => return found,
        }
        if !self.dialect.trailing_delimiter || !is_one_more {
            return found;
        }
        marks.pop();
        found - 1
    }

    /// Makes a row as wide as it should be, if the dialect says so. A field that
    /// is made up ends before it starts.
    fn fit(&mut self, end: usize, found: usize, expected: usize) -> bool {
        let ragged = self.dialect.ragged;
        let fits = if found < expected { ragged.pads() } else { ragged.truncates() };
        if fits {
            self.rows.marks.resize(self.row_mark + expected + 1, end as u32);
        }
        fits
    }

    /// The file ends here: what is left is a row, if anything is left.
    fn finish(&mut self) {
        let start = self.rows.marks[self.row_mark].wrapping_add(1) as usize;
        let end = self.bytes.len();
        if start == end {
            return;
        }
        self.scanned.consumed = end;
        if self.quoted {
            return self.close_unclosed(start);
        }
        let ends_in_cr = self.bytes[end - 1] == b'\r' && end - 1 != self.taken;
        let crlf = self.dialect.line_end != LineEnd::Cr && ends_in_cr;
        self.close_row(start, end - usize::from(crlf));
    }

    /// Everything from `start` on stands behind a quote that is never closed.
    fn close_unclosed(&mut self, start: usize) {
        self.rows.marks.truncate(self.row_mark);
        let mut next = start;
        let mut lines = 0;
        while next < self.bytes.len() {
            let from = next;
            let first = self.dialect.line_end.first(&self.bytes[from..], true);
            let (length, whole) =
                first.unwrap_or((self.bytes.len() - from, self.bytes.len() - from));
            next = from + whole;
            let fault = match lines {
                0 => Malformed::UnclosedQuote,
                lines => Malformed::BehindUnclosedQuote { lines },
            };
            let (start, end) = (from as u32, (from + length) as u32);
            self.malformed.push(MalformedRow { start, end, fault });
            lines += 1;
        }
        self.scanned.read += lines;
        // The whole counts against the limit on rows: what follows a quote that
        // was left open far above is not looked at line by line.
        self.scanned.longest = self.scanned.longest.max((self.bytes.len() - start, start));
    }

    fn is_done(&self) -> bool {
        let rows = self.scanned.read as usize;
        match self.shape.fields {
            Some(_) => rows >= self.shape.most_rows,
            None => self.scanned.read > self.scanned.blank + self.scanned.comments,
        }
    }

    fn drop_partial_row(&mut self) {
        self.rows.marks.truncate(self.row_mark);
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use millrace_contract::{CsvOptions, Escape, FileFormat, LineEnds, Ragged};

    use super::*;
    use crate::block::field;

    fn show(text: &str, fields: Option<usize>, at_end: bool) -> String {
        show_as(&CsvOptions::default(), text, fields, at_end)
    }

    fn show_as(options: &CsvOptions, text: &str, fields: Option<usize>, at_end: bool) -> String {
        let dialect = Dialect::new(FileFormat::Csv, options).expect("valid");
        let (mut rows, mut malformed) = (Rows::default(), Vec::new());
        let shape = Shape { fields, most_rows: usize::MAX };
        let scanned = scan(&dialect, shape, text.as_bytes(), at_end, &mut rows, &mut malformed);
        let mut shown = String::new();
        for row in rows.marks.chunks(fields.map_or(usize::MAX, |fields| fields + 1)) {
            let cells: Vec<_> = row
                .windows(2)
                .map(|pair| field(text.as_bytes(), pair))
                .map(|field| String::from_utf8_lossy(&dialect.quoting.content(field)).into_owned())
                .collect();
            writeln!(shown, "{cells:?}").expect("writes");
        }
        for row in &malformed {
            let raw = &text[row.start as usize..row.end as usize];
            writeln!(shown, "{raw:?}: {}", row.fault).expect("writes");
        }
        let Scanned { consumed, read, blank, comments, .. } = scanned;
        write!(shown, "{consumed} bytes, {read} read, {blank} blank").expect("writes");
        if comments > 0 {
            write!(shown, ", {comments} comments").expect("writes");
        }
        shown
    }

    #[test]
    fn rows_and_fields_are_found() {
        insta::assert_snapshot!(show("1,2\r\n\n\"a,\"\"b\"\"\n\",\n,\"\"\n3,4", Some(2), true), @r#"
        ["1", "2"]
        ["a,\"b\"\n", ""]
        ["", ""]
        ["3", "4"]
        25 bytes, 5 read, 1 blank
        "#);
    }

    #[test]
    fn a_row_that_may_go_on_is_left_for_later() {
        insta::assert_snapshot!(show("1,2\n3,\"4\n", Some(2), false), @r#"
        ["1", "2"]
        4 bytes, 1 read, 0 blank
        "#);
        insta::assert_snapshot!(show("1,2\n3,\"4\"", Some(2), false), @r#"
        ["1", "2"]
        4 bytes, 1 read, 0 blank
        "#);
    }

    #[test]
    fn each_fault_costs_its_own_row_and_no_other() {
        let text =
            "1\n1,2,3\nx\"y,1\n\"a\"b,1\n\"He said \"hi\", ok\",2\n1,2\n5,\r6\n1,\"open\n1,2\n";
        insta::assert_snapshot!(show(text, Some(2), true), @r#"
        ["1", "2"]
        "1": expected 2 fields, found 1
        "1,2,3": expected 2 fields, found 3
        "x\"y,1": a quote stands in an unquoted field; quote the field and double it
        "\"a\"b,1": text follows a closing quote; a quote within quotes is doubled
        "\"He said \"hi\", ok\",2": text follows a closing quote; a quote within quotes is doubled
        "5,\r6": a carriage return stands in an unquoted field; quote the field
        "1,\"open": a quote is opened and never closed
        "1,2": the quote opened 1 lines above is never closed
        63 bytes, 9 read, 0 blank
        "#);
    }

    #[test]
    fn an_empty_line_is_a_row_where_rows_have_one_field() {
        insta::assert_snapshot!(show("a\n\nb\r", Some(1), true), @r#"
        ["a"]
        [""]
        ["b"]
        5 bytes, 3 read, 0 blank
        "#);
    }

    #[test]
    fn the_first_row_is_taken_as_it_is() {
        insta::assert_snapshot!(show("\n\r\na,\"b\"\n1,2\n", None, false), @r#"
        ["a", "b"]
        9 bytes, 3 read, 2 blank
        "#);
    }

    #[test]
    fn dialects_differ_in_quotes_escapes_and_comments() {
        let none = CsvOptions { quote: None, ..CsvOptions::default() };
        insta::assert_snapshot!(show_as(&none, "\"a,b\"\n", Some(2), true), @r#"
        ["\"a", "b\""]
        6 bytes, 1 read, 0 blank
        "#);
        let backslash = CsvOptions { escape: Escape::Backslash, ..CsvOptions::default() };
        let text = "\"a\\\"\n\\\\\",b\\,\\\n\n\\\"x,\"y\"\"\"\n";
        insta::assert_snapshot!(show_as(&backslash, text, Some(2), true), @r#"
        ["a\"\n\\", "b,\n"]
        ["\"x", "y\""]
        25 bytes, 2 read, 0 blank
        "#);
        let comments = CsvOptions { comment: Some("--".into()), ..CsvOptions::default() };
        let text = "--\"a\n1,2\n-,-\n3,4--\n--";
        insta::assert_snapshot!(show_as(&comments, text, Some(2), true), @r#"
        ["1", "2"]
        ["-", "-"]
        ["3", "4--"]
        21 bytes, 5 read, 0 blank, 2 comments
        "#);
        insta::assert_snapshot!(show_as(&comments, text, None, true), @r#"
        ["1", "2"]
        9 bytes, 2 read, 0 blank, 1 comments
        "#);
    }

    #[test]
    fn ragged_rows_are_made_to_fit_where_that_is_said() {
        let text = "1\n\n1,2\n1,2,3,4\n1,\"2\"\"\"";
        let options = |ragged| CsvOptions { ragged, ..CsvOptions::default() };
        insta::assert_snapshot!(show_as(&options(Ragged::Fit), text, Some(3), true), @r#"
        ["1", "", ""]
        ["1", "2", ""]
        ["1", "2", "3"]
        ["1", "2\"", ""]
        22 bytes, 5 read, 1 blank
        "#);
        insta::assert_snapshot!(show_as(&options(Ragged::Pad), text, Some(3), true), @r#"
        ["1", "", ""]
        ["1", "2", ""]
        ["1", "2\"", ""]
        "1,2,3,4": expected 3 fields, found 4
        22 bytes, 5 read, 1 blank
        "#);
        let options = CsvOptions { trailing_delimiter: true, ..options(Ragged::Truncate) };
        insta::assert_snapshot!(show_as(&options, "1,2,\n1,,\n1,\n1,2,3\n1\n", Some(2), true), @r#"
        ["1", "2"]
        ["1", ""]
        ["1", ""]
        ["1", "2"]
        "1": expected 2 fields, found 1
        20 bytes, 5 read, 0 blank
        "#);
    }

    #[test]
    fn lines_may_end_in_any_way_where_that_is_said() {
        let mixed = CsvOptions { line_ends: LineEnds::Mixed, ..CsvOptions::default() };
        insta::assert_snapshot!(show_as(&mixed, "1,2\r3,4\r\n5,6\n\r7,\"\r\"\r", Some(2), true), @r#"
        ["1", "2"]
        ["3", "4"]
        ["5", "6"]
        ["7", "\r"]
        20 bytes, 5 read, 1 blank
        "#);
        insta::assert_snapshot!(show_as(&mixed, "1,2\r", Some(2), false), @"0 bytes, 0 read, 0 blank");
    }
}
