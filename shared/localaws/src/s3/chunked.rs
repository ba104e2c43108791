//! The `aws-chunked` content encoding: sizes between the bytes, trailers
//! behind them. Chunk signatures are read over, as any credentials are taken.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use futures::Stream;
use s3s::StdError;
use s3s::stream::{ByteStream, RemainingLength};

use super::incoming::RequestBody;

/// No chunk header or trailer line is longer.
const MAX_LINE: usize = 4096;
const MAX_TRAILERS: usize = 32;

/// The trailers of a request; empty until its body has been read.
#[derive(Debug, Clone, Default)]
pub(super) struct Trailers(Arc<Mutex<Vec<(String, String)>>>);

impl Trailers {
    /// The trailer of this lower-case name.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        let trailers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        trailers.iter().find(|(trailer, _)| trailer == name).map(|(_, value)| value.clone())
    }

    fn push(&self, line: &str) -> Result<(), ChunkError> {
        let (name, value) = line.split_once(':').ok_or(ChunkError::Malformed)?;
        let mut trailers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if trailers.len() == MAX_TRAILERS {
            return Err(ChunkError::Malformed);
        }
        trailers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        Ok(())
    }
}

/// A body that is not what its headers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum ChunkError {
    /// Not `aws-chunked`.
    #[error("the body is not `aws-chunked` as its headers say")]
    Malformed,
    /// It ended early, or is longer than `x-amz-decoded-content-length`.
    #[error("the body does not have the length its headers say")]
    WrongLength,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    Size,
    Data(u64),
    DataEnd,
    Trailer,
    End,
}

/// Takes the encoding off, piece by piece as the bytes arrive.
#[derive(Debug)]
struct Decoder {
    expect: Expect,
    line: Vec<u8>,
    /// Decoded bytes that must still come.
    remaining: u64,
    trailers: Trailers,
}

impl Decoder {
    fn new(length: u64, trailers: Trailers) -> Self {
        Self { expect: Expect::Size, line: Vec::new(), remaining: length, trailers }
    }

    /// Decodes what can be decoded of `input` without copying it.
    fn feed(&mut self, mut input: Bytes, out: &mut VecDeque<Bytes>) -> Result<(), ChunkError> {
        while !input.is_empty() {
            match self.expect {
                Expect::Data(left) => {
                    let take = left.min(input.len() as u64);
                    self.remaining =
                        self.remaining.checked_sub(take).ok_or(ChunkError::WrongLength)?;
                    out.push_back(input.split_to(take as usize));
                    self.expect =
                        if take == left { Expect::DataEnd } else { Expect::Data(left - take) };
                }
                Expect::End => return Ok(()),
                Expect::Size | Expect::DataEnd | Expect::Trailer => {
                    if self.read_line(&mut input)? {
                        let line = std::mem::take(&mut self.line);
                        self.line_read(line.trim_ascii_end())?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Moves bytes into the line; whether it is complete now.
    fn read_line(&mut self, input: &mut Bytes) -> Result<bool, ChunkError> {
        let end = memchr::memchr(b'\n', input);
        let take = end.map_or(input.len(), |end| end + 1);
        if self.line.len() + take > MAX_LINE {
            return Err(ChunkError::Malformed);
        }
        self.line.extend_from_slice(&input[..take]);
        input.advance(take);
        Ok(end.is_some())
    }

    fn line_read(&mut self, line: &[u8]) -> Result<(), ChunkError> {
        let line = str::from_utf8(line).map_err(|_| ChunkError::Malformed)?;
        self.expect = match self.expect {
            Expect::Size => {
                let size = line.split(';').next().unwrap_or_default();
                match u64::from_str_radix(size, 16).map_err(|_| ChunkError::Malformed)? {
                    0 => Expect::Trailer,
                    size => Expect::Data(size),
                }
            }
            Expect::DataEnd if line.is_empty() => Expect::Size,
            Expect::Trailer if line.is_empty() => Expect::End,
            Expect::Trailer => {
                self.trailers.push(line)?;
                Expect::Trailer
            }
            Expect::DataEnd | Expect::Data(_) | Expect::End => return Err(ChunkError::Malformed),
        };
        Ok(())
    }

    /// The body has ended.
    fn finish(&mut self) -> Result<(), ChunkError> {
        if !self.line.is_empty() && self.expect == Expect::Trailer {
            let line = std::mem::take(&mut self.line);
            self.line_read(line.trim_ascii_end())?;
        }
        match (self.expect, self.remaining) {
            (Expect::Trailer | Expect::End, 0) => Ok(()),
            _ => Err(ChunkError::WrongLength),
        }
    }
}

/// A request body with the encoding taken off.
pub(super) struct ChunkedBody {
    inner: RequestBody,
    decoder: Decoder,
    decoded: VecDeque<Bytes>,
    ended: bool,
}

impl ChunkedBody {
    /// The decoded form of `inner`, `length` bytes long.
    pub(super) fn new(inner: RequestBody, length: u64, trailers: Trailers) -> Self {
        let decoder = Decoder::new(length, trailers);
        Self { inner, decoder, decoded: VecDeque::new(), ended: false }
    }
}

impl Stream for ChunkedBody {
    type Item = Result<Bytes, StdError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(bytes) = this.decoded.pop_front() {
                return Poll::Ready(Some(Ok(bytes)));
            }
            if this.ended {
                return Poll::Ready(None);
            }
            match ready!(this.inner.poll_data(cx)) {
                Some(Ok(bytes)) => this.decoder.feed(bytes, &mut this.decoded)?,
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                None => {
                    this.ended = true;
                    this.decoder.finish()?;
                }
            }
        }
    }
}

impl ByteStream for ChunkedBody {
    fn remaining_length(&self) -> RemainingLength {
        let ahead: usize = self.decoded.iter().map(Bytes::len).sum();
        RemainingLength::new_exact(ahead + self.decoder.remaining as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(input: &[u8], length: u64, step: usize) -> Result<(Vec<u8>, Trailers), ChunkError> {
        let trailers = Trailers::default();
        let mut decoder = Decoder::new(length, trailers.clone());
        let mut out = VecDeque::new();
        for piece in input.chunks(step) {
            decoder.feed(Bytes::copy_from_slice(piece), &mut out)?;
        }
        decoder.finish()?;
        Ok((out.into_iter().flatten().collect(), trailers))
    }

    #[test]
    fn chunks_are_joined_however_they_arrive() {
        let input = b"5\r\nhello\r\n7;chunk-signature=ab\r\n, world\r\n0\r\n\
                      x-amz-checksum-crc32:y/Q5Jg==\r\n\r\n";
        for step in 1..input.len() {
            let (bytes, trailers) = decode(input, 12, step).unwrap();
            assert_eq!(bytes, b"hello, world");
            assert_eq!(trailers.get("x-amz-checksum-crc32").as_deref(), Some("y/Q5Jg=="));
        }
    }

    #[test]
    fn a_last_trailer_needs_no_line_end() {
        let (_, trailers) = decode(b"1\r\na\r\n0\r\nX-Amz-Checksum-Sha1: v", 1, 3).unwrap();
        assert_eq!(trailers.get("x-amz-checksum-sha1").as_deref(), Some("v"));
    }

    #[test]
    fn bodies_of_another_length_are_refused() {
        let cut = decode(b"5\r\nhel", 5, 64).map(|_| ());
        assert_eq!(cut, Err(ChunkError::WrongLength));
        let long = decode(b"5\r\nhello\r\n0\r\n\r\n", 4, 64).map(|_| ());
        assert_eq!(long, Err(ChunkError::WrongLength));
        let short = decode(b"5\r\nhello\r\n0\r\n\r\n", 6, 64).map(|_| ());
        assert_eq!(short, Err(ChunkError::WrongLength));
        let plain = decode(b"not chunked at all\r\n", 20, 64).map(|_| ());
        assert_eq!(plain, Err(ChunkError::Malformed));
    }
}
