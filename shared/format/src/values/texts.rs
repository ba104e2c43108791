//! Values as the texts that the parsers of text files read.

use std::io::Write;

use arrow::array::types::{Float16Type, Float32Type, Float64Type};
use arrow::array::{Array, ArrayRef, AsArray, GenericBinaryArray, OffsetSizeTrait};
use arrow::datatypes::DataType as ArrowType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use millrace_contract::DataType;

use super::json;
use crate::FormatError;

/// The texts of a column's values.
pub(crate) struct Texts<'a> {
    array: &'a ArrayRef,
    others: ArrayFormatter<'a>,
    /// What the texts are to be read as.
    target: DataType,
}

impl<'a> Texts<'a> {
    /// The texts of an array that is to become a column of `target`.
    pub(crate) fn new(array: &'a ArrayRef, target: DataType) -> Result<Self, FormatError> {
        const OPTIONS: FormatOptions<'static> = FormatOptions::new();
        let others = ArrayFormatter::try_new(array.as_ref(), &OPTIONS)
            .map_err(|error| FormatError::Encode(error.to_string()))?;
        Ok(Self { array, others, target })
    }

    /// Appends the text of a value that is not null. False if it has none: bytes
    /// that are not UTF-8, or a moment that no calendar has; what comes then is
    /// for a person.
    pub(crate) fn append(&self, row: usize, text: &mut Vec<u8>) -> bool {
        match self.array.data_type() {
            ArrowType::Utf8 => text.extend(self.array.as_string::<i32>().value(row).bytes()),
            ArrowType::LargeUtf8 => text.extend(self.array.as_string::<i64>().value(row).bytes()),
            ArrowType::Utf8View => text.extend(self.array.as_string_view().value(row).bytes()),
            ArrowType::Binary
            | ArrowType::LargeBinary
            | ArrowType::BinaryView
            | ArrowType::FixedSizeBinary(_) => return self.append_bytes(row, text),
            ArrowType::Float16 => {
                return self.append_float(
                    self.array.as_primitive::<Float16Type>().value(row).to_f32(),
                    text,
                );
            }
            ArrowType::Float32 => {
                return self
                    .append_float(self.array.as_primitive::<Float32Type>().value(row), text);
            }
            ArrowType::Float64 => {
                return write!(text, "{}", self.array.as_primitive::<Float64Type>().value(row))
                    .is_ok();
            }
            found if found.is_nested() => json::append(self.array, row, text),
            _ => return self.append_other(row, text),
        }
        true
    }

    /// A float32 has the shortest text that is the same float32; as a float64 it
    /// is the same number.
    fn append_float(&self, value: f32, text: &mut Vec<u8>) -> bool {
        match self.target {
            DataType::Float64 => write!(text, "{}", f64::from(value)).is_ok(),
            _ => write!(text, "{value}").is_ok(),
        }
    }

    fn append_bytes(&self, row: usize, text: &mut Vec<u8>) -> bool {
        let bytes = bytes_of(self.array, row).unwrap_or_default();
        match (self.target, bytes.len()) {
            (DataType::Uuid, 16) => append_hex(bytes, text),
            // As the parser of text files has bytes.
            (DataType::Binary, _) => text.extend(BASE64_STANDARD.encode(bytes).bytes()),
            _ if std::str::from_utf8(bytes).is_ok() => text.extend(bytes),
            _ => {
                text.extend(b"0x");
                append_hex(&bytes[..bytes.len().min(64)], text);
                return false;
            }
        }
        true
    }

    fn append_other(&self, row: usize, text: &mut Vec<u8>) -> bool {
        let Ok(written) = self.others.value(row).try_to_string() else {
            text.extend(b"a value out of range");
            return false;
        };
        let written = match self.target {
            // A day, if that is all it says.
            DataType::Date => written
                .strip_suffix("T00:00:00")
                .or_else(|| written.strip_suffix("T00:00:00Z"))
                .unwrap_or(&written),
            _ => &written,
        };
        text.extend(written.bytes());
        true
    }
}

/// The bytes of a binary value.
pub(super) fn bytes_of(array: &ArrayRef, row: usize) -> Option<&[u8]> {
    fn of<O: OffsetSizeTrait>(array: &GenericBinaryArray<O>, row: usize) -> &[u8] {
        array.value(row)
    }
    Some(match array.data_type() {
        ArrowType::Binary => of(array.as_binary::<i32>(), row),
        ArrowType::LargeBinary => of(array.as_binary::<i64>(), row),
        ArrowType::BinaryView => array.as_binary_view().value(row),
        ArrowType::FixedSizeBinary(_) => array.as_fixed_size_binary().value(row),
        _ => return None,
    })
}

/// Appends bytes as hexadecimal digits.
pub(super) fn append_hex(bytes: &[u8], text: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        text.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}
