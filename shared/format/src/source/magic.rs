//! File formats by their first bytes: what is decompressed, and what is named
//! when it turns up where text should be.

use super::Charset;
use crate::FormatError;

/// Bytes that have to be seen to recognise everything below.
pub(crate) const LONGEST_MAGIC: usize = 6;

/// What a file is compressed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    /// Nothing.
    None,
    /// Gzip (RFC 1952), of one or several members.
    Gzip,
}

impl Compression {
    /// Recognises compression by a file's first bytes.
    pub(crate) fn recognise(start: &[u8]) -> Result<Self, FormatError> {
        if start.starts_with(GZIP) {
            return Ok(Self::Gzip);
        }
        match foreign(start) {
            Some(name) => Err(not_text(name)),
            None => Ok(Self::None),
        }
    }
}

const GZIP: &[u8] = &[0x1F, 0x8B];

const FOREIGN: &[(&[u8], &str)] = &[
    (GZIP, "gzip within gzip"),
    (b"\x28\xB5\x2F\xFD", "Zstandard"),
    (b"\xFD7zXZ\x00", "xz"),
    (b"\x04\x22\x4D\x18", "LZ4"),
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook"),
    (b"7z\xBC\xAF\x27\x1C", "a 7z archive"),
    (b"Obj\x01", "Avro"),
    (b"%PDF-", "PDF"),
];

/// The name of a format that is no text we read, by the first bytes of what
/// should be text.
pub(crate) fn foreign(start: &[u8]) -> Option<&'static str> {
    match start {
        // These begin with letters, as a header may; what follows is no text.
        [b'B', b'Z', b'h', b'1'..=b'9', b'1', b'A', ..] => Some("bzip2"),
        [b'P', b'A', b'R', b'1', 0..=8, ..] => Some("Parquet"),
        _ => FOREIGN.iter().find(|(magic, _)| start.starts_with(magic)).map(|(_, name)| *name),
    }
}

/// The error for a file of a format that is not read.
pub(crate) fn not_text(name: &str) -> FormatError {
    FormatError::Unreadable {
        byte: 0,
        what: format!("this is {name}; it has to be text, plain or gzipped"),
    }
}

/// Refuses what is no text: known formats by name, others by their bytes.
pub(crate) fn refuse_binary(start: &[u8], charset: Charset) -> Result<(), FormatError> {
    if let Some(name) = foreign(start) {
        return Err(not_text(name));
    }
    let sample = &start[..start.len().min(8192)];
    let is_odd =
        |byte: &&u8| **byte < 0x20 && !matches!(**byte, 0x01 | b'\t' | b'\n' | b'\r' | 0x0C | 0x1B);
    let odd = sample.iter().filter(is_odd).count();
    // One in twenty; a few bad bytes in a short file cost their rows only.
    if odd < 4 || odd * 20 <= sample.len() {
        return Ok(());
    }
    let first = sample.iter().position(|byte| is_odd(&byte)).unwrap_or_default();
    let hint = match memchr::memchr(0, sample) {
        Some(_) => "; is it UTF-16 without a byte order mark, or binary?",
        None => "",
    };
    let what = format!("byte `0x{:02X}` does not belong in a text file{hint}", sample[first]);
    Err(FormatError::Unreadable { byte: charset.source_length(&sample[..first]), what })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compression_is_seen_in_the_content() {
        assert_eq!(Compression::recognise(b"\x1F\x8B\x08").expect("known"), Compression::Gzip);
        assert_eq!(Compression::recognise(b"a,b\n1,").expect("known"), Compression::None);
        assert_eq!(Compression::recognise(b"").expect("known"), Compression::None);
        assert_eq!(Compression::recognise(b"PAR1,P").expect("header"), Compression::None);
        let error = Compression::recognise(b"PK\x03\x04\x14\x00").expect_err("zip");
        insta::assert_snapshot!(error, @"unreadable at byte 0: this is a ZIP archive or an Excel workbook; it has to be text, plain or gzipped");
    }

    #[test]
    fn binary_files_are_refused_with_the_byte() {
        let utf16: Vec<u8> = "a,b\n1,2\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let error = refuse_binary(&utf16, Charset::Utf8).expect_err("binary");
        insta::assert_snapshot!(error, @"unreadable at byte 1: byte `0x00` does not belong in a text file; is it UTF-16 without a byte order mark, or binary?");
        assert!(refuse_binary("naïve,\t\r\n".as_bytes(), Charset::Utf8).is_ok());
        assert!(refuse_binary(b"a\x01b\x01c\x01d\x01e", Charset::Utf8).is_ok());
        assert!(refuse_binary(b"", Charset::Utf8).is_ok());
    }
}
