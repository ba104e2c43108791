//! Packs: content files that many small bodies share, since making a file takes
//! longer than writing a few kilobytes.
//!
//! A pack only grows, until it is full and the next one is begun; where the
//! process was started anew, it goes on with a new one. It is removed with the
//! last of its bodies.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::blob::{path, remove};

/// Bodies up to this length go into packs.
pub(super) const PACKED: usize = 16 * 1024;

/// A pack that has this length takes no more: what is left of a pack of which most
/// is gone wastes no more than that.
const FULL: u64 = 4 << 20;

/// A content file of many bodies.
#[derive(Debug)]
pub(super) struct Pack {
    root: Arc<Path>,
    pub(super) id: u64,
    /// A body in it outlives this process.
    kept: AtomicBool,
}

impl Pack {
    /// A pack that is there.
    pub(super) fn new(root: Arc<Path>, id: u64) -> Self {
        Self { root, id, kept: AtomicBool::new(false) }
    }

    /// Opens it for reading.
    pub(super) fn open(&self) -> io::Result<File> {
        File::open(path(&self.root, self.id))
    }

    /// It stays when this handle is gone, as the index holds a body in it.
    pub(super) fn keep(&self) {
        self.kept.store(true, Ordering::Relaxed);
    }
}

impl Drop for Pack {
    fn drop(&mut self) {
        if !*self.kept.get_mut() {
            remove(&self.root, self.id);
        }
    }
}

/// The pack that grows now.
#[derive(Debug)]
struct Growing {
    pack: Arc<Pack>,
    file: File,
    len: u64,
}

/// Puts small bodies into packs.
#[derive(Debug, Clone, Default)]
pub(super) struct Packer(Arc<Mutex<Option<Growing>>>);

impl Packer {
    /// Writes a body: the pack it is in, and where. A pack that is begun for it has
    /// the number that `next` gives.
    ///
    /// # Errors
    /// If it can't be written. Later bodies go into another pack then.
    pub(super) fn write(
        &self,
        root: &Arc<Path>,
        next: impl FnOnce() -> u64,
        body: &[u8],
    ) -> io::Result<(Arc<Pack>, u64)> {
        let mut growing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut open = match growing.take().filter(|open| open.len < FULL) {
            Some(open) => open,
            None => Growing::begin(root, next())?,
        };
        let at = open.len;
        open.file.write_all_at(body, at)?;
        open.len += body.len() as u64;
        let pack = Arc::clone(&open.pack);
        *growing = Some(open);
        Ok((pack, at))
    }
}

impl Growing {
    fn begin(root: &Arc<Path>, id: u64) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).open(path(root, id))?;
        Ok(Self { pack: Arc::new(Pack::new(Arc::clone(root), id)), file, len: 0 })
    }
}
