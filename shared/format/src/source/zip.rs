//! The members of a ZIP archive, one after the other as they lie in the file.
//!
//! A source can only be read forward, so members are found by their local
//! headers and not by the directory at the end. That is enough for what archivers
//! write: deflated data ends by itself, also where its size stands behind it in a
//! data descriptor. What it is not enough for is refused by name: encryption,
//! other methods, and stored data whose size is not in front of it. Every
//! member's size and checksum is held against its contents, and an archive that
//! ends before its directory counts as cut off.

use std::io::{self, BufRead, ErrorKind, Read};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

/// Reads the members of an archive.
pub(super) struct Members<I: BufRead> {
    state: State<I>,
    member: Member,
    crc: Crc,
}

enum State<I: BufRead> {
    /// In front of a header.
    Between(I),
    /// Within a member's contents, of which so many bytes are left.
    Stored(I, u64),
    Deflated(Box<DeflateDecoder<I>>),
    /// Behind the last member.
    Over,
}

/// What a local header says.
#[derive(Default)]
struct Member {
    name: String,
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    size: u64,
    is_zip64: bool,
}

const LOCAL_HEADER: [u8; 4] = *b"PK\x03\x04";
const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";
const DIRECTORY: [u8; 4] = *b"PK\x01\x02";
const DIRECTORY_END: [u8; 4] = *b"PK\x05\x06";

impl<I: BufRead> Members<I> {
    /// An archive, in front of its first member.
    pub(super) fn new(input: I) -> Self {
        Self { state: State::Between(input), member: Member::default(), crc: Crc::new() }
    }

    /// The name of the member that is being read.
    pub(super) fn name(&self) -> &str {
        &self.member.name
    }

    /// Goes to the next member that is a file, once the one before is read. False
    /// if there is none.
    ///
    /// # Errors
    /// Of the input, or of the archive.
    pub(super) fn next_member(&mut self) -> io::Result<bool> {
        loop {
            io::copy(self, &mut io::sink())?;
            let State::Between(mut input) = std::mem::replace(&mut self.state, State::Over) else {
                return Ok(false);
            };
            match signature(&mut input)? {
                LOCAL_HEADER => self.open(input)?,
                found => return finish(input, found).map(|()| false),
            }
            let name = &self.member.name;
            // What macOS adds to archives is about the files, not one of them.
            if !name.ends_with('/') && !name.starts_with("__MACOSX/") {
                return Ok(true);
            }
        }
    }

    fn open(&mut self, mut input: I) -> io::Result<()> {
        self.member = Member::read(&mut input)?;
        self.crc.reset();
        self.state = match self.member.refusal() {
            Some(why) => return Err(damaged(format!("member `{}` {why}", self.member.name))),
            None if self.member.method == 0 => State::Stored(input, self.member.size),
            None => State::Deflated(Box::new(DeflateDecoder::new(input))),
        };
        Ok(())
    }

    /// Holds what was read against what the archive says of it.
    fn close(&mut self) -> io::Result<()> {
        let mut input = match std::mem::replace(&mut self.state, State::Over) {
            State::Deflated(deflated) => {
                self.member.expect_packed(deflated.total_in())?;
                deflated.into_inner()
            }
            State::Stored(input, _) | State::Between(input) => input,
            State::Over => return Ok(()),
        };
        self.member.read_descriptor(&mut input, u64::from(self.crc.amount()))?;
        let matches =
            self.crc.sum() == self.member.crc && self.crc.amount() == self.member.size as u32;
        self.state = State::Between(input);
        match matches {
            true => Ok(()),
            false => Err(damaged(format!("member `{}` has a wrong checksum", self.member.name))),
        }
    }
}

impl<I: BufRead> Read for Members<I> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.state {
            State::Between(_) | State::Over => return Ok(0),
            State::Stored(input, left) => {
                let wanted = usize::try_from(*left).unwrap_or(usize::MAX).min(buffer.len());
                let read = input.read(&mut buffer[..wanted])?;
                *left -= read as u64;
                if read == 0 && *left > 0 && !buffer.is_empty() {
                    return Err(ErrorKind::UnexpectedEof.into());
                }
                read
            }
            State::Deflated(deflated) => deflated.read(buffer)?,
        };
        self.crc.update(&buffer[..read]);
        if read == 0 && !buffer.is_empty() {
            self.close()?;
        }
        Ok(read)
    }
}

impl Member {
    /// Reads a local header behind its signature.
    fn read(input: &mut impl Read) -> io::Result<Self> {
        let mut fixed = [0; 26];
        input.read_exact(&mut fixed)?;
        let two = |at: usize| u16::from_le_bytes([fixed[at], fixed[at + 1]]);
        let four = |at: usize| u32::from(two(at)) | u32::from(two(at + 2)) << 16;
        let mut name = vec![0; usize::from(two(22))];
        input.read_exact(&mut name)?;
        let mut extra = vec![0; usize::from(two(24))];
        input.read_exact(&mut extra)?;
        let mut member = Self {
            name: String::from_utf8_lossy(&name).into_owned(),
            flags: two(2),
            method: two(4),
            crc: four(10),
            packed: u64::from(four(14)),
            size: u64::from(four(18)),
            is_zip64: false,
        };
        member.read_extra(&extra);
        Ok(member)
    }

    /// Takes sizes of more than 32 bits from the extra field.
    fn read_extra(&mut self, mut extra: &[u8]) {
        while let [id0, id1, len0, len1, rest @ ..] = extra {
            let length = usize::from(u16::from_le_bytes([*len0, *len1])).min(rest.len());
            let (field, next) = rest.split_at(length);
            extra = next;
            if [*id0, *id1] != [1, 0] {
                continue;
            }
            self.is_zip64 = true;
            let mut numbers =
                field.as_chunks::<8>().0.iter().map(|eight| u64::from_le_bytes(*eight));
            for size in [&mut self.size, &mut self.packed] {
                if *size == u64::from(u32::MAX) {
                    *size = numbers.next().unwrap_or(*size);
                }
            }
        }
    }

    fn has_descriptor(&self) -> bool {
        self.flags & 8 != 0
    }

    /// Why a member can't be read.
    fn refusal(&self) -> Option<String> {
        match self.method {
            _ if self.flags & 1 != 0 => Some("is encrypted".to_owned()),
            _ if self.name == "[Content_Types].xml" => {
                Some("makes this an Office document, not an archive of text files".to_owned())
            }
            0 if self.has_descriptor() && self.size == 0 && !self.name.ends_with('/') => {
                Some("is stored without its size in front of it; pack it again".to_owned())
            }
            0 | 8 => None,
            method => Some(format!(
                "is packed by method {method}; only stored and deflated members are read"
            )),
        }
    }

    fn expect_packed(&mut self, packed: u64) -> io::Result<()> {
        if !self.has_descriptor() && self.packed != packed {
            return Err(damaged(format!("member `{}` is not as long as it says", self.name)));
        }
        self.packed = packed;
        Ok(())
    }

    /// Takes checksum and size from behind the contents, if they stand there.
    /// `size` is what was read, in its lowest 32 bits.
    fn read_descriptor(&mut self, input: &mut impl BufRead, size: u64) -> io::Result<()> {
        if !self.has_descriptor() {
            return Ok(());
        }
        let mut four = || {
            let mut bytes = [0; 4];
            input.read_exact(&mut bytes).map(|()| bytes)
        };
        // The signature may be left out.
        let first = four()?;
        self.crc = u32::from_le_bytes(if first == DESCRIPTOR { four()? } else { first });
        let _packed = four()?;
        let mut unpacked = u32::from_le_bytes(four()?);
        if self.is_zip64 || u64::from(unpacked) != size {
            unpacked = u32::from_le_bytes(four()?);
            four()?;
        }
        self.size = u64::from(unpacked);
        Ok(())
    }
}

fn signature(input: &mut impl Read) -> io::Result<[u8; 4]> {
    let mut signature = [0; 4];
    input.read_exact(&mut signature)?;
    Ok(signature)
}

/// Reads the directory, of which nothing is needed but that it is there.
fn finish(mut input: impl BufRead, found: [u8; 4]) -> io::Result<()> {
    if found != DIRECTORY && found != DIRECTORY_END {
        return Err(damaged(format!(
            "neither a member nor the directory begins with {found:02X?}"
        )));
    }
    let mut tail = found.to_vec();
    loop {
        let more = input.fill_buf()?;
        let length = more.len();
        if length == 0 {
            break;
        }
        tail.extend_from_slice(more);
        input.consume(length);
        // The end of the directory and the longest comment.
        let excess = tail.len().saturating_sub(22 + usize::from(u16::MAX));
        tail.drain(..excess);
    }
    match memchr::memmem::rfind(&tail, &DIRECTORY_END) {
        Some(_) => Ok(()),
        None => Err(ErrorKind::UnexpectedEof.into()),
    }
}

fn damaged(what: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}
