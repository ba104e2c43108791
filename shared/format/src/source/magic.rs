//! File formats by their first bytes: what is decompressed, and what is named
//! when it turns up where text should be.

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
    (b"\xFF\xFE", "UTF-16 text"),
    (b"\xFE\xFF", "UTF-16 text"),
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
        what: format!("this is {name}; it has to be plain or gzipped UTF-8 or Latin-1 text"),
    }
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
        insta::assert_snapshot!(error, @"unreadable at byte 0: this is a ZIP archive or an Excel workbook; it has to be plain or gzipped UTF-8 or Latin-1 text");
    }
}
