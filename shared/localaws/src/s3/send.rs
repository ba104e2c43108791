//! Gives an object's bytes out: read in large pieces, one ahead of the
//! connection, over all the content files that make it up.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::Stream;
use s3s::dto::StreamingBlob;
use s3s::stream::{ByteStream, RemainingLength};
use s3s::{Body, S3Result, StdError};
use tokio::task::JoinHandle;

use super::error;
use super::object::Object;
use super::pack::PACKED;

/// How much is read at a time.
const PIECE: usize = 1 << 20;

/// The bytes of `range` of an object, as a response body. The first piece is
/// read before this returns, so that a store that can't be read is an error
/// and not a broken connection.
///
/// # Errors
/// If the content files can't be read.
pub(super) async fn send(object: Arc<Object>, range: Range<u64>) -> S3Result<StreamingBlob> {
    if range.is_empty() {
        return Ok(StreamingBlob::from(Body::empty()));
    }
    let small = range.end - range.start <= PACKED as u64;
    let reader = Reader::new(object, range);
    if small {
        // Handing it to a thread that may block takes longer.
        let (_, all) = reader.read_piece().map_err(error::storage)?;
        return Ok(StreamingBlob::from(Body::from(all)));
    }
    let reading = tokio::task::spawn_blocking(move || reader.read_piece());
    let (reader, first) = reading.await.map_err(error::interrupted)?.map_err(error::storage)?;
    if reader.remaining == 0 {
        return Ok(StreamingBlob::from(Body::from(first)));
    }
    let remaining = reader.remaining + first.len() as u64;
    let ahead = tokio::task::spawn_blocking(move || reader.read_piece());
    Ok(StreamingBlob::new(Pieces { first: Some(first), ahead: Some(ahead), remaining }))
}

/// Reads a range of an object, blocking.
pub(super) struct Reader {
    object: Arc<Object>,
    /// The content file to open next.
    next: usize,
    /// Bytes to skip in it.
    skip: u64,
    open: Option<(File, u64)>,
    remaining: u64,
}

impl Reader {
    /// Over `range`, which must lie within the object.
    pub(super) fn new(object: Arc<Object>, range: Range<u64>) -> Self {
        let (mut next, mut skip) = (0, range.start);
        while let Some(blob) = object.blobs.get(next).filter(|blob| blob.len() <= skip) {
            skip -= blob.len();
            next += 1;
        }
        Self { object, next, skip, open: None, remaining: range.end - range.start }
    }

    /// Reads the next piece; an empty one at the end.
    pub(super) fn read_piece(mut self) -> io::Result<(Self, Bytes)> {
        let size = self.remaining.min(PIECE as u64) as usize;
        let mut piece = Vec::with_capacity(size);
        while piece.len() < size {
            let wanted = (size - piece.len()) as u64;
            let (file, left) = self.file()?;
            let read = Read::by_ref(file).take(wanted.min(*left)).read_to_end(&mut piece)? as u64;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            *left -= read;
            self.remaining -= read;
        }
        Ok((self, Bytes::from(piece)))
    }

    /// The file that the next bytes are in, and how many are left in it.
    fn file(&mut self) -> io::Result<&mut (File, u64)> {
        if self.open.as_ref().is_none_or(|(_, left)| *left == 0) {
            let mut blobs = self.object.blobs[self.next.min(self.object.blobs.len())..].iter();
            let at = blobs.position(|blob| blob.len() > 0).ok_or(io::ErrorKind::UnexpectedEof)?;
            let blob = &self.object.blobs[self.next + at];
            let (mut file, from) = blob.open()?;
            file.seek(SeekFrom::Start(from + self.skip))?;
            self.next += at + 1;
            let left = blob.len() - std::mem::take(&mut self.skip);
            self.open = Some((file, left));
        }
        self.open.as_mut().ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

type Ahead = JoinHandle<io::Result<(Reader, Bytes)>>;

struct Pieces {
    first: Option<Bytes>,
    ahead: Option<Ahead>,
    remaining: u64,
}

impl Stream for Pieces {
    type Item = Result<Bytes, StdError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = self.first.take() {
            self.remaining -= first.len() as u64;
            return Poll::Ready(Some(Ok(first)));
        }
        let Some(ahead) = &mut self.ahead else { return Poll::Ready(None) };
        let read = ready!(Pin::new(ahead).poll(cx));
        self.ahead = None;
        let (reader, piece) = read??;
        self.remaining -= piece.len() as u64;
        if reader.remaining > 0 {
            self.ahead = Some(tokio::task::spawn_blocking(move || reader.read_piece()));
        }
        Poll::Ready(Some(Ok(piece)))
    }
}

impl ByteStream for Pieces {
    fn remaining_length(&self) -> RemainingLength {
        RemainingLength::new_exact(self.remaining as usize)
    }
}
