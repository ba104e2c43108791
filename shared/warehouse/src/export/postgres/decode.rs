//! The binary form of `COPY`, into columns.
//!
//! Sources: "COPY", "Binary Format" in the PostgreSQL manual, and the `_send`
//! functions of its types.

use super::super::ExtractError;
use super::super::builder::{Builder, Filling};
use super::super::columns::Column;
use super::super::parse::check_digits;
use super::describe::Wire;
use crate::column::Kind;

/// What an answer begins with.
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// Days and microseconds from 1970-01-01 to 2000-01-01, where PostgreSQL counts
/// from.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_MICROS: i64 = 946_684_800_000_000;

/// Takes an answer apart as it comes.
pub(super) struct Decoder {
    wires: Vec<Wire>,
    bytes: Vec<u8>,
    /// Bytes of it that are done.
    at: usize,
    started: bool,
    ended: bool,
}

impl Decoder {
    pub(super) fn new(wires: Vec<Wire>) -> Self {
        Self { wires, bytes: Vec::new(), at: 0, started: false, ended: false }
    }

    /// Takes what came.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.at == self.bytes.len() {
            self.bytes.clear();
        } else if self.at > 0 {
            self.bytes.drain(..self.at);
        }
        self.at = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// Adds the next row, if all of it is there; answers its length.
    pub(super) fn row(&mut self, filling: &mut Filling) -> Result<Option<usize>, ExtractError> {
        if !self.started && !self.start()? {
            return Ok(None);
        }
        let rest = &self.bytes[self.at..];
        let Some(count) = word(rest, 0) else { return Ok(None) };
        if count == -1 {
            (self.ended, self.at) = (true, self.bytes.len());
            return Ok(None);
        }
        if usize::try_from(count) != Ok(self.wires.len()) {
            return Err(broken(&format!("a row has {count} values")));
        }
        let Some(length) = length_of(rest, self.wires.len()) else { return Ok(None) };
        let mut at = 2;
        for (index, wire) in self.wires.iter().enumerate() {
            let size = long(rest, at).unwrap_or(-1);
            at += 4;
            let builder = &mut filling.builders[index];
            let Ok(size) = usize::try_from(size) else {
                builder.null();
                continue;
            };
            let column = &filling.columns[index];
            value(builder, column, *wire, &rest[at..at + size])
                .map_err(|problem| ExtractError::value(&column.name, problem))?;
            at += size;
        }
        self.at += length;
        Ok(Some(length))
    }

    /// Passes over the header, once all of it is there.
    fn start(&mut self) -> Result<bool, ExtractError> {
        let fixed = SIGNATURE.len() + 8;
        let Some(extension) = long(&self.bytes, fixed - 4) else { return Ok(false) };
        if !self.bytes.starts_with(SIGNATURE) {
            return Err(broken("it is no binary COPY"));
        }
        let end = fixed + usize::try_from(extension).map_err(|_| broken("its header"))?;
        if self.bytes.len() < end {
            return Ok(false);
        }
        (self.at, self.started) = (end, true);
        Ok(true)
    }

    /// That the answer ended where it should.
    pub(super) fn end(&self) -> Result<(), ExtractError> {
        match self.ended {
            true => Ok(()),
            false => Err(broken("it ends in the middle")),
        }
    }
}

fn broken(what: &str) -> ExtractError {
    ExtractError::Protocol(format!("COPY: {what}"))
}

fn word(bytes: &[u8], at: usize) -> Option<i16> {
    Some(i16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<i32> {
    Some(i32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// Length of the row that bytes begin with; none if it is not all there.
fn length_of(bytes: &[u8], columns: usize) -> Option<usize> {
    let mut at = 2;
    for _ in 0..columns {
        let size = long(bytes, at)?;
        at += 4 + usize::try_from(size).unwrap_or(0);
    }
    (at <= bytes.len()).then_some(at)
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], String> {
    bytes.try_into().map_err(|_| format!("a value of {} bytes where {N} are due", bytes.len()))
}

/// Adds a value.
fn value(builder: &mut Builder, column: &Column, wire: Wire, bytes: &[u8]) -> Result<(), String> {
    match (wire, builder) {
        (Wire::Bool, Builder::Bool(builder)) => builder.append_value(fixed::<1>(bytes)? != [0]),
        (Wire::Int2, Builder::Int16(builder)) => {
            builder.append_value(i16::from_be_bytes(fixed(bytes)?));
        }
        (Wire::Int4, Builder::Int32(builder)) => {
            builder.append_value(i32::from_be_bytes(fixed(bytes)?));
        }
        (Wire::Int8, Builder::Int64(builder)) => {
            builder.append_value(i64::from_be_bytes(fixed(bytes)?));
        }
        (Wire::Oid, Builder::Int64(builder)) => {
            builder.append_value(u32::from_be_bytes(fixed(bytes)?).into());
        }
        (Wire::Float4, Builder::Float32(builder)) => {
            builder.append_value(f32::from_be_bytes(fixed(bytes)?));
        }
        (Wire::Float8, Builder::Float64(builder)) => {
            builder.append_value(f64::from_be_bytes(fixed(bytes)?));
        }
        (Wire::Numeric, Builder::Decimal(builder, scale)) => {
            let value = numeric(bytes, *scale)?;
            if let Kind::Decimal { precision, .. } = column.kind {
                check_digits(value, precision)?;
            }
            builder.append_value(value);
        }
        (Wire::Date, Builder::Date(builder)) => {
            let days = i32::from_be_bytes(fixed(bytes)?);
            let days = finite(days != i32::MAX && days != i32::MIN).map(|()| days)?;
            builder.append_value(days.checked_add(EPOCH_DAYS).ok_or("a date is out of range")?);
        }
        (Wire::Time, Builder::Time(builder)) => {
            let micros = i64::from_be_bytes(fixed(bytes)?);
            if micros >= 86_400_000_000 {
                return Err("24:00:00 is no time of day elsewhere; cast it to text".to_owned());
            }
            builder.append_value(micros);
        }
        (Wire::Timestamp, Builder::Timestamp(builder)) => {
            let micros = i64::from_be_bytes(fixed(bytes)?);
            let micros = finite(micros != i64::MAX && micros != i64::MIN).map(|()| micros)?;
            let micros = micros.checked_add(EPOCH_MICROS).ok_or("a timestamp is out of range")?;
            builder.append_value(micros);
        }
        (Wire::Text, Builder::Text(builder)) => builder.append_value(text(bytes)?),
        (Wire::Jsonb, Builder::Text(builder)) => {
            builder.append_value(text(bytes.get(1..).unwrap_or_default())?);
        }
        (Wire::Uuid, Builder::Text(builder)) => builder.append_value(uuid(fixed(bytes)?)),
        (Wire::Bytes, Builder::Binary(builder)) => builder.append_value(bytes),
        (
            Wire::Bool
            | Wire::Int2
            | Wire::Int4
            | Wire::Int8
            | Wire::Oid
            | Wire::Float4
            | Wire::Float8
            | Wire::Numeric
            | Wire::Date
            | Wire::Time
            | Wire::Timestamp
            | Wire::Text
            | Wire::Jsonb
            | Wire::Uuid
            | Wire::Bytes,
            _,
        ) => return Err(format!("its values are not of its type {}", column.data_type)),
    }
    Ok(())
}

fn finite(is_finite: bool) -> Result<(), String> {
    match is_finite {
        true => Ok(()),
        false => Err("`infinity` is no time elsewhere; make it null in the query".to_owned()),
    }
}

fn text(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| "a text is not UTF-8".to_owned())
}

fn uuid(bytes: [u8; 16]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let [a, b, c, d, e] =
        [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    format!("{a}-{b}-{c}-{d}-{e}")
}

/// A `numeric` at a scale: digits to base 10 000, the first of which counts
/// 10 000 to the power of the weight.
fn numeric(bytes: &[u8], scale: u32) -> Result<i128, String> {
    let cut_off = || "a number is cut off".to_owned();
    let head = |at| word(bytes, at).ok_or_else(cut_off);
    let (count, weight, sign) = (head(0)?, head(2)?, head(4)? as u16);
    if !matches!(sign, 0 | 0x4000) {
        return Err("`NaN` and infinities are no decimals; make them null in the query".to_owned());
    }
    let too_long =
        || format!("a number has more than 38 digits at {scale} decimals; cast it in the query");
    let mut value: i128 = 0;
    for index in 0..count {
        let digit = word(bytes, 8 + 2 * usize::from(index.unsigned_abs())).ok_or_else(cut_off)?;
        // The power of ten that this digit counts, beside the scale.
        let power = 4 * (i32::from(weight) - i32::from(index)) + scale as i32;
        // Behind the point the last digit may have fewer than four decimals.
        let cut = 10_i128.pow(power.min(0).unsigned_abs().min(4));
        if i128::from(digit) % cut != 0 {
            return Err(format!(
                "a number has more than {scale} decimals; cast it in the query, as in \
                 CAST(x AS numeric(38,{scale}))"
            ));
        }
        let next = value.checked_mul(10_000 / cut);
        value = next.and_then(|v| v.checked_add(i128::from(digit) / cut)).ok_or_else(too_long)?;
    }
    let last = 4 * (i32::from(weight) - i32::from(count) + 1) + scale as i32;
    if value != 0 && last > 0 {
        let unit = 10_i128.checked_pow(last.unsigned_abs());
        value = unit.and_then(|unit| value.checked_mul(unit)).ok_or_else(too_long)?;
    }
    Ok(if sign == 0 { value } else { -value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::numeric::put_numeric;

    #[test]
    fn a_numeric_is_read_as_it_is_written() {
        for scale in 0..=38 {
            for value in
                [0, 1, -1, 9_999, 10_000, -12_345_678, 10_i128.pow(38) - 1, -(10_i128.pow(37))]
            {
                let mut bytes = Vec::new();
                put_numeric(&mut bytes, value, scale);
                assert_eq!(numeric(&bytes[4..], scale), Ok(value), "{value} at {scale}");
            }
        }
        let mut bytes = Vec::new();
        put_numeric(&mut bytes, 1_234, 3);
        assert_eq!(numeric(&bytes[4..], 5), Ok(123_400));
        assert!(numeric(&bytes[4..], 2).unwrap_err().contains("more than 2 decimals"));
        let nan = [0, 0, 0, 0, 0xc0, 0, 0, 0];
        assert!(numeric(&nan, 2).unwrap_err().contains("NaN"));
    }

    #[test]
    fn an_answer_that_comes_byte_by_byte_is_put_together() {
        let mut answer = SIGNATURE.to_vec();
        answer.extend([0; 8]);
        for number in [1_i32, 2] {
            answer.extend(1_i16.to_be_bytes());
            answer.extend(4_i32.to_be_bytes());
            answer.extend(number.to_be_bytes());
        }
        answer.extend((-1_i16).to_be_bytes());
        let columns = vec![Column::new("n", millrace_contract::DataType::Int32)];
        let (mut decoder, mut filling) = (Decoder::new(vec![Wire::Int4]), Filling::new(columns));
        let mut rows = 0;
        for byte in &answer {
            decoder.push(&[*byte]);
            while decoder.row(&mut filling).expect("a row").is_some() {
                rows += 1;
            }
        }
        assert_eq!(rows, 2);
        assert!(decoder.end().is_ok());
        let cut_off = Decoder::new(Vec::new());
        assert!(cut_off.end().is_err());
    }

    #[test]
    fn a_uuid_is_written_in_small_letters_with_hyphens() {
        let bytes: [u8; 16] = std::array::from_fn(|index| (index * 17) as u8);
        assert_eq!(uuid(bytes), "00112233-4455-6677-8899-aabbccddeeff");
    }
}
