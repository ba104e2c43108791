//! The bytes of a source behind a buffer: how many were taken, how many of these
//! were used, and the source's own errors kept apart from those that
//! decompression makes of them.

use std::io::{self, BufRead, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes that are taken from a source at a time.
const BUFFER: usize = 128 << 10;

/// How far a source has been read, known also to those who have given the
/// reader away to a decompressor.
#[derive(Debug, Default)]
pub(super) struct Progress {
    taken: AtomicU64,
    used: AtomicU64,
    failure: Mutex<Option<io::Error>>,
}

impl Progress {
    /// Bytes taken from the source.
    pub(super) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Bytes used of those taken: where a decompressor is.
    pub(super) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// The error the source ended with, if it did.
    pub(super) fn take_failure(&self) -> Option<io::Error> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A source behind a buffer.
pub(super) struct Input<R> {
    inner: R,
    buffer: Vec<u8>,
    at: usize,
    progress: Arc<Progress>,
}

impl<R: Read> Input<R> {
    /// A source of which nothing has been read.
    pub(super) fn new(inner: R) -> Self {
        Self { inner, buffer: Vec::new(), at: 0, progress: Arc::default() }
    }

    /// How far it has been read, now and later.
    pub(super) fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// The first bytes, at least `count` of them unless the source is shorter.
    pub(super) fn start(&mut self, count: usize) -> io::Result<&[u8]> {
        while self.buffer.len() < count && self.refill()? > 0 {}
        Ok(&self.buffer)
    }

    /// Appends what the source gives. Answers how much it was.
    fn refill(&mut self) -> io::Result<usize> {
        let length = self.buffer.len();
        self.buffer.resize(length + BUFFER, 0);
        let outcome = loop {
            match self.inner.read(&mut self.buffer[length..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => break outcome,
            }
        };
        self.buffer.truncate(length + outcome.as_ref().map_or(0, |read| *read));
        match outcome {
            Ok(read) => {
                self.progress.taken.fetch_add(read as u64, Ordering::Relaxed);
                Ok(read)
            }
            Err(error) => {
                let kind = error.kind();
                let failure = &self.progress.failure;
                *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                Err(kind.into())
            }
        }
    }
}

impl<R: Read> BufRead for Input<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.buffer.len() {
            self.buffer.clear();
            self.at = 0;
            self.refill()?;
        }
        Ok(&self.buffer[self.at..])
    }

    fn consume(&mut self, amount: usize) {
        self.at += amount;
        self.progress.used.fetch_add(amount as u64, Ordering::Relaxed);
    }
}

impl<R: Read> Read for Input<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let length = available.len().min(buffer.len());
        buffer[..length].copy_from_slice(&available[..length]);
        self.consume(length);
        Ok(length)
    }
}
