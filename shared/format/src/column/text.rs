//! Columns of text: strings, and JSON values and UUIDs kept as their text.

use std::borrow::Cow;
use std::mem::take;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::buffer::{Buffer, OffsetBuffer};

use super::typed::{null_buffer, take_sized};
use super::{ColumnBuilder, Fields, extend_checked};
use crate::fault::{Faults, Refusal};
use crate::json;
use crate::value::canonical_uuid;

/// Builds a column of strings. The bytes must be UTF-8; the decoder has seen to
/// that.
#[derive(Default)]
pub(super) struct Text {
    bytes: Vec<u8>,
    /// Where each value ends.
    ends: Vec<i32>,
    null_rows: Vec<u32>,
    /// Whether spaces around a value are taken off.
    trims: bool,
}

impl Text {
    /// Texts, with or without the spaces around them.
    pub(super) fn new(trims: bool) -> Self {
        Self { trims, ..Self::default() }
    }

    #[inline]
    fn end_value(&mut self) {
        // A block is far smaller than 2 GiB.
        self.ends.push(self.bytes.len() as i32);
    }
}

impl ColumnBuilder for Text {
    fn extend(&mut self, fields: &Fields<'_>, faults: &mut Faults) {
        self.ends.reserve(fields.len());
        for (row, field) in fields.iter() {
            let field = if self.trims { field.trim_ascii() } else { field };
            if let Some(inner) = fields.quoting.inner(field) {
                let inner = if self.trims { inner.trim_ascii() } else { inner };
                fields.quoting.append(inner, true, &mut self.bytes);
            } else if fields.nulls.contain(field) {
                if fields.required {
                    faults.note(row, fields.column, || Refusal::Required);
                } else {
                    self.null_rows.push(self.ends.len() as u32);
                }
            } else {
                fields.quoting.append(field, false, &mut self.bytes);
            }
            self.end_value();
        }
    }

    fn push(&mut self, text: &[u8]) -> bool {
        self.bytes.extend_from_slice(if self.trims { text.trim_ascii() } else { text });
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

/// Builds a column of texts that have to be something, such as JSON values or
/// UUIDs; what is not is refused.
pub(super) struct Checked {
    text: Text,
    spell: fn(&[u8]) -> Option<Cow<'_, [u8]>>,
}

impl Checked {
    /// JSON values, kept as their texts.
    pub(super) fn json() -> Self {
        Self { text: Text::default(), spell: json_text }
    }

    /// UUIDs in their canonical form.
    pub(super) fn uuids() -> Self {
        Self { text: Text::default(), spell: uuid_text }
    }
}

fn json_text(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    json::is_value(text).then(|| Cow::Borrowed(text.trim_ascii()))
}

fn uuid_text(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    canonical_uuid(text).map(Cow::Owned)
}

impl ColumnBuilder for Checked {
    fn extend(&mut self, fields: &Fields<'_>, faults: &mut Faults) {
        extend_checked(self, fields, faults);
    }

    fn push(&mut self, text: &[u8]) -> bool {
        let spelled = (self.spell)(text);
        self.text.push(spelled.as_deref().unwrap_or_default());
        spelled.is_some()
    }

    fn push_null(&mut self) {
        self.text.push_null();
    }

    fn finish(&mut self) -> ArrayRef {
        self.text.finish()
    }
}
