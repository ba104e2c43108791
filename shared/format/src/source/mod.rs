//! The text of a file after decompression, as UTF-8, whatever it was compressed
//! with and encoded in.

mod charset;
mod input;
mod lz4;
mod magic;
mod stream;
mod zip;

use std::io::Read;
use std::sync::Arc;

use millrace_contract::Encoding;

use crate::{FormatError, Limits};
pub(crate) use charset::{Charset, encoding_of};
use charset::{LONGEST_BOM, Transcoder};
use input::{Input, Progress};
use magic::{Compression, LONGEST_START};
pub(crate) use magic::{Content, LONGEST_MAGIC, expect_format, format_of, refuse_binary};
use stream::Stream;

/// Reads decompressed bytes and knows how many went in and out.
pub(crate) struct Source<R: Read> {
    stream: Stream<R>,
    compression: Compression,
    progress: Arc<Progress>,
    declared: Encoding,
    charset: Charset,
    /// Length of the byte order mark.
    bom: u64,
    /// `None` where the text is UTF-8 already.
    transcoder: Option<Transcoder>,
    /// Decompressed bytes that are not part of the text yet.
    raw: Vec<u8>,
    out: u64,
    limits: Limits,
}

impl<R: Read> Source<R> {
    /// Opens a source and recognises its compression by its first bytes.
    /// Its encoding is `declared` unless a byte order mark says more.
    pub(crate) fn open(
        source: R,
        declared: Encoding,
        limits: &Limits,
    ) -> Result<Self, FormatError> {
        Self::open_as(source, Content::Text(declared), limits)
    }

    /// Opens a source that should hold `content`. What is no text comes as it
    /// lies.
    pub(crate) fn open_as(
        source: R,
        content: Content,
        limits: &Limits,
    ) -> Result<Self, FormatError> {
        let declared = match content {
            Content::Text(encoding) => encoding,
            Content::Binary(_) | Content::Any => Encoding::Utf8,
        };
        let mut input = Input::new(source);
        let start = input.start(LONGEST_START).map_err(FormatError::Source);
        let compression = start.and_then(|start| Compression::recognise(start, content));
        let progress = input.progress();
        let compression = compression.map_err(|error| own_failure(&progress).unwrap_or(error))?;
        let mut source = Self {
            stream: Stream::open(input, compression).map_err(FormatError::Source)?,
            compression,
            progress,
            declared,
            charset: Charset::Utf8,
            bom: 0,
            transcoder: None,
            raw: Vec::new(),
            out: 0,
            limits: limits.clone(),
        };
        if compression == Compression::Zip && !source.enter_member()? {
            let what = "the archive has no files in it".to_owned();
            return Err(FormatError::Unreadable { byte: 0, what });
        }
        source.read_byte_order_mark()?;
        Ok(source)
    }

    /// The name of the member that is being read, if the source is an archive.
    pub(crate) fn member(&self) -> Option<&str> {
        self.stream.member()
    }

    /// Goes to the next member of an archive. False if there is none.
    pub(crate) fn next_member(&mut self) -> Result<bool, FormatError> {
        self.raw.clear();
        let found = self.enter_member()?;
        if found {
            self.read_byte_order_mark()?;
        }
        Ok(found)
    }

    fn enter_member(&mut self) -> Result<bool, FormatError> {
        self.stream.next_member().map_err(|error| self.blame(error))
    }

    fn read_byte_order_mark(&mut self) -> Result<(), FormatError> {
        let mut start = Vec::with_capacity(LONGEST_BOM);
        self.decompress(&mut start, LONGEST_BOM)?;
        let (charset, bom) = Charset::of(&start, self.declared)?;
        start.drain(..bom);
        (self.charset, self.bom, self.raw) = (charset, bom as u64, start);
        self.transcoder = Transcoder::new(charset);
        Ok(())
    }

    /// What the text is encoded in.
    pub(crate) fn charset(&self) -> Charset {
        self.charset
    }

    /// Length of the byte order mark that was taken off.
    pub(crate) fn bom(&self) -> u64 {
        self.bom
    }

    /// Appends text to `buffer` until it holds `target` bytes, or a few more, or
    /// the source ends. Answers whether it ended.
    pub(crate) fn fill(
        &mut self,
        buffer: &mut Vec<u8>,
        target: usize,
    ) -> Result<bool, FormatError> {
        let Some(mut transcoder) = self.transcoder.take() else {
            buffer.append(&mut self.raw);
            return self.decompress(buffer, target);
        };
        let mut ended = false;
        let mut raw = std::mem::take(&mut self.raw);
        while !ended && buffer.len() < target {
            ended = self.decompress(&mut raw, RAW_CHUNK)?;
            transcoder.append(&raw, ended, buffer);
            raw.clear();
        }
        (self.raw, self.transcoder) = (raw, Some(transcoder));
        Ok(ended)
    }

    /// Appends decompressed bytes until there are `target`. Answers whether the
    /// source ended.
    fn decompress(&mut self, buffer: &mut Vec<u8>, target: usize) -> Result<bool, FormatError> {
        let wanted = target.saturating_sub(buffer.len());
        buffer.reserve(wanted);
        let before = buffer.len();
        let outcome = (&mut self.stream).take(wanted as u64).read_to_end(buffer);
        self.out += (buffer.len() - before) as u64;
        outcome.map_err(|error| self.blame(error))?;
        self.check_ratio()?;
        Ok(buffer.len() < target)
    }

    /// Bytes taken from the source.
    pub(crate) fn source_bytes(&self) -> u64 {
        self.progress.taken()
    }

    /// Bytes given out.
    pub(crate) fn decompressed_bytes(&self) -> u64 {
        self.out
    }

    /// Whether an error is the source's or the file's.
    fn blame(&self, error: std::io::Error) -> FormatError {
        if let Some(failure) = own_failure(&self.progress) {
            return failure;
        }
        let name = self.compression.name();
        let what = match error.kind() {
            std::io::ErrorKind::UnexpectedEof => {
                format!("the {name} stream ends early; was the upload cut off?")
            }
            _ => format!("the {name} stream is damaged: {error}"),
        };
        FormatError::Unreadable { byte: self.progress.used(), what }
    }

    fn check_ratio(&self) -> Result<(), FormatError> {
        let Limits { decompression_ratio, ratio_grace_bytes, decompressed_bytes, .. } = self.limits;
        if self.compression == Compression::None {
            return Ok(());
        }
        let used = self.progress.used();
        let what = if self.out > used.saturating_mul(decompression_ratio).max(ratio_grace_bytes) {
            format!("more than {decompression_ratio} times its compressed size")
        } else if self.out > decompressed_bytes {
            format!("more than the limit of {decompressed_bytes}")
        } else {
            return Ok(());
        };
        let what = format!("it has become {} bytes, {what}", self.out);
        Err(FormatError::Unreadable { byte: used, what })
    }
}

/// The error of the source itself, if that is why reading stopped.
fn own_failure(progress: &Progress) -> Option<FormatError> {
    progress.take_failure().map(FormatError::Source)
}

/// Bytes that are turned into UTF-8 at a time.
const RAW_CHUNK: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use std::io::{self, Write};

    use flate2::Compression as Level;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Level::fast());
        encoder.write_all(bytes).expect("writes");
        encoder.finish().expect("finishes")
    }

    fn bzip2(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ::bzip2::write::BzEncoder::new(Vec::new(), ::bzip2::Compression::fast());
        encoder.write_all(bytes).expect("writes");
        encoder.finish().expect("finishes")
    }

    fn xz(bytes: &[u8]) -> Vec<u8> {
        let options = lzma_rust2::XzOptions::with_preset(1);
        let mut writer = lzma_rust2::XzWriter::new(Vec::new(), options).expect("opens");
        writer.write_all(bytes).expect("writes");
        writer.finish().expect("finishes")
    }

    fn lz4(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
        encoder.write_all(bytes).expect("writes");
        encoder.finish().expect("finishes")
    }

    fn snappy(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = snap::write::FrameEncoder::new(Vec::new());
        encoder.write_all(bytes).expect("writes");
        encoder.into_inner().expect("finishes")
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ::zstd::Encoder::new(Vec::new(), 1).expect("opens");
        encoder.include_checksum(true).expect("as the command does");
        encoder.write_all(bytes).expect("writes");
        encoder.finish().expect("finishes")
    }

    /// A name and what compresses by it.
    type Codec = (&'static str, fn(&[u8]) -> Vec<u8>);

    const CODECS: [Codec; 6] = [
        ("gzip", gzip),
        ("Zstandard", zstd),
        ("bzip2", bzip2),
        ("xz", xz),
        ("LZ4", lz4),
        ("Snappy", snappy),
    ];

    #[test]
    fn every_compression_of_several_streams_reads_the_same_and_says_where_it_is_cut() {
        let rows: Vec<String> = (0..20_000).map(|row| format!("{row},{}\n", row * 7919)).collect();
        let text = rows.concat().into_bytes();
        for (name, compress) in CODECS {
            let (one, two) = text.split_at(1234);
            let whole = [compress(one), compress(two)].concat();
            assert_eq!(read(&whole[..], &Limits::default()).expect(name), text, "{name}");
            assert_eq!(read(&compress(b"")[..], &Limits::default()).expect(name), b"", "{name}");
            for cut in [whole.len() - 1, whole.len() / 2, 20] {
                let error = read(&whole[..cut], &Limits::default()).map(|text| text.len());
                let error = error.expect_err(name).to_string();
                assert!(error.contains(&format!("the {name} stream")), "{name} at {cut}: {error}");
                let mut at = error.split(['e', ':']).filter_map(|part| part.trim().parse().ok());
                let at: usize = at.next_back().unwrap_or(0);
                assert!(at <= cut, "{name} at {cut}: {error}");
            }
            let mut damaged = whole.clone();
            for byte in damaged.iter_mut().skip(40).step_by(97) {
                *byte ^= 0x55;
            }
            let error =
                read(&damaged[..], &Limits::default()).map(|text| text.len()).expect_err(name);
            assert!(matches!(error, FormatError::Unreadable { .. }), "{name}: {error}");
        }
    }

    fn read(source: impl Read, limits: &Limits) -> Result<Vec<u8>, FormatError> {
        let mut source = Source::open(source, Encoding::Utf8, limits)?;
        let mut buffer = Vec::new();
        let mut target = 1000;
        while !source.fill(&mut buffer, target)? {
            target += 1000;
        }
        assert_eq!(source.decompressed_bytes(), buffer.len() as u64);
        Ok(buffer)
    }

    #[test]
    fn plain_and_gzip_of_several_members_read_the_same() {
        let text = b"a,b\n1,2\n".repeat(500);
        assert_eq!(read(&text[..], &Limits::default()).expect("plain"), text);
        let (one, two) = text.split_at(123);
        let members = [gzip(one), gzip(two)].concat();
        assert_eq!(read(&members[..], &Limits::default()).expect("gzip"), text);
        assert_eq!(read(&b""[..], &Limits::default()).expect("empty"), b"");
    }

    #[test]
    fn a_truncated_stream_says_where() {
        let whole = gzip(&b"a,b\n1,2\n".repeat(5000));
        let error = read(&whole[..whole.len() - 5], &Limits::default()).expect_err("truncated");
        assert_eq!(
            error.to_string(),
            format!(
                "unreadable at byte {}: the gzip stream ends early; was the upload cut off?",
                whole.len() - 5
            )
        );
        let mut damaged = whole.clone();
        damaged.truncate(20);
        damaged.extend([0xFF; 40]);
        let error = read(&damaged[..], &Limits::default()).expect_err("damaged");
        assert!(matches!(error, FormatError::Unreadable { .. }), "{error}");
    }

    #[test]
    fn a_bomb_is_refused() {
        let limits =
            Limits { decompression_ratio: 10, ratio_grace_bytes: 4096, ..Limits::default() };
        let error = read(&gzip(&[b'a'; 1 << 20])[..], &limits).expect_err("bomb");
        assert!(error.to_string().contains("more than 10 times"), "{error}");
    }

    #[test]
    fn a_size_beyond_the_limit_is_refused() {
        let limits = Limits { decompressed_bytes: 5000, ..Limits::default() };
        for (name, compress) in CODECS {
            let error = read(&compress(&[b'a'; 100_000])[..], &limits).expect_err(name);
            assert!(error.to_string().contains("more than the limit of 5000"), "{error}");
        }
    }

    #[test]
    fn a_broken_connection_is_not_the_files_fault() {
        struct Broken(Vec<u8>);
        impl Read for Broken {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                if self.0.is_empty() {
                    return Err(io::ErrorKind::ConnectionReset.into());
                }
                let taken = self.0.len().min(buffer.len()).min(50);
                buffer[..taken].copy_from_slice(&self.0[..taken]);
                self.0.drain(..taken);
                Ok(taken)
            }
        }
        let bytes = gzip(&b"a,b\n".repeat(500));
        let half = bytes[..bytes.len() / 2].to_vec();
        for source in [Broken(half), Broken(b"a,b\n1,2".to_vec()), Broken(Vec::new())] {
            let error = read(source, &Limits::default()).expect_err("broken");
            let FormatError::Source(error) = error else { panic!("{error}") };
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        }
    }
}
