//! Where the asynchronous world meets the synchronous one: a `Read` fed by an
//! object's bytes, and `Write`s that feed object writers. Both are bounded, so
//! the slower side holds the faster one up.

use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf, Bytes};
use millrace_storage::{ObjectReader, ObjectWriter, StorageError};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Chunks that may wait between the two worlds.
const CHUNKS: usize = 4;

/// Bytes that a writer collects before it hands them over.
const HANDOVER_BYTES: usize = 256 * 1024;

/// Keeps the first storage error: on its way through `io::Error` and the
/// format's own errors it would lose its class.
#[derive(Debug, Clone, Default)]
pub(crate) struct FirstError(Arc<Mutex<Option<StorageError>>>);

impl FirstError {
    /// Takes the error out, if one came.
    pub(crate) fn take(&self) -> Option<StorageError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn keep(&self, error: StorageError) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }
}

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
    chunks: mpsc::Receiver<Result<Bytes, ()>>,
    current: Bytes,
    stop: StopFlag,
}

impl SourceRead {
    /// Starts to read ahead in the background.
    pub(crate) fn start(mut reader: ObjectReader, errors: FirstError, stop: StopFlag) -> Self {
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
        Self { chunks, current: Bytes::new(), stop }
    }
}

impl Read for SourceRead {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.stop.stopped() {
            return Err(io::Error::other("stopped"));
        }
        if self.current.is_empty() {
            match self.chunks.blocking_recv() {
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

/// An object writer as a `Write`. Flushing hands over what it collected;
/// dropping it ends the object's bytes.
pub(crate) struct SinkWrite {
    chunks: mpsc::Sender<Bytes>,
    buffer: Vec<u8>,
}

/// An object whose bytes are being sent; it gives the writer back, unfinished.
pub(crate) type Sending = JoinHandle<Result<ObjectWriter, ObjectWriter>>;

impl SinkWrite {
    /// Starts to send in the background.
    pub(crate) fn start(mut writer: ObjectWriter, errors: FirstError) -> (Self, Sending) {
        let (chunks, mut receiver) = mpsc::channel::<Bytes>(CHUNKS);
        let sending = tokio::spawn(async move {
            while let Some(chunk) = receiver.recv().await {
                if let Err(error) = writer.write(&chunk).await {
                    errors.keep(error);
                    return Err(writer);
                }
            }
            Ok(writer)
        });
        (Self { chunks, buffer: Vec::new() }, sending)
    }

    fn hand_over(&mut self) -> io::Result<()> {
        let chunk = Bytes::from(std::mem::take(&mut self.buffer));
        self.chunks
            .blocking_send(chunk)
            .map_err(|_| io::Error::other("the object can't be written"))
    }
}

impl Write for SinkWrite {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= HANDOVER_BYTES {
            self.hand_over()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() { Ok(()) } else { self.hand_over() }
    }
}

impl Drop for SinkWrite {
    fn drop(&mut self) {
        // The rejects of a file that is refused are kept, though nobody
        // finished them. Where the other side is gone, so is the reason to.
        let _ = self.flush();
    }
}
