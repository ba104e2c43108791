//! Columns of bytes, which text writes as base64 (RFC 4648, with or without
//! padding).

use std::mem::take;
use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray};
use arrow::buffer::{Buffer, OffsetBuffer};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::typed::{null_buffer, take_sized};
use super::{ColumnBuilder, Fields, extend_checked};
use crate::fault::Faults;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Builds a column of bytes.
#[derive(Default)]
pub(super) struct Binary {
    bytes: Vec<u8>,
    /// Where each value ends.
    ends: Vec<i32>,
    null_rows: Vec<u32>,
}

impl ColumnBuilder for Binary {
    fn extend(&mut self, fields: &Fields<'_>, faults: &mut Faults) {
        extend_checked(self, fields, faults);
    }

    fn push(&mut self, text: &[u8]) -> bool {
        let before = self.bytes.len();
        let decoded = BASE64.decode_vec(text.trim_ascii(), &mut self.bytes);
        if decoded.is_err() {
            self.bytes.truncate(before);
        }
        // A block is far smaller than 2 GiB.
        self.ends.push(self.bytes.len() as i32);
        decoded.is_ok()
    }

    fn push_null(&mut self) {
        self.null_rows.push(self.ends.len() as u32);
        self.ends.push(self.bytes.len() as i32);
    }

    fn finish(&mut self) -> ArrayRef {
        let nulls = null_buffer(self.ends.len(), &take(&mut self.null_rows));
        let mut offsets = Vec::with_capacity(self.ends.len() + 1);
        offsets.push(0);
        offsets.append(&mut take_sized(&mut self.ends));
        let bytes = Buffer::from_vec(take_sized(&mut self.bytes));
        Arc::new(BinaryArray::new(OffsetBuffer::new(offsets.into()), bytes, nulls))
    }
}
