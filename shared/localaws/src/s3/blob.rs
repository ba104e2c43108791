//! Content files: one per uploaded body or part, or a pack of many small ones,
//! named by number, never by key.
//!
//! A file is written under its final name; what makes it part of an object is
//! the journal record that names it. Files that no record names are removed
//! when the store is opened, so a crash leaves no half object and no litter.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::{Deserialize, Serialize};

use super::pack::{Pack, Packer};

const FOLDERS: u64 = 256;

/// The folder of all content files.
#[derive(Debug, Clone)]
pub(super) struct Blobs {
    root: Arc<Path>,
    packer: Packer,
}

impl Blobs {
    /// Opens the folder, creating it if there is none.
    pub(super) fn open(root: PathBuf) -> io::Result<Self> {
        for folder in 0..FOLDERS {
            fs::create_dir_all(root.join(format!("{folder:02x}")))?;
        }
        Ok(Self { root: root.into(), packer: Packer::default() })
    }

    /// Stores a small body, at once. A pack that is begun for it has the number
    /// that `next` gives.
    pub(super) fn pack(&self, next: impl FnOnce() -> u64, body: &[u8]) -> io::Result<BlobRef> {
        let (pack, at) = self.packer.write(&self.root, next, body)?;
        Ok(BlobRef::new(Place::In { pack, at }, body.len() as u64))
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
        let named = known.named();
        let mut removed = 0;
        for folder in 0..FOLDERS {
            for entry in fs::read_dir(self.root.join(format!("{folder:02x}")))? {
                let entry = entry?;
                let id = u64::from_str_radix(&entry.file_name().to_string_lossy(), 16);
                if !id.is_ok_and(|id| named.contains(&id)) {
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
        BlobRef::new(Place::File { id: self.id, root }, len)
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
    place: Place,
    len: u64,
    /// Index entries that hold it; copies of an object share its bytes.
    holders: AtomicU32,
}

/// Where its bytes are.
#[derive(Debug)]
enum Place {
    /// A file of its own. Without a folder it was read from a journal and is yet to
    /// be [shared](BlobTable::share).
    File { id: u64, root: Option<Arc<Path>> },
    /// In a pack, from this offset.
    In { pack: Arc<Pack>, at: u64 },
    /// The same, as a journal has it.
    Named { pack: u64, at: u64 },
}

impl Place {
    /// Number of the file, and where in it the bytes begin.
    fn name(&self) -> (u64, u64) {
        match self {
            Self::File { id, .. } => (*id, 0),
            Self::In { pack, at } => (pack.id, *at),
            Self::Named { pack, at } => (*pack, *at),
        }
    }
}

impl Drop for Blob {
    fn drop(&mut self) {
        match (*self.holders.get_mut(), &mut self.place) {
            (0, Place::File { id, root }) => {
                if let Some(root) = root.take() {
                    remove(&root, *id);
                }
            }
            (0, Place::In { .. }) | (_, Place::File { .. } | Place::Named { .. }) => {}
            (_, Place::In { pack, .. }) => pack.keep(),
        }
    }
}

/// A handle to complete content. It stays as long as the index holds it or a
/// handle lives, so a reader finishes what it began.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(into = "Written", from = "Written")]
pub(super) struct BlobRef(Arc<Blob>);

/// How a journal names content: file and length, or pack, length and offset.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    File(u64, u64),
    In(u64, u64, u64),
}

impl BlobRef {
    fn new(place: Place, len: u64) -> Self {
        Self(Arc::new(Blob { place, len, holders: AtomicU32::new(0) }))
    }

    /// Length in bytes.
    pub(super) fn len(&self) -> u64 {
        self.0.len
    }

    /// Opens the file it is in, for reading: and where in it the bytes begin.
    pub(super) fn open(&self) -> io::Result<(File, u64)> {
        match &self.0.place {
            Place::File { id, root: Some(root) } => Ok((File::open(path(root, *id))?, 0)),
            Place::In { pack, at } => Ok((pack.open()?, *at)),
            Place::File { root: None, .. } | Place::Named { .. } => {
                Err(io::ErrorKind::NotFound.into())
            }
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

impl From<BlobRef> for Written {
    fn from(blob: BlobRef) -> Self {
        let (file, at) = blob.0.place.name();
        match blob.0.place {
            Place::File { .. } => Self::File(file, blob.0.len),
            Place::In { .. } | Place::Named { .. } => Self::In(file, blob.0.len, at),
        }
    }
}

impl From<Written> for BlobRef {
    fn from(written: Written) -> Self {
        match written {
            Written::File(id, len) => Self::new(Place::File { id, root: None }, len),
            Written::In(pack, len, at) => Self::new(Place::Named { pack, at }, len),
        }
    }
}

/// Every content file that journal records have named, while they are read
/// back: records naming the same file share one handle.
#[derive(Debug)]
pub(super) struct BlobTable {
    root: Arc<Path>,
    /// By file, offset and length: an empty body is where the next one begins.
    blobs: HashMap<(u64, u64, u64), BlobRef>,
    packs: HashMap<u64, Arc<Pack>>,
}

impl BlobTable {
    /// An empty table over the files of `blobs`.
    pub(super) fn new(blobs: &Blobs) -> Self {
        let root = Arc::clone(&blobs.root);
        Self { root, blobs: HashMap::new(), packs: HashMap::new() }
    }

    /// Turns a handle as it was read into the one that all records share.
    pub(super) fn share(&mut self, blob: &mut BlobRef) {
        let (root, packs, len) = (&self.root, &mut self.packs, blob.len());
        let (file, at) = blob.0.place.name();
        let shared = self.blobs.entry((file, at, len)).or_insert_with(|| {
            let place = match blob.0.place {
                Place::File { id, .. } => Place::File { id, root: Some(Arc::clone(root)) },
                Place::Named { pack: id, at } => {
                    let pack = packs.entry(id);
                    let pack = pack.or_insert_with(|| Arc::new(Pack::new(Arc::clone(root), id)));
                    Place::In { pack: Arc::clone(pack), at }
                }
                Place::In { ref pack, at } => Place::In { pack: Arc::clone(pack), at },
            };
            BlobRef::new(place, len)
        });
        *blob = shared.clone();
    }

    /// The files that hold something of an object.
    fn named(&self) -> HashSet<u64> {
        let held = |blob: &&BlobRef| blob.0.holders.load(Ordering::Relaxed) > 0;
        self.blobs.values().filter(held).map(|blob| blob.0.place.name().0).collect()
    }
}

/// Where a content file is.
pub(super) fn path(root: &Path, id: u64) -> PathBuf {
    // Numbers given out together differ in few bits; the product spreads them.
    let folder = id.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56;
    root.join(format!("{folder:02x}/{id:016x}"))
}

/// Removes a content file. Unlinking a large one takes a while, so not on a thread
/// that serves others.
pub(super) fn remove(root: &Path, id: u64) {
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
