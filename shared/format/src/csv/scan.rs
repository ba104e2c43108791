//! Finds rows and fields: one pass over the bytes, quotes and all.
//!
//! RFC 4180, with any delimiter and quote of one byte. A quote opens a quoted
//! field only where a field starts; anywhere else it makes the row malformed,
//! and the row still ends at the next line end, so that one bad quote costs one
//! row. Only a quote that is opened and never closed reaches further.

use super::Dialect;
use super::mask::{LANES, mask_of};
use crate::block::{MalformedRow, Rows};
use crate::fault::Malformed;

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
        second_quote: usize::MAX,
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
    /// Where the second of two doubled quotes stands.
    second_quote: usize,
    fault: Option<Malformed>,
    scanned: Scanned,
}

impl Scanner<'_> {
    fn run(&mut self) {
        let Dialect { delimiter, quote, .. } = *self.dialect;
        let set = [delimiter, quote, b'\n', b'\r'];
        let (chunks, tail) = self.bytes.as_chunks::<LANES>();
        for (index, chunk) in chunks.iter().enumerate() {
            self.visit(index * LANES, mask_of(chunk, set));
            if self.is_done() {
                return self.drop_partial_row();
            }
        }
        let mut last = [0; LANES];
        last[..tail.len()].copy_from_slice(tail);
        self.visit(chunks.len() * LANES, mask_of(&last, set));
        if self.at_end && !self.is_done() {
            self.finish();
        }
        self.drop_partial_row();
    }

    #[inline]
    fn visit(&mut self, base: usize, mut mask: u64) {
        let Dialect { delimiter, quote, line_end, .. } = *self.dialect;
        while mask != 0 {
            let at = base + mask.trailing_zeros() as usize;
            mask &= mask - 1;
            let byte = self.bytes[at];
            if byte == quote {
                self.on_quote(at);
            } else if self.quoted {
            } else if byte == delimiter {
                self.rows.marks.push(at as u32);
            } else if byte == line_end {
                self.end_row(at);
                if self.is_done() {
                    return;
                }
            } else {
                self.on_stray_line_end(at, byte);
            }
        }
    }

    fn on_quote(&mut self, at: usize) {
        let next = self.bytes.get(at + 1).copied();
        if self.quoted {
            if at == self.second_quote {
            } else if next == Some(self.dialect.quote) {
                self.second_quote = at + 1;
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

    fn ends_field(&self, byte: u8) -> bool {
        byte == self.dialect.delimiter || matches!(byte, b'\n' | b'\r')
    }

    fn field_start(&self) -> u32 {
        self.rows.marks[self.rows.marks.len() - 1].wrapping_add(1)
    }

    fn on_stray_line_end(&mut self, at: usize, byte: u8) {
        let before_line_feed = match self.bytes.get(at + 1) {
            Some(next) => *next == b'\n',
            // The last byte of the file, or not known yet.
            None => true,
        };
        if byte == b'\n' || !before_line_feed {
            self.fault.get_or_insert(Malformed::StrayLineEnd(byte));
        }
    }

    /// The row ends before `at`, where its line end stands.
    #[inline]
    fn end_row(&mut self, at: usize) {
        let start = self.rows.marks[self.row_mark].wrapping_add(1) as usize;
        let before = at.wrapping_sub(1);
        let crlf = self.dialect.line_end == b'\n' && at > start && self.bytes[before] == b'\r';
        let end = if crlf { before } else { at };
        self.close_row(start, end);
        self.rows.marks.push(at as u32);
        self.scanned.consumed = at + 1;
    }

    #[inline]
    fn close_row(&mut self, start: usize, end: usize) {
        self.rows.marks.push(end as u32);
        self.scanned.read += 1;
        if end - start > self.scanned.longest.0 {
            self.scanned.longest = (end - start, start);
        }
        let found = self.rows.marks.len() - self.row_mark - 1;
        if self.fault.is_some() || self.shape.fields != Some(found) {
            self.close_odd_row(start, end, found);
        }
        self.row_mark = self.rows.marks.len();
    }

    /// A row that is blank, malformed, or the first one of unknown width.
    fn close_odd_row(&mut self, start: usize, end: usize, found: usize) {
        let expected = self.shape.fields.unwrap_or(found);
        let fault = match self.fault.take() {
            None if start == end && self.shape.fields != Some(1) => {
                self.scanned.blank += 1;
                return self.rows.marks.truncate(self.row_mark);
            }
            None if found == expected => return,
            None => Malformed::FieldCount { expected, found },
            Some(fault) => fault,
        };
        self.rows.marks.truncate(self.row_mark);
        self.malformed.push(MalformedRow { start: start as u32, end: end as u32, fault });
    }

    /// The file ends here: what is left is a row, if anything is left.
    fn finish(&mut self) {
        let start = self.rows.marks[self.row_mark].wrapping_add(1) as usize;
        let end = self.bytes.len();
        if start == end {
            return;
        }
        if self.quoted {
            self.fault.get_or_insert(Malformed::UnclosedQuote);
        }
        let crlf = !self.quoted && self.dialect.line_end == b'\n' && self.bytes[end - 1] == b'\r';
        self.close_row(start, end - usize::from(crlf));
        self.scanned.consumed = end;
    }

    fn is_done(&self) -> bool {
        let rows = self.scanned.read as usize;
        match self.shape.fields {
            Some(_) => rows >= self.shape.most_rows,
            None => self.scanned.read > self.scanned.blank,
        }
    }

    fn drop_partial_row(&mut self) {
        self.rows.marks.truncate(self.row_mark);
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use millrace_contract::{CsvOptions, FileFormat};

    use super::*;
    use crate::csv::content;

    fn show(text: &str, fields: Option<usize>, at_end: bool) -> String {
        let dialect = Dialect::new(FileFormat::Csv, &CsvOptions::default()).expect("valid");
        let (mut rows, mut malformed) = (Rows::default(), Vec::new());
        let shape = Shape { fields, most_rows: usize::MAX };
        let scanned = scan(&dialect, shape, text.as_bytes(), at_end, &mut rows, &mut malformed);
        let mut shown = String::new();
        for row in rows.marks.chunks(fields.map_or(usize::MAX, |fields| fields + 1)) {
            let cells: Vec<_> = row
                .windows(2)
                .map(|pair| &text.as_bytes()[pair[0].wrapping_add(1) as usize..pair[1] as usize])
                .map(|field| String::from_utf8_lossy(&content(field, b'"')).into_owned())
                .collect();
            writeln!(shown, "{cells:?}").expect("writes");
        }
        for row in &malformed {
            let raw = &text[row.start as usize..row.end as usize];
            writeln!(shown, "{raw:?}: {}", row.fault).expect("writes");
        }
        let Scanned { consumed, read, blank, .. } = scanned;
        write!(shown, "{consumed} bytes, {read} read, {blank} blank").expect("writes");
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
        "1,\"open\n1,2\n": a quote is opened and never closed
        63 bytes, 8 read, 0 blank
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
}
