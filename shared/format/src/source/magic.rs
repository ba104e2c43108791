//! File formats by their first bytes: what is decompressed, and what is named
//! when it turns up where text should be.

use millrace_contract::{Encoding, FileFormat};

use super::Charset;
use crate::FormatError;

/// Bytes that have to be seen to recognise compression.
pub(crate) const LONGEST_MAGIC: usize = 10;

/// Bytes that have to be seen to recognise everything below.
pub(crate) const LONGEST_START: usize = 64;

/// What a source should hold once it is decompressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// Text in this encoding, unless a byte order mark says more.
    Text(Encoding),
    /// A format that is read as it lies, by its own rules: Parquet or XLSX.
    Binary(FileFormat),
    /// Whatever it is.
    Any,
}

impl Content {
    /// How it is called in "it has to be …".
    fn name(self) -> &'static str {
        match self {
            Self::Binary(FileFormat::Parquet) => "Parquet",
            Self::Binary(FileFormat::Xlsx) => "an XLSX workbook",
            Self::Text(_) | Self::Binary(_) | Self::Any => "text",
        }
    }

    /// Whether a format that is no text may be what the source holds.
    fn takes(self, found: FileFormat) -> bool {
        match self {
            Self::Text(_) => false,
            Self::Binary(format) => format == found,
            Self::Any => true,
        }
    }
}

/// What a file is compressed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    /// Nothing.
    None,
    /// Gzip (RFC 1952), of one or several members.
    Gzip,
    /// Zstandard (RFC 8878), of one or several frames.
    Zstd,
    /// bzip2, of one or several streams.
    Bzip2,
    /// XZ, of one or several streams.
    Xz,
    /// LZ4 frames.
    Lz4,
    /// Snappy in its framing format.
    Snappy,
    /// A ZIP archive, whose members are read one after the other.
    Zip,
}

impl Compression {
    /// Recognises compression by the first bytes of a file that should hold
    /// `content`.
    pub(crate) fn recognise(start: &[u8], content: Content) -> Result<Self, FormatError> {
        match format_of(start) {
            Some(found) if content.takes(found) => return Ok(Self::None),
            Some(found) => return Err(another_format(found, content)),
            None => {}
        }
        if let Some(compression) = Self::of(start) {
            return Ok(compression);
        }
        match foreign(start) {
            Some(name) => Err(not_read(name, content)),
            None => Ok(Self::None),
        }
    }

    fn of(start: &[u8]) -> Option<Self> {
        Some(match start {
            [0x1F, 0x8B, ..] => Self::Gzip,
            // A frame, or one that is to be skipped.
            [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Self::Zstd,
            // This begins with letters, as a header may; what follows is no text:
            // the first block's magic, or that of the end.
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..]
            | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, ..] => {
                Self::Bzip2
            }
            [0xFD, b'7', b'z', b'X', b'Z', 0x00, ..] => Self::Xz,
            [0x04, 0x22, 0x4D, 0x18, ..] => Self::Lz4,
            [0xFF, 0x06, 0x00, 0x00, b's', b'N', b'a', b'P', b'p', b'Y', ..] => Self::Snappy,
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Self::Zip,
            _ => return None,
        })
    }

    /// Its name, as in "the gzip stream".
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "Zstandard",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Lz4 => "LZ4",
            Self::Snappy => "Snappy",
            Self::Zip => "ZIP",
        }
    }
}

const FOREIGN: &[(&[u8], &str)] = &[
    (b"7z\xBC\xAF\x27\x1C", "a 7z archive"),
    (b"Rar!\x1A\x07", "a RAR archive"),
    (b"Obj\x01", "Avro"),
    (b"%PDF-", "PDF"),
    (
        b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1",
        "an old Office document (.xls) or a workbook with a password, to be saved as .xlsx without \
         one",
    ),
];

/// The name of a format that is not read, by the first bytes of a file.
fn foreign(start: &[u8]) -> Option<&'static str> {
    FOREIGN.iter().find(|(magic, _)| start.starts_with(magic)).map(|(_, name)| *name)
}

/// The format of a file that is no text, by its first bytes.
pub(crate) fn format_of(start: &[u8]) -> Option<FileFormat> {
    match start {
        // These begin with letters, as a header may; what follows is no text: the
        // first page's header, or its length where it is encrypted.
        [b'P', b'A', b'R', b'1', 0..=8 | 0x15, ..] | [b'P', b'A', b'R', b'E', _, _, 0, 0, ..] => {
            Some(FileFormat::Parquet)
        }
        _ => is_workbook(start).then_some(FileFormat::Xlsx),
    }
}

/// Whether a ZIP archive is an Office document: its first member is one of those
/// that such documents have (ECMA-376, Open Packaging Conventions).
fn is_workbook(start: &[u8]) -> bool {
    const PARTS: [&[u8]; 5] =
        [b"[Content_Types].xml", b"_rels/.rels", b"xl/", b"docProps/", b"customXml/"];
    const NAME_LENGTH: usize = 26;
    const NAME: usize = 30;
    let [b'P', b'K', 3, 4, ..] = start else { return false };
    let length = start.get(NAME_LENGTH).copied().map_or(0, usize::from);
    let name = start.get(NAME..).unwrap_or_default();
    let name = &name[..length.min(name.len())];
    PARTS.iter().any(|part| name.starts_with(part))
}

/// The error for a file of a format that is not read.
fn not_read(name: &str, content: Content) -> FormatError {
    let what = format!("this is {name}; it has to be {}, plain or compressed", content.name());
    FormatError::Unreadable { byte: 0, what }
}

/// The error for a file that is Parquet or XLSX where something else is declared.
fn another_format(found: FileFormat, content: Content) -> FormatError {
    let (name, word) = match found {
        FileFormat::Parquet => ("Parquet", "parquet"),
        FileFormat::Xlsx => ("an XLSX workbook", "xlsx"),
        FileFormat::Csv
        | FileFormat::Tsv
        | FileFormat::Ndjson
        | FileFormat::Json
        | FileFormat::Fixed => return not_read("text", content),
    };
    let what = format!("this is {name} and not {}; write `format = \"{word}\"`", content.name());
    FormatError::Unreadable { byte: 0, what }
}

/// Refuses what is not in the binary format that it should be in.
pub(crate) fn expect_format(start: &[u8], format: FileFormat) -> Result<(), FormatError> {
    let content = Content::Binary(format);
    match format_of(start) {
        Some(found) if found == format => Ok(()),
        Some(found) => Err(another_format(found, content)),
        None => Err(FormatError::Unreadable {
            byte: 0,
            what: format!(
                "this is not {}: it begins with `{}`",
                content.name(),
                crate::fault::shown(&start[..start.len().min(8)])
            ),
        }),
    }
}

/// Refuses what is no text: known formats by name, others by their bytes.
pub(crate) fn refuse_binary(start: &[u8], charset: Charset) -> Result<(), FormatError> {
    let content = Content::Text(Encoding::Utf8);
    if let Some(found) = format_of(start) {
        return Err(another_format(found, content));
    }
    if let Some(name) = foreign(start) {
        return Err(not_read(name, content));
    }
    if let Some(within) = Compression::of(start) {
        let what = format!("a {} stream lies within the compression", within.name());
        return Err(FormatError::Unreadable { byte: 0, what });
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

    fn recognise(start: &[u8]) -> Result<Compression, FormatError> {
        Compression::recognise(start, Content::Text(Encoding::Utf8))
    }

    #[test]
    fn compression_is_seen_in_the_content() {
        assert_eq!(recognise(b"\x1F\x8B\x08").expect("known"), Compression::Gzip);
        assert_eq!(recognise(b"a,b\n1,").expect("known"), Compression::None);
        assert_eq!(recognise(b"").expect("known"), Compression::None);
        assert_eq!(recognise(b"PAR1,P").expect("header"), Compression::None);
        let error = recognise(b"7z\xBC\xAF\x27\x1C").expect_err("7z");
        insta::assert_snapshot!(error, @"unreadable at byte 0: this is a 7z archive; it has to be text, plain or compressed");
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
