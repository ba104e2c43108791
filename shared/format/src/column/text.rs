//! Columns of text: strings, and JSON values kept as their text.

use std::mem::take;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::buffer::{Buffer, OffsetBuffer};

use super::typed::{null_buffer, take_sized};
use super::{ColumnBuilder, Fields};
use crate::csv::{content, undouble_into, unquoted};
use crate::fault::{Faults, Refusal, shown};
use crate::json;
use crate::text::latin1_to_utf8;

/// Builds a column of strings. The bytes must be UTF-8 unless they are said to
/// be ISO 8859-1; the decoder has seen to that.
#[derive(Default)]
pub(super) struct Text {
    bytes: Vec<u8>,
    /// Where each value ends.
    ends: Vec<i32>,
    null_rows: Vec<u32>,
}

impl Text {
    #[inline]
    fn end_value(&mut self) {
        // A block is far smaller than 2 GiB.
        self.ends.push(self.bytes.len() as i32);
    }

    fn append(&mut self, text: &[u8], latin1: bool) {
        if latin1 {
            self.bytes.extend_from_slice(latin1_to_utf8(text).as_bytes());
        } else {
            self.bytes.extend_from_slice(text);
        }
    }

    fn append_quoted(&mut self, inner: &[u8], fields: &Fields<'_>) {
        if memchr::memchr(fields.quote, inner).is_none() {
            return self.append(inner, fields.latin1);
        }
        if !fields.latin1 {
            return undouble_into(inner, fields.quote, &mut self.bytes);
        }
        let mut plain = Vec::with_capacity(inner.len());
        undouble_into(inner, fields.quote, &mut plain);
        self.append(&plain, true);
    }
}

impl ColumnBuilder for Text {
    fn extend(&mut self, fields: &Fields<'_>, faults: &mut Faults) {
        self.ends.reserve(fields.len());
        for (row, field) in fields.iter() {
            if let Some(inner) = unquoted(field, fields.quote) {
                self.append_quoted(inner, fields);
            } else if fields.nulls.contain(field) {
                if fields.required {
                    faults.note(row, fields.column, || Refusal::Required);
                } else {
                    self.null_rows.push(self.ends.len() as u32);
                }
            } else {
                self.append(field, fields.latin1);
            }
            self.end_value();
        }
    }

    fn push(&mut self, text: &[u8]) -> bool {
        self.append(text, false);
        self.end_value();
        true
    }

    fn push_null(&mut self) {
        self.null_rows.push(self.ends.len() as u32);
        self.end_value();
    }

    fn finish(&mut self) -> ArrayRef {
        let nulls = null_buffer(self.ends.len(), &take(&mut self.null_rows));
        let mut offsets = Vec::with_capacity(self.ends.len() + 1);
        offsets.push(0);
        offsets.append(&mut self.ends);
        let bytes = Buffer::from_vec(take_sized(&mut self.bytes));
        Arc::new(StringArray::new(OffsetBuffer::new(offsets.into()), bytes, nulls))
    }
}

/// Builds a column of JSON texts; what is no JSON value is refused.
#[derive(Default)]
pub(super) struct Json {
    text: Text,
}

impl ColumnBuilder for Json {
    fn extend(&mut self, fields: &Fields<'_>, faults: &mut Faults) {
        for (row, field) in fields.iter() {
            if fields.means_null(field) {
                if fields.required {
                    faults.note(row, fields.column, || Refusal::Required);
                    self.text.push(b"");
                } else {
                    self.push_null();
                }
                continue;
            }
            let plain = content(field, fields.quote);
            if !self.push_encoded(&plain, fields.latin1) {
                faults.note(row, fields.column, || Refusal::Type { value: shown(&plain) });
            }
        }
    }

    fn push(&mut self, text: &[u8]) -> bool {
        let valid = json::is_value(text);
        self.text.push(if valid { text.trim_ascii() } else { b"" });
        valid
    }

    fn push_null(&mut self) {
        self.text.push_null();
    }

    fn finish(&mut self) -> ArrayRef {
        self.text.finish()
    }
}

impl Json {
    fn push_encoded(&mut self, text: &[u8], latin1: bool) -> bool {
        if latin1 { self.push(latin1_to_utf8(text).as_bytes()) } else { self.push(text) }
    }
}
