//! The binary `COPY` format, row by row from typed columns, into one buffer that
//! is used again.
//!
//! Source: "Binary Format" under COPY in the PostgreSQL manual, and the `send`
//! functions of the types. Integers are big-endian; dates count days and
//! timestamps microseconds from 2000-01-01.

use std::ops::Range;

use super::numeric::put_numeric;
use crate::LoadError;
use crate::cells::Cells;
use crate::column::Column;

const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// Ends the data.
pub(super) const TRAILER: [u8; 2] = [0xff, 0xff];

/// Days from 1970-01-01 to 2000-01-01.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_MICROS: i64 = EPOCH_DAYS as i64 * 86_400_000_000;

/// The column behind those of the batch: a `bigint`.
#[derive(Debug, Clone, Copy)]
pub(super) enum Last {
    /// The same in every row.
    Constant(i64),
    /// The row's number in the load.
    Ordinal,
}

/// Turns rows into bytes.
pub(super) struct Encoder {
    pub(super) bytes: Vec<u8>,
    last: Last,
    ordinal: i64,
}

impl Encoder {
    pub(super) fn new(last: Last) -> Self {
        Self { bytes: Vec::new(), last, ordinal: 0 }
    }

    /// From here on rows are of another load.
    pub(super) fn of(&mut self, last: Last) {
        self.last = last;
    }

    /// Starts a `COPY`.
    pub(super) fn begin(&mut self) {
        self.bytes.clear();
        self.bytes.extend_from_slice(HEADER);
    }

    /// Encodes rows until the buffer holds `enough` bytes; returns the row to go
    /// on with.
    pub(super) fn rows(
        &mut self,
        cells: &[Cells],
        columns: &[Column],
        rows: Range<usize>,
        enough: usize,
    ) -> Result<usize, LoadError> {
        // A table has at most 1600 columns.
        let fields = (cells.len() + 1) as i16;
        for row in rows.clone() {
            if self.bytes.len() >= enough {
                return Ok(row);
            }
            self.bytes.extend_from_slice(&fields.to_be_bytes());
            for (index, cells) in cells.iter().enumerate() {
                if let Err(problem) = put(&mut self.bytes, cells, row) {
                    let column = columns[index].name.clone();
                    return Err(LoadError::Value { column, problem });
                }
            }
            let last = self.last();
            put_fixed(&mut self.bytes, last.to_be_bytes());
        }
        Ok(rows.end)
    }

    fn last(&mut self) -> i64 {
        match self.last {
            Last::Constant(value) => value,
            Last::Ordinal => {
                self.ordinal += 1;
                self.ordinal
            }
        }
    }
}

fn put(bytes: &mut Vec<u8>, cells: &Cells, row: usize) -> Result<(), String> {
    if cells.array().is_null(row) {
        bytes.extend_from_slice(&(-1_i32).to_be_bytes());
        return Ok(());
    }
    match cells {
        Cells::Bool(array) => put_fixed(bytes, [u8::from(array.value(row))]),
        Cells::Int16(array) => put_fixed(bytes, array.value(row).to_be_bytes()),
        Cells::Int32(array) => put_fixed(bytes, array.value(row).to_be_bytes()),
        Cells::Int64(array) => put_fixed(bytes, array.value(row).to_be_bytes()),
        Cells::UInt64(array) => put_numeric(bytes, array.value(row).into(), 0),
        Cells::Float32(array) => put_fixed(bytes, array.value(row).to_be_bytes()),
        Cells::Float64(array) => put_fixed(bytes, array.value(row).to_be_bytes()),
        Cells::Decimal(array, scale) => put_numeric(bytes, array.value(row), *scale),
        Cells::Date(array) => {
            let days =
                array.value(row).checked_sub(EPOCH_DAYS).ok_or("the date is out of range")?;
            put_fixed(bytes, days.to_be_bytes());
        }
        Cells::Timestamp(array, _) => {
            let micros = array.value(row).checked_sub(EPOCH_MICROS);
            put_fixed(bytes, micros.ok_or("the timestamp is out of range")?.to_be_bytes());
        }
        Cells::Time(array) => put_fixed(bytes, array.value(row).to_be_bytes()),
        Cells::Binary(array) => {
            put_length(bytes, array.value(row).len())?;
            bytes.extend_from_slice(array.value(row));
        }
        Cells::Text(array) => {
            let text = array.value(row).as_bytes();
            put_length(bytes, text.len())?;
            bytes.extend_from_slice(text);
        }
        Cells::Json(array) => {
            let text = array.value(row).as_bytes();
            put_length(bytes, text.len() + 1)?;
            // The version of jsonb's format.
            bytes.push(1);
            bytes.extend_from_slice(text);
        }
    }
    Ok(())
}

fn put_fixed<const N: usize>(bytes: &mut Vec<u8>, value: [u8; N]) {
    bytes.extend_from_slice(&(N as i32).to_be_bytes());
    bytes.extend_from_slice(&value);
}

fn put_length(bytes: &mut Vec<u8>, length: usize) -> Result<(), String> {
    let length = i32::try_from(length).map_err(|_| "the text has more than 2 GiB".to_owned())?;
    bytes.extend_from_slice(&length.to_be_bytes());
    Ok(())
}
