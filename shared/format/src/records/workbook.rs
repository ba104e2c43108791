//! An XLSX workbook: its parts held against limits before anything is made of
//! them, and its sheets by name or number.
//!
//! Texts and styles are held in memory while a sheet is read, and a tag or a
//! text is held whole wherever it stands. What they come to is known only once
//! they are decompressed, so every part is decompressed once for its measures.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};

use calamine::{Reader, SheetType, Xlsx, XlsxError};
use flate2::bufread::DeflateDecoder;
use millrace_contract::SheetRef;

use super::{guarded, unreadable};
use crate::{FormatError, Limits};

/// An open workbook.
pub(super) type Workbook = Xlsx<BufReader<File>>;

/// Opens a workbook whose parts are within the limits.
pub(super) fn open(file: File, limits: &Limits) -> Result<Workbook, FormatError> {
    let mut reader = BufReader::new(file);
    check_parts(&mut reader, limits)?;
    reader.rewind().map_err(FormatError::Spool)?;
    guarded("workbook", || Xlsx::new(reader))?.map_err(|error| damaged(&error))
}

/// The name of the sheet that is meant; the first one unless said otherwise.
pub(super) fn sheet_name(
    workbook: &Workbook,
    wanted: Option<&SheetRef>,
) -> Result<String, FormatError> {
    let sheets = workbook.sheets_metadata().iter();
    let names: Vec<&str> = sheets
        .filter(|sheet| sheet.typ == SheetType::WorkSheet)
        .map(|sheet| sheet.name.as_str())
        .collect();
    let (found, said) = match wanted {
        None => (names.first(), "a sheet".to_owned()),
        Some(SheetRef::Number(number)) => {
            let index = (*number as usize).wrapping_sub(1);
            (names.get(index), format!("a sheet number {number}"))
        }
        Some(SheetRef::Name(name)) => {
            let exact = names.iter().find(|known| *known == name);
            let folded = || names.iter().find(|known| known.to_lowercase() == name.to_lowercase());
            (exact.or_else(folded), format!("a sheet `{name}`"))
        }
    };
    found.map(|name| (*name).to_owned()).ok_or_else(|| FormatError::Plan {
        what: format!("the workbook does not have {said}; it has: `{}`", names.join("`, `")),
    })
}

/// The error for a workbook that does not read.
pub(super) fn damaged(error: &XlsxError) -> FormatError {
    unreadable(match error {
        XlsxError::Password => {
            "the workbook is protected by a password; save it without one".to_owned()
        }
        error => format!("the workbook is damaged: {error}"),
    })
}

/// What decompression has shown of a part.
#[derive(Default)]
struct Measures {
    bytes: u64,
    /// The longest stretch between two tags, a tag included.
    longest: u64,
    since_tag: u64,
    holds_texts: bool,
}

impl Measures {
    fn add(&mut self, chunk: &[u8]) {
        if self.bytes == 0 {
            self.holds_texts = memchr::memmem::find(chunk, b"<sst").is_some();
        }
        let mut start = 0;
        for tag in memchr::memchr_iter(b'<', chunk) {
            self.longest = self.longest.max(self.since_tag + (tag - start) as u64);
            (self.since_tag, start) = (0, tag);
        }
        self.since_tag += (chunk.len() - start) as u64;
        self.longest = self.longest.max(self.since_tag);
        self.bytes += chunk.len() as u64;
    }
}

/// A part as the archive's directory has it.
struct Part {
    name: String,
    offset: u64,
    packed: u64,
}

/// Decompresses all parts that are XML and refuses those that are too large.
fn check_parts(reader: &mut BufReader<File>, limits: &Limits) -> Result<(), FormatError> {
    let mut held = 0;
    for part in directory(reader)? {
        if !part.name.ends_with(".xml") && !part.name.ends_with(".rels") {
            continue;
        }
        let measures = measure(reader, &part, limits)?;
        if !part.name.starts_with("xl/worksheets/") || measures.holds_texts {
            held += measures.bytes;
        }
        if held > limits.workbook_bytes {
            return Err(too_large(&part, "the workbook's texts", limits.workbook_bytes));
        }
    }
    Ok(())
}

fn measure(
    reader: &mut BufReader<File>,
    part: &Part,
    limits: &Limits,
) -> Result<Measures, FormatError> {
    const LOCAL_HEADER: usize = 30;
    let broken = |error| unreadable(format!("the workbook's part `{}`: {error}", part.name));
    reader.seek(SeekFrom::Start(part.offset)).map_err(broken)?;
    let mut header = [0; LOCAL_HEADER];
    reader.read_exact(&mut header).map_err(broken)?;
    let behind = u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28));
    reader.seek_relative(behind as i64).map_err(broken)?;
    let mut measures = Measures::default();
    let mut chunk = vec![0; 64 << 10];
    let mut plain: Box<dyn Read + '_> = match u16_at(&header, 8) {
        0 => Box::new(reader.take(part.packed)),
        _ => Box::new(DeflateDecoder::new(reader)),
    };
    let most = part.packed.saturating_mul(limits.decompression_ratio).max(limits.ratio_grace_bytes);
    loop {
        let length = plain.read(&mut chunk).map_err(broken)?;
        if length == 0 {
            return Ok(measures);
        }
        measures.add(&chunk[..length]);
        if measures.bytes > most.min(limits.decompressed_bytes) {
            return Err(too_large(part, "the part", most.min(limits.decompressed_bytes)));
        }
        if measures.longest > limits.row_bytes as u64 {
            return Err(too_large(part, "one of its texts", limits.row_bytes as u64));
        }
    }
}

fn too_large(part: &Part, what: &str, limit: u64) -> FormatError {
    unreadable(format!(
        "in the workbook's part `{}`, {what} would become more than {limit} bytes",
        part.name
    ))
}

/// The archive's directory (APPNOTE.TXT, sections 4.3.12 and 4.3.16).
fn directory(reader: &mut BufReader<File>) -> Result<Vec<Part>, FormatError> {
    const END: usize = 22;
    const ENTRY: usize = 46;
    const LONGEST_TAIL: u64 = END as u64 + u16::MAX as u64;
    let broken = || unreadable("the workbook is damaged or cut off: it has no directory".into());
    let length = reader.seek(SeekFrom::End(0)).map_err(FormatError::Spool)?;
    let tail_start = length.saturating_sub(LONGEST_TAIL);
    let mut tail = Vec::new();
    reader.seek(SeekFrom::Start(tail_start)).map_err(FormatError::Spool)?;
    reader.read_to_end(&mut tail).map_err(FormatError::Spool)?;
    let at = memchr::memmem::rfind(&tail, b"PK\x05\x06").ok_or_else(broken)?;
    let end = tail.get(at..at + END).ok_or_else(broken)?;
    let (size, start) = (u32_at(end, 12), u32_at(end, 16));
    if start == u32::MAX {
        return Err(unreadable("workbooks of more than 4 GiB are not read".to_owned()));
    }
    if u64::from(start) + u64::from(size) > tail_start + at as u64 {
        return Err(broken());
    }
    let mut entries = vec![0; size as usize];
    reader.seek(SeekFrom::Start(start.into())).map_err(FormatError::Spool)?;
    reader.read_exact(&mut entries).map_err(|_| broken())?;
    let (mut parts, mut rest) = (Vec::new(), &entries[..]);
    while rest.starts_with(b"PK\x01\x02") && rest.len() >= ENTRY {
        let name = rest.get(ENTRY..ENTRY + usize::from(u16_at(rest, 28))).ok_or_else(broken)?;
        parts.push(Part {
            name: String::from_utf8_lossy(name).into_owned(),
            offset: u32_at(rest, 42).into(),
            packed: u32_at(rest, 20).into(),
        });
        let behind = [28, 30, 32].map(|at| usize::from(u16_at(rest, at))).iter().sum::<usize>();
        rest = rest.get(ENTRY + behind..).unwrap_or_default();
    }
    Ok(parts)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
