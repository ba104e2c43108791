//! Where the synchronous world meets the asynchronous one on the way out: `Write`s
//! that feed object writers. They are bounded, so the slower side holds the faster
//! one up.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use millrace_storage::{ObjectWriter, StorageError};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Chunks that may wait between the two worlds.
const CHUNKS: usize = 4;

/// Bytes that a writer collects before it hands them over.
const HANDOVER_BYTES: usize = 256 * 1024;

/// Keeps the first storage error: on its way through `io::Error` and the
/// format's own errors it would lose its class.
#[derive(Debug, Clone, Default)]
pub struct FirstError(Arc<Mutex<Option<StorageError>>>);

impl FirstError {
    /// Takes the error out, if one came.
    pub fn take(&self) -> Option<StorageError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Keeps an error, unless one came before.
    pub fn keep(&self, error: StorageError) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }
}

/// An object writer as a `Write`. What one handover has room for stays here until
/// the end, and most files are no larger; more is sent in the background.
pub(crate) struct SinkWrite {
    buffer: Vec<u8>,
    way: Option<Way>,
    errors: FirstError,
    runtime: Handle,
    ended: Option<oneshot::Sender<Ended>>,
}

enum Way {
    AtHand(ObjectWriter),
    Sent { chunks: mpsc::Sender<Bytes>, task: Sending },
}

/// An object whose bytes are being sent; it gives the writer back, unfinished.
type Sending = JoinHandle<Result<ObjectWriter, ObjectWriter>>;

/// How the bytes of an object came to their end.
enum Ended {
    AtHand(ObjectWriter, Vec<u8>),
    Sent(Sending),
}

/// The other end of a [`SinkWrite`].
pub(crate) struct SinkEnd {
    ended: oneshot::Receiver<Ended>,
    errors: FirstError,
}

impl SinkEnd {
    /// The writer with all bytes in it, once the [`SinkWrite`] is done with; the
    /// writer alone, if they could not be sent. Nothing if whoever had it panicked.
    pub(crate) async fn sent(self) -> Option<Result<ObjectWriter, ObjectWriter>> {
        match self.ended.await.ok()? {
            Ended::Sent(task) => task.await.ok(),
            Ended::AtHand(mut writer, bytes) => match writer.write(&bytes).await {
                Ok(()) => Some(Ok(writer)),
                Err(error) => {
                    self.errors.keep(error);
                    Some(Err(writer))
                }
            },
        }
    }
}

impl SinkWrite {
    /// Both ends. `runtime` sends what is not small.
    pub(crate) fn new(
        writer: ObjectWriter,
        errors: FirstError,
        runtime: Handle,
    ) -> (Self, SinkEnd) {
        let (sender, receiver) = oneshot::channel();
        let sink = SinkEnd { ended: receiver, errors: errors.clone() };
        let (way, ended) = (Some(Way::AtHand(writer)), Some(sender));
        (Self { buffer: Vec::new(), way, errors, runtime, ended }, sink)
    }

    fn hand_over(&mut self) -> io::Result<()> {
        let chunk = Bytes::from(std::mem::take(&mut self.buffer));
        let (chunks, task) = match self.way.take() {
            Some(Way::Sent { chunks, task }) => (chunks, task),
            Some(Way::AtHand(writer)) => send(writer, self.errors.clone(), &self.runtime),
            None => return Err(unwritable()),
        };
        let handed = chunks.blocking_send(chunk).map_err(|_| unwritable());
        self.way = Some(Way::Sent { chunks, task });
        handed
    }

    /// Ends the object's bytes. Again is fine.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        let flushed = self.flush();
        let ended = match self.way.take() {
            Some(Way::AtHand(writer)) => Ended::AtHand(writer, std::mem::take(&mut self.buffer)),
            Some(Way::Sent { task, .. }) => Ended::Sent(task),
            None => return flushed,
        };
        if let Some(sender) = self.ended.take() {
            // Where nobody waits for it any more, nobody wants it.
            let _ = sender.send(ended);
        }
        flushed
    }
}

fn send(
    mut writer: ObjectWriter,
    errors: FirstError,
    runtime: &Handle,
) -> (mpsc::Sender<Bytes>, Sending) {
    let (chunks, mut receiver) = mpsc::channel::<Bytes>(CHUNKS);
    let task = runtime.spawn(async move {
        while let Some(chunk) = receiver.recv().await {
            if let Err(error) = writer.write(&chunk).await {
                errors.keep(error);
                return Err(writer);
            }
        }
        Ok(writer)
    });
    (chunks, task)
}

fn unwritable() -> io::Error {
    io::Error::other("the object can't be written")
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
        match &self.way {
            Some(Way::Sent { .. }) if !self.buffer.is_empty() => self.hand_over(),
            Some(_) | None => Ok(()),
        }
    }
}

impl Drop for SinkWrite {
    fn drop(&mut self) {
        // The rejects of a file that is refused are kept, though nobody
        // finished them. Where the other side is gone, so is the reason to.
        let _ = self.end();
    }
}
