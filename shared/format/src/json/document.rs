//! Finds the rows of a JSON document that is read piece by piece: the elements
//! of an array, or objects that stand one behind the other.
//!
//! Only where values begin and end is looked at here, and what stands between
//! them; what they hold is checked when they are decoded. So a value that is
//! wrong costs its row, and a document that is wrong is refused with the place.

use super::{JsonError, Kind, Tokens};
use crate::block::Rows;
use crate::csv::Scanned;

/// Where in a document its next row is looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Document {
    /// In front of everything.
    #[default]
    Start,
    /// Behind the opening bracket.
    Open,
    /// Behind an element.
    Element,
    /// Behind a comma.
    Comma,
    /// Behind the closing bracket.
    Closed,
    /// Behind an object that is not in an array.
    Object,
}

/// What comes next in a document.
enum Step {
    /// A byte that was understood.
    Take(Document),
    /// A row, and where it leads to.
    Row(Document),
}

impl Document {
    /// Whether a text that should have an object per line is an array of objects
    /// instead.
    pub(crate) fn is_array_of_objects(text: &[u8]) -> bool {
        let Some(inner) = text.trim_ascii_start().strip_prefix(b"[") else { return false };
        inner.trim_ascii_start().first() == Some(&b'{')
    }

    /// Finds the whole rows at the start of `bytes`, at most `most`. What remains
    /// is a row that may go on; with `at_end` nothing remains.
    ///
    /// # Errors
    /// [`JsonError`] if this is no document of rows.
    pub(crate) fn find_rows(
        &mut self,
        bytes: &[u8],
        at_end: bool,
        most: usize,
        rows: &mut Rows,
    ) -> Result<Scanned, JsonError> {
        rows.reset(1);
        let mut scanned = Scanned::default();
        while scanned.read < most as u64 {
            scanned.consumed += space(&bytes[scanned.consumed..]);
            let start = scanned.consumed;
            let Some(&byte) = bytes.get(start) else {
                if at_end {
                    self.check_end(start)?;
                }
                break;
            };
            match self.step(byte, &bytes[start..]).map_err(|error| error.behind(start))? {
                Step::Take(next) => {
                    scanned.consumed += 1;
                    *self = next;
                }
                Step::Row(next) => {
                    let Some(length) = value_length(&bytes[start..], at_end) else {
                        if at_end {
                            return Err(unfinished(&bytes[start..]).behind(start));
                        }
                        break;
                    };
                    let end = start + length;
                    rows.marks.extend([(start as u32).wrapping_sub(1), end as u32]);
                    scanned.longest = scanned.longest.max((length, start));
                    scanned.read += 1;
                    scanned.consumed = end;
                    *self = next;
                }
            }
        }
        Ok(scanned)
    }

    fn step(self, byte: u8, rest: &[u8]) -> Result<Step, JsonError> {
        let fail = |what| Err(JsonError { at: 0, what });
        Ok(match (self, byte) {
            (Self::Start, b'[') => Step::Take(Self::Open),
            (Self::Start | Self::Object, b'{') => Step::Row(Self::Object),
            (Self::Start, _) => return Err(no_table(rest)),
            (Self::Open | Self::Element, b']') => Step::Take(Self::Closed),
            (Self::Element, b',') => Step::Take(Self::Comma),
            (Self::Element, _) => return fail("expected a comma or a closing bracket"),
            (Self::Comma, b']') => return fail("expected a value"),
            (Self::Open | Self::Comma, _) => Step::Row(Self::Element),
            (Self::Closed | Self::Object, _) => return fail("text follows the document"),
        })
    }

    fn check_end(self, at: usize) -> Result<(), JsonError> {
        let what = match self {
            Self::Closed | Self::Object => return Ok(()),
            Self::Start => "the document is empty",
            Self::Open | Self::Element | Self::Comma => "the array is never closed",
        };
        Err(JsonError { at, what })
    }
}

/// Why a document that begins neither with a bracket nor with a brace is no
/// table.
fn no_table(text: &[u8]) -> JsonError {
    let mut tokens = Tokens::new(text);
    let value = tokens.value().and_then(|value| tokens.end().map(|()| value));
    value.map_or_else(
        |error| error,
        |value| JsonError {
            at: 0,
            what: match value.kind {
                Kind::Null => "the document is a null, which is no table",
                Kind::Bool => "the document is a boolean, which is no table",
                Kind::Number => "the document is a number, which is no table",
                Kind::Plain | Kind::Escaped => "the document is a string, which is no table",
                Kind::Nested => "the document is no table",
            },
        },
    )
}

/// What is wrong with a value that does not end.
fn unfinished(text: &[u8]) -> JsonError {
    let error = Tokens::new(text).value().err();
    error.unwrap_or(JsonError { at: 0, what: "the value is never closed" })
}

fn space(text: &[u8]) -> usize {
    let is_space = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    text.iter().take_while(is_space).count()
}

/// How long the value at the start is, as its brackets and quotes say. `None` if
/// it does not end.
fn value_length(text: &[u8], at_end: bool) -> Option<usize> {
    match text.first()? {
        b'{' | b'[' => nested_length(text),
        b'"' => string_length(text),
        _ => {
            let ends =
                |byte: &u8| matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r');
            let end = text.iter().skip(1).position(ends).map(|at| at + 1);
            end.or_else(|| at_end.then_some(text.len()))
        }
    }
}

fn nested_length(text: &[u8]) -> Option<usize> {
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                at += string_length(&text[at..])?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// How long the string at the start is, quotes and all.
fn string_length(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        match text[at] {
            b'"' => return Some(at + 1),
            _ => at += 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The rows of a document that arrives `step` bytes at a time.
    fn rows(text: &str, step: usize) -> Result<Vec<String>, (usize, &'static str)> {
        let (mut document, mut rows) = (Document::default(), Rows::default());
        let (mut start, mut end, mut found) = (0, 0, Vec::new());
        loop {
            end = (end + step).min(text.len());
            let bytes = &text.as_bytes()[start..end];
            let scanned = document
                .find_rows(bytes, end == text.len(), 2, &mut rows)
                .map_err(|error| (start + error.at, error.what))?;
            for row in 0..rows.len() {
                let (from, to) = rows.span(row);
                found.push(text[start + from as usize..start + to as usize].to_owned());
            }
            start += scanned.consumed;
            if end == text.len() && scanned.consumed == 0 {
                return Ok(found);
            }
        }
    }

    #[test]
    fn rows_are_the_elements_of_an_array_or_objects_in_a_row() {
        let text = r#" [ {"a":[1,{"b":"]}"}]} , 12,"x\"," ,{} ] "#;
        assert_eq!(
            rows(text, 3).expect("rows"),
            [r#"{"a":[1,{"b":"]}"}]}"#, "12", r#""x\",""#, "{}"]
        );
        assert_eq!(rows("{\n}\n{\"a\":\n1}{}", 1).expect("rows"), ["{\n}", "{\"a\":\n1}", "{}"]);
        assert_eq!(rows("[]", 5).expect("rows"), Vec::<String>::new());
    }

    #[test]
    fn what_is_no_document_of_rows_is_refused_with_the_place() {
        for (text, at, what) in [
            ("", 0, "the document is empty"),
            (" 12 ", 1, "the document is a number, which is no table"),
            ("[{},]", 4, "expected a value"),
            ("[{} {}]", 4, "expected a comma or a closing bracket"),
            ("[{}", 3, "the array is never closed"),
            ("[{}] x", 5, "text follows the document"),
            ("[{\"a\":\"x]", 9, "a string is never closed"),
            ("nul", 0, "expected a value"),
        ] {
            assert_eq!(rows(text, 4), Err((at, what)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(text in "[\\[\\]{},:\"\\\\a1 \n]{0,40}", step in 1usize..9) {
            let (pieces, whole) = (rows(&text, step), rows(&text, 100));
            prop_assert_eq!(pieces.is_ok(), whole.is_ok());
            if let (Ok(pieces), Ok(whole)) = (pieces, whole) {
                prop_assert_eq!(pieces, whole);
            }
        }
    }
}
