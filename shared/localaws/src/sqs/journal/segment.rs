//! One file of a journal.
//!
//! Begins with a magic number and the next free sequence number at the time,
//! so that no sequence number is used twice even when the messages that used
//! it are forgotten.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::super::message::Seq;

const MAGIC: [u8; 4] = *b"MRQ1";

/// Bytes before the first record.
pub(super) const HEADER: usize = 12;

/// What is known of a segment without reading it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    /// Ascending; names the file.
    pub(super) id: u32,
    /// Length of the file.
    pub(super) bytes: u64,
    /// Messages whose latest full record is in here.
    pub(super) live: usize,
}

/// Path of segment `id`.
pub(super) fn path(dir: &Path, id: u32) -> PathBuf {
    dir.join(format!("{id:010}.log"))
}

/// Starts a segment.
pub(super) fn create(dir: &Path, id: u32, next_seq: Seq) -> io::Result<(Segment, File)> {
    let mut file = OpenOptions::new().append(true).create_new(true).open(path(dir, id))?;
    let mut header = [0; HEADER];
    header[..4].copy_from_slice(&MAGIC);
    header[4..].copy_from_slice(&next_seq.to_le_bytes());
    file.write_all(&header)?;
    Ok((Segment { id, bytes: HEADER as u64, live: 0 }, file))
}

/// The next free sequence number when the segment of this content was started;
/// `None` if it is not a segment.
pub(super) fn header(content: &[u8]) -> Option<Seq> {
    let (magic, rest) = content.split_first_chunk()?;
    let (next_seq, _) = rest.split_first_chunk()?;
    (*magic == MAGIC).then(|| Seq::from_le_bytes(*next_seq))
}

/// The segments in `dir`, ascending.
pub(super) fn list(dir: &Path) -> io::Result<Vec<u32>> {
    let mut ids = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name();
        let id = name.to_str().and_then(|name| name.strip_suffix(".log"));
        ids.extend(id.and_then(|id| id.parse::<u32>().ok()));
    }
    ids.sort_unstable();
    Ok(ids)
}
