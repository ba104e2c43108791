//! Takes a body in: to its content file and through its digests, in pieces, on
//! a thread that may block.

use std::fs::File;
use std::io::{self, Write};

use bytes::Bytes;
use futures::StreamExt;
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3Result, StdError, s3_error};
use tokio::sync::mpsc;

use super::blob::{BlobRef, Blobs, PendingBlob};
use super::checksum::Algorithm;
use super::chunked::ChunkError;
use super::claims::{Claims, Digest, Digester};
use super::error;
use super::form::FormError;
use super::ops::post;
use super::pack::PACKED;
use super::store::Store;

/// What is handed to the disk at a time; bodies up to this length in one step.
/// Large, because on a busy machine every hand-over waits for its turn.
const PIECE: usize = 1 << 20;
/// Pieces that wait for the disk at most.
const WAITING: usize = 2;

/// A body that was received and is what its sender said it is. Its file is
/// removed again unless the index takes it in.
#[derive(Debug)]
pub(super) struct Received {
    /// The bytes.
    pub(super) blob: BlobRef,
    /// Their digests.
    pub(super) digest: Digest,
}

/// Receives a body.
///
/// # Errors
/// If the body does not arrive whole, is not as `claims` say, or can't be
/// stored.
pub(super) async fn receive(
    store: &Store,
    body: Option<StreamingBlob>,
    claims: Claims,
    algorithm: Algorithm,
) -> S3Result<Received> {
    let mut body = body.unwrap_or_else(|| StreamingBlob::from(s3s::Body::empty()));
    let (first, ended) = gather(&mut body).await?;
    let digester = Digester::new(&claims, algorithm);
    if ended && first.iter().map(Bytes::len).sum::<usize>() <= PACKED {
        let received = pack(store, &first, digester).map_err(error::storage)?;
        claims.check(&received.digest)?;
        return Ok(received);
    }
    let mut sink = Sink::new(store.blobs.clone(), store.sequence.next(), digester);
    let received = if ended {
        tokio::task::spawn_blocking(move || {
            sink.take(&first)?;
            sink.finish()
        })
    } else {
        let (sender, mut pieces) = mpsc::channel::<Vec<Bytes>>(WAITING);
        let written = tokio::task::spawn_blocking(move || {
            sink.take(&first)?;
            while let Some(piece) = pieces.blocking_recv() {
                // An empty piece is the end; without it the sender has failed.
                if piece.is_empty() {
                    return sink.finish();
                }
                sink.take(&piece)?;
            }
            Err(io::ErrorKind::UnexpectedEof.into())
        });
        forward(&mut body, &sender).await?;
        written
    };
    let received = received.await.map_err(error::interrupted)?.map_err(error::storage)?;
    claims.check(&received.digest)?;
    Ok(received)
}

/// Takes a small body in. On the thread that asks: handing it to one that may block
/// takes longer.
fn pack(store: &Store, pieces: &[Bytes], mut digester: Digester) -> io::Result<Received> {
    let body = match pieces {
        [piece] => piece.clone(),
        pieces => pieces.concat().into(),
    };
    digester.update(&body);
    let blob = store.blobs.pack(|| store.sequence.next(), &body)?;
    Ok(Received { blob, digest: digester.finish() })
}

/// Reads a piece; whether it was the last.
async fn gather(body: &mut StreamingBlob) -> S3Result<(Vec<Bytes>, bool)> {
    let (mut pieces, mut len) = (Vec::new(), 0);
    while len <= PIECE {
        match body.next().await {
            Some(piece) => {
                let piece = piece.map_err(broken)?;
                len += piece.len();
                pieces.push(piece);
            }
            None => return Ok((pieces, true)),
        }
    }
    Ok((pieces, false))
}

/// Sends the rest of the body on until it ends, or nobody takes it any more.
async fn forward(body: &mut StreamingBlob, sender: &mpsc::Sender<Vec<Bytes>>) -> S3Result<()> {
    loop {
        let (pieces, ended) = gather(body).await?;
        if !pieces.is_empty() && sender.send(pieces).await.is_err() {
            return Ok(());
        }
        if ended {
            // If nobody takes it, the writer says why.
            let _ = sender.send(Vec::new()).await;
            return Ok(());
        }
    }
}

fn broken(error: StdError) -> S3Error {
    if let Some(error) = error.downcast_ref::<FormError>() {
        return post::refusal(*error);
    }
    let mut failure = match error.downcast_ref::<ChunkError>() {
        Some(ChunkError::Malformed) => {
            s3_error!(InvalidRequest, "The body is not aws-chunked as its headers say.")
        }
        Some(ChunkError::WrongLength) | None => s3_error!(
            IncompleteBody,
            "You did not provide the number of bytes specified by the Content-Length HTTP header."
        ),
    };
    failure.set_source(error);
    failure
}

/// A content file being written and digested.
pub(super) struct Sink {
    blobs: Blobs,
    id: u64,
    file: Option<(PendingBlob, File)>,
    digester: Digester,
    len: u64,
}

impl Sink {
    /// An empty one.
    pub(super) fn new(blobs: Blobs, id: u64, digester: Digester) -> Self {
        Self { blobs, id, file: None, digester, len: 0 }
    }

    /// Writes more bytes.
    pub(super) fn take(&mut self, pieces: &[Bytes]) -> io::Result<()> {
        let (_, file) = match &mut self.file {
            Some(open) => open,
            none => none.insert(self.blobs.create(self.id)?),
        };
        for piece in pieces {
            file.write_all(piece)?;
            self.digester.update(piece);
            self.len += piece.len() as u64;
        }
        Ok(())
    }

    /// The file is complete.
    pub(super) fn finish(mut self) -> io::Result<Received> {
        self.take(&[])?;
        let (pending, _) = self.file.ok_or(io::ErrorKind::NotFound)?;
        Ok(Received { blob: pending.complete(self.len), digest: self.digester.finish() })
    }
}
