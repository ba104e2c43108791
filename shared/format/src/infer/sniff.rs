//! What a file is when nobody says: its format, encoding and dialect, from its
//! first bytes.
//!
//! Compression and binary formats are told by content. Text whose name ends in
//! `.json`, `.ndjson` or `.jsonl` is JSON, so that what is wrong with it is said
//! of JSON; any other text is JSON if it begins as objects do, and otherwise
//! delimited.

use std::borrow::Cow;
use std::io::Read;

use encoding_rs::{Encoding as Codec, UTF_16BE, UTF_16LE, WINDOWS_1252};
use millrace_contract::{CsvOptions, Encoding, FileFormat};

use super::dialect::{self, SampleText};
use crate::json::{Tokens, is_value};
use crate::source::{Charset, Content, Source, format_of, refuse_binary};
use crate::{FormatError, Limits};

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sniffed {
    /// Its format, after decompression.
    pub format: FileFormat,
    /// How it is written, if it is delimited text; the defaults otherwise.
    pub csv: CsvOptions,
}

/// Decompressed bytes that are looked at.
const SAMPLE: usize = 128 << 10;

/// Tells what a file is from its first 128 KiB after decompression. Of `name`
/// only the ending counts, and only where the bytes leave it open; of an archive
/// it is the first member that is looked at.
///
/// Delimiters are found among `,`, tab, `;` and `|`, each read with quotes; the
/// one by which most rows have the same number of fields wins. There is a header
/// unless the first row has a number or a date where the rows below have one
/// too.
///
/// # Errors
/// [`FormatError`] if the file can't be read or is of a format that is not read.
pub fn sniff(source: impl Read, name: &str) -> Result<Sniffed, FormatError> {
    let mut source = Source::open_as(source, Content::Any, &Limits::default())?;
    let ending = ending(source.member().unwrap_or(name));
    let mut start = Vec::new();
    let at_end = source.fill(&mut start, SAMPLE)?;
    if let Some(format) = format_of(&start) {
        return Ok(Sniffed { format, csv: CsvOptions::default() });
    }
    let (encoding, text) = decode(&start, source.charset(), at_end);
    refuse_binary(&text, source.charset())?;
    if let Some(format) = json_format(&text, at_end, &ending) {
        return Ok(Sniffed { format, csv: CsvOptions::default() });
    }
    let prior = if matches!(&*ending, "tsv" | "tab") { '\t' } else { ',' };
    let csv = dialect::detect(SampleText { bytes: &text, at_end }, prior);
    let format = if csv.delimiter == '\t' { FileFormat::Tsv } else { FileFormat::Csv };
    Ok(Sniffed { format, csv: CsvOptions { encoding, ..csv } })
}

/// The ending of a file's name in small letters, that of a compression taken off.
fn ending(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let compressed = [".gz", ".zst", ".bz2", ".xz", ".lz4", ".sz", ".zip"];
    let stem = compressed.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
    stem.rsplit_once('.').map(|(_, ending)| ending.to_owned()).unwrap_or_default()
}

/// The encoding of a sample, and the sample in UTF-8.
fn decode(sample: &[u8], charset: Charset, at_end: bool) -> (Encoding, Cow<'_, [u8]>) {
    let decoded = |codec: &'static Codec| match codec.decode_without_bom_handling(sample).0 {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    };
    let marked = match charset {
        Charset::Utf8 => None,
        Charset::Utf16Le => Some(Encoding::Utf16Le),
        Charset::Utf16Be => Some(Encoding::Utf16Be),
        Charset::Latin1 => Some(Encoding::Latin1),
        Charset::Windows1252 => Some(Encoding::Windows1252),
    };
    match marked.unwrap_or_else(|| unmarked(sample, at_end)) {
        encoding if marked.is_some() => (encoding, Cow::Borrowed(sample)),
        Encoding::Utf8 => (Encoding::Utf8, Cow::Borrowed(sample)),
        Encoding::Utf16Le => (Encoding::Utf16Le, decoded(UTF_16LE)),
        Encoding::Utf16Be => (Encoding::Utf16Be, decoded(UTF_16BE)),
        // What is structure in a table is the same in both.
        encoding @ (Encoding::Latin1 | Encoding::Windows1252) => (encoding, decoded(WINDOWS_1252)),
    }
}

/// The encoding of a text without a byte order mark. UTF-8 with a few bad bytes
/// stays UTF-8: it has characters of several bytes that are good.
fn unmarked(sample: &[u8], at_end: bool) -> Encoding {
    let zeros = |first| sample.iter().skip(first).step_by(2).filter(|&&byte| byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    // Of the characters of most tables more than half are ASCII.
    if even.max(odd) * 4 > sample.len() {
        return if odd > even { Encoding::Utf16Le } else { Encoding::Utf16Be };
    }
    let whole = match memchr::memrchr(b'\n', sample) {
        Some(last) if !at_end => &sample[..last],
        Some(_) | None => sample,
    };
    let good = |chunk: std::str::Utf8Chunk<'_>| chunk.valid().bytes().any(|byte| !byte.is_ascii());
    if std::str::from_utf8(whole).is_ok() || whole.utf8_chunks().any(good) {
        return Encoding::Utf8;
    }
    // The five bytes that Windows-1252 leaves open.
    match whole.iter().any(|byte| matches!(byte, 0x81 | 0x8D | 0x8F | 0x90 | 0x9D)) {
        true => Encoding::Latin1,
        false => Encoding::Windows1252,
    }
}

/// Which JSON a text is, if it is JSON.
fn json_format(text: &[u8], at_end: bool, ending: &str) -> Option<FileFormat> {
    let by_lines = || if has_object_lines(text) { FileFormat::Ndjson } else { FileFormat::Json };
    match ending {
        "ndjson" | "jsonl" => Some(FileFormat::Ndjson),
        "json" | "geojson" => Some(by_lines()),
        _ => is_json(text, at_end).then(|| match first_line(text.trim_ascii_start()) {
            line if line.starts_with(b"{") && is_value(line) => FileFormat::Ndjson,
            _ => by_lines(),
        }),
    }
}

/// Whether a text begins with an object, or with an array of objects.
fn is_json(text: &[u8], at_end: bool) -> bool {
    let text = text.trim_ascii_start();
    let inner = text.get(1..).unwrap_or_default().trim_ascii_start();
    match (text.first(), inner.first()) {
        (Some(b'['), Some(b'{')) => true,
        (Some(b'{'), Some(b'"' | b'}')) => match Tokens::new(text).value() {
            // One that is followed by anything else is a field of a row.
            Ok(value) => matches!(
                text[value.end.min(text.len())..].trim_ascii_start().first(),
                None | Some(b'{' | b'}')
            ),
            Err(error) => !at_end && error.at >= text.len(),
        },
        _ => false,
    }
}

/// Whether a text has an object on each of its first lines.
fn has_object_lines(text: &[u8]) -> bool {
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let mut lines = lines.by_ref().filter(|line| !line.is_empty());
    let first = lines.next().is_some_and(|line| line.starts_with(b"{") && is_value(line));
    first && lines.next().is_some_and(|line| line.starts_with(b"{"))
}

fn first_line(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(text: &str, name: &str) -> FileFormat {
        sniff(text.as_bytes(), name).expect(name).format
    }

    #[test]
    fn json_is_told_by_its_name_and_by_how_it_begins() {
        for (text, name, expected) in [
            ("[{\"a\": 1}]", "x", FileFormat::Json),
            ("{\"a\": 1}\n{\"a\": 2}\n", "x", FileFormat::Ndjson),
            ("{\"a\": 1}\n{\"a\": 2}\n", "x.json", FileFormat::Ndjson),
            ("{\"a\": 1}", "x.json", FileFormat::Json),
            ("{\n \"a\": 1\n}\n", "x.csv", FileFormat::Json),
            ("[1,]", "x.json.gz", FileFormat::Json),
            ("a,b\n", "x.jsonl", FileFormat::Ndjson),
            ("{\"a\": 1},2\n{\"a\": 2},3\n", "x.csv", FileFormat::Csv),
            ("[id],[name]\n1,a\n", "x", FileFormat::Csv),
        ] {
            assert_eq!(format(text, name), expected, "{text:?} in {name}");
        }
    }

    #[test]
    fn encodings_are_told_by_the_mark_or_by_the_bytes() {
        let text = "a;b\nna\u{ef}ve;2\n";
        let utf16 = |of: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(of).collect::<Vec<_>>();
        let marked = [&[0xFF, 0xFE][..], &utf16(u16::to_le_bytes)].concat();
        for (bytes, expected) in [
            (text.as_bytes().to_vec(), Encoding::Utf8),
            (format!("\u{feff}{text}").into_bytes(), Encoding::Utf8),
            (marked, Encoding::Utf16Le),
            (utf16(u16::to_be_bytes), Encoding::Utf16Be),
            (b"a;b\nna\xEFve;2\n".to_vec(), Encoding::Windows1252),
            (b"a;b\nna\xEFve\x81;2\n".to_vec(), Encoding::Latin1),
            ([text.as_bytes(), b"x\xEF;3\n"].concat(), Encoding::Utf8),
        ] {
            let sniffed = sniff(&bytes[..], "x").expect("text");
            assert_eq!(sniffed.csv.encoding, expected, "{bytes:?}");
            assert_eq!(sniffed.csv.delimiter, ';', "{bytes:?}");
        }
    }
}
