//! Where the asynchronous world meets the synchronous one on the way in: a `Read`
//! fed by an object's bytes. It is bounded, so the slower side holds the faster one
//! up.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{Buf, Bytes, BytesMut};
use millrace_lake::FirstError;
use millrace_storage::{ObjectReader, StorageError};
use tokio::sync::mpsc;

/// Chunks that may wait between the two worlds.
const CHUNKS: usize = 4;

/// Bytes that are read at once where an object has no more.
const HANDOVER_BYTES: usize = 256 * 1024;

/// Tells the synchronous side to stop at its next read.
#[derive(Debug, Clone, Default)]
pub(crate) struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// Stops the reader that holds a clone of this flag.
    pub(crate) fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// An object's bytes as a `Read`.
pub(crate) struct SourceRead {
    current: Bytes,
    /// What follows, unless `current` is the object's end.
    chunks: Option<mpsc::Receiver<Result<Bytes, ()>>>,
    stop: StopFlag,
}

impl SourceRead {
    /// Starts to read. A small object is here whole when this returns; of any other
    /// a little is read ahead in the background, whose errors are kept in `errors`.
    ///
    /// # Errors
    /// [`StorageError`] of a small object.
    pub(crate) async fn start(
        reader: ObjectReader,
        errors: FirstError,
        stop: StopFlag,
    ) -> Result<Self, StorageError> {
        if reader.size() <= HANDOVER_BYTES as u64 {
            return Ok(Self { current: whole(reader).await?, chunks: None, stop });
        }
        let chunks = Some(read_ahead(reader, errors));
        Ok(Self { current: Bytes::new(), chunks, stop })
    }
}

async fn whole(mut reader: ObjectReader) -> Result<Bytes, StorageError> {
    let mut whole = BytesMut::new();
    while let Some(chunk) = reader.next().await? {
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
}

fn read_ahead(mut reader: ObjectReader, errors: FirstError) -> mpsc::Receiver<Result<Bytes, ()>> {
    let (sender, chunks) = mpsc::channel(CHUNKS);
    tokio::spawn(async move {
        loop {
            let chunk = match reader.next().await {
                Ok(Some(chunk)) => Ok(chunk),
                Ok(None) => return,
                Err(error) => {
                    errors.keep(error);
                    Err(())
                }
            };
            let last = chunk.is_err();
            if sender.send(chunk).await.is_err() || last {
                return;
            }
        }
    });
    chunks
}

impl Read for SourceRead {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.stop.stopped() {
            return Err(io::Error::other("stopped"));
        }
        if self.current.is_empty() {
            let Some(chunks) = &mut self.chunks else { return Ok(0) };
            match chunks.blocking_recv() {
                Some(Ok(chunk)) => self.current = chunk,
                Some(Err(())) => return Err(io::Error::other("the object can't be read")),
                None => return Ok(0),
            }
        }
        let length = into.len().min(self.current.len());
        self.current.copy_to_slice(&mut into[..length]);
        Ok(length)
    }
}
