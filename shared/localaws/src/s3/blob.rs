//! Content files: one per uploaded body or part, named by number, never by key.
//!
//! A file is written under its final name; what makes it part of an object is
//! the journal record that names it. Files that no record names are removed
//! when the store is opened, so a crash leaves no half object and no litter.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::{Deserialize, Serialize};

const FOLDERS: u64 = 256;

/// The folder of all content files.
#[derive(Debug, Clone)]
pub(super) struct Blobs {
    root: Arc<Path>,
}

impl Blobs {
    /// Opens the folder, creating it if there is none.
    pub(super) fn open(root: PathBuf) -> io::Result<Self> {
        for folder in 0..FOLDERS {
            fs::create_dir_all(root.join(format!("{folder:02x}")))?;
        }
        Ok(Self { root: root.into() })
    }

    /// Creates an empty file. It is removed again when the last handle to it
    /// is dropped, unless the index has taken it in by then.
    pub(super) fn create(&self, id: u64) -> io::Result<(PendingBlob, File)> {
        let pending = PendingBlob { root: Some(Arc::clone(&self.root)), id };
        let file = OpenOptions::new().write(true).create_new(true).open(path(&self.root, id))?;
        Ok((pending, file))
    }

    /// Removes every file that is not among `known`.
    pub(super) fn sweep(&self, known: &BlobTable) -> io::Result<u64> {
        let mut removed = 0;
        for folder in 0..FOLDERS {
            for entry in fs::read_dir(self.root.join(format!("{folder:02x}")))? {
                let entry = entry?;
                if !known.names(&entry.file_name().to_string_lossy()) {
                    fs::remove_file(entry.path())?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }
}

/// A file being written; removed when dropped.
#[derive(Debug)]
pub(super) struct PendingBlob {
    /// None once the file is complete.
    root: Option<Arc<Path>>,
    id: u64,
}

impl PendingBlob {
    /// The file is complete with `len` bytes.
    pub(super) fn complete(mut self, len: u64) -> BlobRef {
        let root = self.root.take();
        BlobRef(Arc::new(Blob { id: self.id, len, holders: AtomicU32::new(0), root }))
    }
}

impl Drop for PendingBlob {
    fn drop(&mut self) {
        if let Some(root) = self.root.take() {
            remove(&root, self.id);
        }
    }
}

#[derive(Debug)]
struct Blob {
    id: u64,
    len: u64,
    /// Index entries that hold it; copies of an object share its files.
    holders: AtomicU32,
    root: Option<Arc<Path>>,
}

impl Drop for Blob {
    fn drop(&mut self) {
        if let (0, Some(root)) = (*self.holders.get_mut(), self.root.take()) {
            remove(&root, self.id);
        }
    }
}

/// A handle to a complete content file. The file stays as long as the index
/// holds it or a handle lives, so a reader finishes what it began.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(into = "(u64, u64)", from = "(u64, u64)")]
pub(super) struct BlobRef(Arc<Blob>);

impl BlobRef {
    /// Length in bytes.
    pub(super) fn len(&self) -> u64 {
        self.0.len
    }

    /// Opens the file for reading.
    pub(super) fn open(&self) -> io::Result<File> {
        match &self.0.root {
            Some(root) => File::open(path(root, self.0.id)),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// The index has taken it in.
    pub(super) fn hold(&self) {
        self.0.holders.fetch_add(1, Ordering::Relaxed);
    }

    /// The index has let go of it.
    pub(super) fn release(&self) {
        self.0.holders.fetch_sub(1, Ordering::Relaxed);
    }
}

impl From<BlobRef> for (u64, u64) {
    fn from(blob: BlobRef) -> Self {
        (blob.0.id, blob.0.len)
    }
}

impl From<(u64, u64)> for BlobRef {
    fn from((id, len): (u64, u64)) -> Self {
        Self(Arc::new(Blob { id, len, holders: AtomicU32::new(0), root: None }))
    }
}

/// Every content file that journal records have named, while they are read
/// back: records naming the same file share one handle.
#[derive(Debug)]
pub(super) struct BlobTable {
    root: Arc<Path>,
    blobs: HashMap<u64, BlobRef>,
}

impl BlobTable {
    /// An empty table over the files of `blobs`.
    pub(super) fn new(blobs: &Blobs) -> Self {
        Self { root: Arc::clone(&blobs.root), blobs: HashMap::new() }
    }

    /// Turns a handle as it was read into the one that all records share.
    pub(super) fn share(&mut self, blob: &mut BlobRef) {
        let (id, len) = (blob.0.id, blob.0.len);
        let root = || Some(Arc::clone(&self.root));
        let shared = self.blobs.entry(id).or_insert_with(|| {
            BlobRef(Arc::new(Blob { id, len, holders: AtomicU32::new(0), root: root() }))
        });
        *blob = shared.clone();
    }

    fn names(&self, file_name: &str) -> bool {
        let id = u64::from_str_radix(file_name, 16).ok();
        let blob = id.and_then(|id| self.blobs.get(&id));
        blob.is_some_and(|blob| blob.0.holders.load(Ordering::Relaxed) > 0)
    }
}

fn path(root: &Path, id: u64) -> PathBuf {
    // Numbers given out together differ in few bits; the product spreads them.
    let folder = id.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56;
    root.join(format!("{folder:02x}/{id:016x}"))
}

/// Unlinking a large file takes a while, so not on a thread that serves others.
fn remove(root: &Path, id: u64) {
    let path = path(root, id);
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(move || unlink(&path))),
        Err(_) => unlink(&path),
    }
}

fn unlink(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, path = %path.display(), "can't remove a content file");
        }
        Ok(()) | Err(_) => {}
    }
}
