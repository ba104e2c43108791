//! Character encodings: from the source's bytes to UTF-8, and back to how many
//! bytes of the source a stretch of UTF-8 was, so that places in a file stay
//! those of the file.

use std::fmt;

use encoding_rs::{DecoderResult, UTF_16BE, UTF_16LE, WINDOWS_1252, mem};
use millrace_contract::{CsvOptions, Encoding, FileFormat, FixedOptions};

use crate::FormatError;

/// What a text is encoded in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Charset {
    /// UTF-8.
    #[default]
    Utf8,
    /// UTF-16, little endian.
    Utf16Le,
    /// UTF-16, big endian.
    Utf16Be,
    /// ISO 8859-1.
    Latin1,
    /// Windows-1252.
    Windows1252,
}

/// Bytes that have to be seen to recognise a byte order mark.
pub(super) const LONGEST_BOM: usize = 3;

impl Charset {
    /// The encoding of a text that starts with `start`, and how long its byte
    /// order mark is. A mark decides where UTF-8, the default, is declared;
    /// against any other declaration it is refused.
    pub(super) fn of(start: &[u8], declared: Encoding) -> Result<(Self, usize), FormatError> {
        let marked = match start {
            [0xEF, 0xBB, 0xBF, ..] => Some((Self::Utf8, 3)),
            [0xFF, 0xFE, ..] => Some((Self::Utf16Le, 2)),
            [0xFE, 0xFF, ..] => Some((Self::Utf16Be, 2)),
            _ => None,
        };
        let declared = Self::from(declared);
        match marked {
            None => Ok((declared, 0)),
            Some((charset, length)) if charset == declared || declared == Self::Utf8 => {
                Ok((charset, length))
            }
            // ÿþ and þÿ may well begin a text of these.
            Some((Self::Utf16Le | Self::Utf16Be, _))
                if matches!(declared, Self::Latin1 | Self::Windows1252) =>
            {
                Ok((declared, 0))
            }
            Some((charset, _)) => Err(FormatError::Unreadable {
                byte: 0,
                what: format!(
                    "the byte order mark is that of {charset}, but the encoding is said to be \
                     {declared}"
                ),
            }),
        }
    }

    /// How many bytes of the source have become these bytes of UTF-8.
    pub(crate) fn source_length(self, text: &[u8]) -> u64 {
        let starts = || text.iter().filter(|&&byte| byte & 0xC0 != 0x80).count() as u64;
        match self {
            Self::Utf8 => text.len() as u64,
            Self::Latin1 | Self::Windows1252 => starts(),
            Self::Utf16Le | Self::Utf16Be => {
                let pairs = text.iter().filter(|byte| (0xF0..=0xF4).contains(*byte)).count();
                2 * (starts() + pairs as u64)
            }
        }
    }

    /// Where a text has a character that the encoding does not have, and the
    /// byte of the source that stands there.
    pub(crate) fn find_undefined(self, text: &[u8]) -> Option<(usize, u8)> {
        if let Err(error) = std::str::from_utf8(text) {
            return Some((error.valid_up_to(), text[error.valid_up_to()]));
        }
        if self != Self::Windows1252 {
            return None;
        }
        // The decoder follows the web's practice and makes control characters of
        // the five bytes that Windows-1252 leaves open.
        let is_open = |pair: &[u8]| matches!(pair, [0xC2, 0x81 | 0x8D | 0x8F | 0x90 | 0x9D]);
        let at = text.windows(2).position(is_open)?;
        Some((at, text[at + 1]))
    }
}

/// The encoding that is declared for a file. JSON is UTF-8, unless a byte order
/// mark says otherwise.
pub(crate) fn encoding_of(format: FileFormat, csv: &CsvOptions, fixed: &FixedOptions) -> Encoding {
    match format {
        FileFormat::Csv | FileFormat::Tsv => csv.encoding,
        FileFormat::Fixed => fixed.encoding,
        FileFormat::Ndjson | FileFormat::Json | FileFormat::Parquet | FileFormat::Xlsx => {
            Encoding::Utf8
        }
    }
}

impl From<Encoding> for Charset {
    fn from(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Utf8 => Self::Utf8,
            Encoding::Utf16Le => Self::Utf16Le,
            Encoding::Utf16Be => Self::Utf16Be,
            Encoding::Latin1 => Self::Latin1,
            Encoding::Windows1252 => Self::Windows1252,
        }
    }
}

impl fmt::Display for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le => "UTF-16 (little endian)",
            Self::Utf16Be => "UTF-16 (big endian)",
            Self::Latin1 => "Latin-1",
            Self::Windows1252 => "Windows-1252",
        })
    }
}

/// Turns an encoding other than UTF-8 into UTF-8, chunk by chunk.
pub(super) enum Transcoder {
    /// Each byte is a character of the same number.
    Latin1,
    /// Anything that needs tables or state.
    Other(Box<encoding_rs::Decoder>),
}

/// What stands for half of a surrogate pair: its own UTF-8, which is none, so
/// that the row that has it is found and rejected like any with bad bytes.
const HALF_A_PAIR: [u8; 3] = [0xED, 0xA0, 0x80];

impl Transcoder {
    /// A transcoder. `None` for UTF-8, which stays as it is.
    pub(super) fn new(charset: Charset) -> Option<Self> {
        let encoding = match charset {
            Charset::Utf8 => return None,
            Charset::Latin1 => return Some(Self::Latin1),
            Charset::Utf16Le => UTF_16LE,
            Charset::Utf16Be => UTF_16BE,
            Charset::Windows1252 => WINDOWS_1252,
        };
        Some(Self::Other(Box::new(encoding.new_decoder_without_bom_handling())))
    }

    /// Appends a chunk as UTF-8; `last` says that none follows.
    pub(super) fn append(&mut self, chunk: &[u8], last: bool, text: &mut Vec<u8>) {
        match self {
            Self::Latin1 => {
                let start = text.len();
                text.resize(start + 2 * chunk.len(), 0);
                let written = mem::convert_latin1_to_utf8(chunk, &mut text[start..]);
                text.truncate(start + written);
            }
            Self::Other(decoder) => append_decoded(decoder, chunk, last, text),
        }
    }
}

fn append_decoded(
    decoder: &mut encoding_rs::Decoder,
    mut chunk: &[u8],
    last: bool,
    text: &mut Vec<u8>,
) {
    loop {
        let start = text.len();
        // Three bytes of UTF-8 for a byte is more than any encoding here makes.
        let room = decoder.max_utf8_buffer_length_without_replacement(chunk.len());
        text.resize(start + room.unwrap_or(3 * chunk.len() + 8), 0);
        let (result, read, written) =
            decoder.decode_to_utf8_without_replacement(chunk, &mut text[start..], last);
        text.truncate(start + written);
        chunk = &chunk[read..];
        match result {
            DecoderResult::InputEmpty => return,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => text.extend_from_slice(&HALF_A_PAIR),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(charset: Charset, chunks: &[&[u8]]) -> Vec<u8> {
        let mut transcoder = Transcoder::new(charset).expect("not UTF-8");
        let mut text = Vec::new();
        for (index, chunk) in chunks.iter().enumerate() {
            transcoder.append(chunk, index + 1 == chunks.len(), &mut text);
        }
        text
    }

    #[test]
    fn a_byte_order_mark_decides_unless_it_is_contradicted() {
        let of = |start: &[u8], declared| Charset::of(start, declared).ok();
        assert_eq!(of(b"\xFF\xFEa\0", Encoding::Utf8), Some((Charset::Utf16Le, 2)));
        assert_eq!(of(b"\xFE\xFF\0a", Encoding::Utf16Be), Some((Charset::Utf16Be, 2)));
        assert_eq!(of(b"\xEF\xBB\xBFa", Encoding::Utf8), Some((Charset::Utf8, 3)));
        assert_eq!(of(b"a", Encoding::Latin1), Some((Charset::Latin1, 0)));
        assert_eq!(of(b"\xFF\xFE", Encoding::Latin1), Some((Charset::Latin1, 0)));
        assert_eq!(of(b"\xFE\xFF\0a", Encoding::Utf16Le), None);
        assert_eq!(of(b"\xEF\xBB\xBFa", Encoding::Windows1252), None);
    }

    #[test]
    fn what_an_encoding_does_not_have_is_found() {
        let text = decode(Charset::Windows1252, &[b"\x80\xE9", b"\x81"]);
        assert_eq!(Charset::Windows1252.find_undefined(&text), Some((5, 0x81)));
        let text = decode(Charset::Utf16Le, &[b"a\0\x00\xD8", b"b\0"]);
        assert_eq!(Charset::Utf16Le.find_undefined(&text).map(|(at, _)| at), Some(1));
        let text = decode(Charset::Utf16Be, &[b"\0", b"a\0"]);
        assert_eq!(Charset::Utf16Be.find_undefined(&text).map(|(at, _)| at), Some(1));
        assert_eq!(Charset::Latin1.find_undefined("\u{81}".as_bytes()), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_and_keeps_its_places(text in "\\PC{0,40}", cut in 0usize..80, at in 0usize..40) {
            for (charset, bytes) in [
                (Charset::Utf16Le, text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()),
                (Charset::Utf16Be, text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
            ] {
                let (one, two) = bytes.split_at(cut.min(bytes.len()));
                prop_assert_eq!(decode(charset, &[one, two]), text.as_bytes());
                let start: String = text.chars().take(at).collect();
                let length = 2 * start.encode_utf16().count() as u64;
                prop_assert_eq!(charset.source_length(start.as_bytes()), length);
            }
        }

        #[test]
        fn single_bytes_are_characters(bytes: Vec<u8>) {
            for charset in [Charset::Latin1, Charset::Windows1252] {
                let text = decode(charset, &[&bytes]);
                prop_assert_eq!(std::str::from_utf8(&text).expect("UTF-8").chars().count(), bytes.len());
                prop_assert_eq!(charset.source_length(&text), bytes.len() as u64);
            }
        }
    }
}
