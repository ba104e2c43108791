//! The text of a file after decompression, as UTF-8, whatever it was compressed
//! with and encoded in.

mod charset;
mod counted;
mod magic;

use std::io::{BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;
use millrace_contract::Encoding;

use crate::{FormatError, Limits};
pub(crate) use charset::Charset;
use charset::{LONGEST_BOM, Transcoder};
use counted::Counted;
pub(crate) use magic::refuse_binary;
use magic::{Compression, LONGEST_MAGIC};

/// Reads decompressed bytes and knows how many went in and out.
pub(crate) struct Source<R: Read> {
    stream: Stream<R>,
    charset: Charset,
    /// Length of the byte order mark.
    bom: u64,
    /// `None` where the text is UTF-8 already.
    transcoder: Option<Transcoder>,
    /// Decompressed bytes that are not part of the text yet.
    raw: Vec<u8>,
    out: u64,
    ratio: u64,
    grace: u64,
}

/// One variant per compression. Another one goes here and in [`Compression`].
enum Stream<R: Read> {
    Plain(Prefixed<R>),
    Gzip(Box<MultiGzDecoder<BufReader<Prefixed<R>>>>),
}

/// The source with the bytes that were looked at put back in front.
type Prefixed<R> = std::io::Chain<Cursor<Vec<u8>>, Counted<R>>;

impl<R: Read> Source<R> {
    /// Opens a source and recognises its compression by its first bytes.
    /// Its encoding is `declared` unless a byte order mark says more.
    pub(crate) fn open(
        source: R,
        declared: Encoding,
        limits: &Limits,
    ) -> Result<Self, FormatError> {
        let mut counted = Counted::new(source);
        let mut start = Vec::with_capacity(LONGEST_MAGIC);
        (&mut counted)
            .take(LONGEST_MAGIC as u64)
            .read_to_end(&mut start)
            .map_err(FormatError::Source)?;
        let compression = Compression::recognise(&start)?;
        let whole = Cursor::new(start).chain(counted);
        let stream = match compression {
            Compression::None => Stream::Plain(whole),
            Compression::Gzip => Stream::Gzip(Box::new(MultiGzDecoder::new(
                BufReader::with_capacity(GZIP_BUFFER, whole),
            ))),
        };
        let Limits { decompression_ratio: ratio, ratio_grace_bytes: grace, .. } = *limits;
        let (charset, raw) = (Charset::Utf8, Vec::new());
        let mut source =
            Self { stream, charset, bom: 0, transcoder: None, raw, out: 0, ratio, grace };
        source.read_byte_order_mark(declared)?;
        Ok(source)
    }

    fn read_byte_order_mark(&mut self, declared: Encoding) -> Result<(), FormatError> {
        let mut start = Vec::with_capacity(LONGEST_BOM);
        self.decompress(&mut start, LONGEST_BOM)?;
        let (charset, bom) = Charset::of(&start, declared)?;
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
        let outcome = match &mut self.stream {
            Stream::Plain(plain) => plain.take(wanted as u64).read_to_end(buffer),
            Stream::Gzip(gzip) => gzip.as_mut().take(wanted as u64).read_to_end(buffer),
        };
        self.out += (buffer.len() - before) as u64;
        outcome.map_err(|error| self.blame(error))?;
        self.check_ratio()?;
        Ok(buffer.len() < target)
    }

    /// Bytes taken from the source.
    pub(crate) fn source_bytes(&self) -> u64 {
        self.counted().bytes()
    }

    /// Bytes given out.
    pub(crate) fn decompressed_bytes(&self) -> u64 {
        self.out
    }

    /// Whether an error is the source's or the file's.
    fn blame(&mut self, error: std::io::Error) -> FormatError {
        if let Some(source) = self.counted_mut().take_failure() {
            return FormatError::Source(source);
        }
        let what = match error.kind() {
            std::io::ErrorKind::UnexpectedEof => {
                "the gzip stream ends early; was the upload cut off?".to_owned()
            }
            _ => format!("the gzip stream is damaged: {error}"),
        };
        FormatError::Unreadable { byte: self.position(), what }
    }

    fn check_ratio(&self) -> Result<(), FormatError> {
        let allowed = self.source_bytes().saturating_mul(self.ratio).max(self.grace);
        if self.out <= allowed || matches!(self.stream, Stream::Plain(_)) {
            return Ok(());
        }
        let what = format!(
            "it has become {} bytes, more than {} times its compressed size",
            self.out, self.ratio
        );
        Err(FormatError::Unreadable { byte: self.position(), what })
    }

    /// How far into the source decompression has come.
    fn position(&self) -> u64 {
        match &self.stream {
            Stream::Plain(_) => self.source_bytes(),
            Stream::Gzip(gzip) => {
                let unread = gzip.get_ref().buffer().len() as u64;
                self.source_bytes().saturating_sub(unread)
            }
        }
    }

    fn counted(&self) -> &Counted<R> {
        match &self.stream {
            Stream::Plain(plain) => plain.get_ref().1,
            Stream::Gzip(gzip) => gzip.get_ref().get_ref().get_ref().1,
        }
    }

    fn counted_mut(&mut self) -> &mut Counted<R> {
        match &mut self.stream {
            Stream::Plain(plain) => plain.get_mut().1,
            Stream::Gzip(gzip) => gzip.get_mut().get_mut().get_mut().1,
        }
    }
}

const GZIP_BUFFER: usize = 128 << 10;

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
