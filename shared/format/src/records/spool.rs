//! A copy of the source on disk, for what can't be read from front to back.
//!
//! The file has no name and is gone with its handle, or with the process. It
//! lies in the folder that `TMPDIR` names.

use std::fs::File;
use std::io::{Read, Seek, Write};

use millrace_contract::FileFormat;

use crate::source::{Source, expect_format};
use crate::{FormatError, Limits};

/// Bytes that are copied at a time.
const CHUNK: usize = 1 << 20;

/// Copies what is left of a source, or of an archive's member, which has to be
/// of `format`.
///
/// # Errors
/// [`FormatError::Spool`] if the copy can't be written, and
/// [`FormatError::Unreadable`] if it grows beyond the limit.
pub(crate) fn spool<R: Read>(
    source: &mut Source<R>,
    format: FileFormat,
    limits: &Limits,
) -> Result<File, FormatError> {
    let mut chunk = Vec::new();
    let mut at_end = source.fill(&mut chunk, CHUNK)?;
    expect_format(&chunk, format)?;
    let mut file = tempfile::tempfile().map_err(FormatError::Spool)?;
    let mut length = 0;
    loop {
        length += chunk.len() as u64;
        if length > limits.spool_bytes {
            let what = format!(
                "the file is larger than {} bytes, the most that is kept on disk to be read",
                limits.spool_bytes
            );
            return Err(FormatError::Unreadable { byte: length, what });
        }
        file.write_all(&chunk).map_err(FormatError::Spool)?;
        if at_end {
            break;
        }
        chunk.clear();
        at_end = source.fill(&mut chunk, CHUNK)?;
    }
    file.rewind().map_err(FormatError::Spool)?;
    Ok(file)
}
