//! What a bucket holds, in memory: its objects in key order, and the uploads
//! under way. Changed by applying journal records, live and at the start alike.

use std::borrow::Borrow;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::blob::BlobRef;
use super::object::{Object, Version, VersionId};
use super::record::{Record, Upload};
use super::settings::Settings;

/// How many completed uploads are remembered, for clients that ask again
/// because the answer was lost.
const COMPLETED: usize = 1000;

/// An object key; ordered by its UTF-8 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(Box<str>);

impl Key {
    /// A key.
    pub(super) fn new(key: impl Into<Box<str>>) -> Self {
        Self(key.into())
    }

    /// The key.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

// Sound because `str` is ordered as its bytes are.
impl Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Everything known about a bucket.
#[derive(Debug)]
pub(super) struct Index {
    /// Settings.
    pub(super) settings: Settings,
    /// Versions by key, oldest first; never an empty list.
    pub(super) objects: BTreeMap<Key, Vec<Version>>,
    /// Uploads under way, by id; ids sort by the time they began.
    pub(super) uploads: BTreeMap<Box<str>, Upload>,
    completed: VecDeque<(Box<str>, Box<str>, VersionId)>,
    parts: usize,
    versions: usize,
}

impl Index {
    /// An empty bucket.
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            objects: BTreeMap::new(),
            uploads: BTreeMap::new(),
            completed: VecDeque::new(),
            parts: 0,
            versions: 0,
        }
    }

    /// All versions under a key, oldest first.
    pub(super) fn versions(&self, key: &str) -> &[Version] {
        self.objects.get(key.as_bytes()).map_or(&[], Vec::as_slice)
    }

    /// The current version under a key; it may be a delete marker.
    pub(super) fn current(&self, key: &str) -> Option<&Version> {
        self.versions(key).last()
    }

    /// One version under a key.
    pub(super) fn version(&self, key: &str, id: VersionId) -> Option<&Version> {
        self.versions(key).iter().rev().find(|version| version.id == id)
    }

    /// What a completed upload became: the version, if it is still there.
    pub(super) fn completed(&self, upload: &str, key: &str) -> Option<&Version> {
        let done = self.completed.iter().rev();
        let mut done = done.filter(|(id, at, _)| **id == *upload && **at == *key);
        done.next().and_then(|(_, key, version)| self.version(key, *version))
    }

    /// Records needed to write it down.
    pub(super) fn len(&self) -> u64 {
        (2 + self.versions + self.uploads.len() + self.parts) as u64
    }

    /// Applies one change.
    pub(super) fn apply(&mut self, record: Record) {
        match record {
            Record::Settings(settings) => self.settings = settings,
            Record::Put { key, version, upload, .. } => self.put(key, version, upload),
            Record::Remove { key, version, .. } => self.remove(&key, version),
            Record::Tag { key, version, tags, .. } => {
                self.alter(&key, version, |object| object.tags = tags);
            }
            Record::Reset { key, version, headers, .. } => {
                self.alter(&key, version, |object| object.headers.reset(headers));
            }
            Record::Upload { id, upload } => {
                self.uploads.insert(id, upload);
            }
            Record::Part { upload, number, part } => {
                let Some(upload) = self.uploads.get_mut(&upload) else { return };
                part.blob.hold();
                match upload.parts.insert(number, part) {
                    Some(replaced) => replaced.blob.release(),
                    None => self.parts += 1,
                }
            }
            Record::Abort { upload } => self.end_upload(&upload),
            Record::Sequencer(_) | Record::Pending(_) | Record::Delivered(_) => {}
        }
    }

    fn put(&mut self, key: Box<str>, version: Version, upload: Option<Box<str>>) {
        hold(&version, BlobRef::hold);
        if version.id == VersionId::Null {
            self.remove(&key, VersionId::Null);
        }
        if let Some(id) = upload {
            self.end_upload(&id);
            if self.completed.len() == COMPLETED {
                self.completed.pop_front();
            }
            self.completed.push_back((id, key.clone(), version.id));
        }
        self.versions += 1;
        let versions = self.objects.entry(Key::new(key)).or_default();
        versions.reserve_exact(1);
        versions.push(version);
    }

    fn remove(&mut self, key: &str, id: VersionId) {
        let Some(versions) = self.objects.get_mut(key.as_bytes()) else { return };
        let Some(at) = versions.iter().rposition(|version| version.id == id) else { return };
        hold(&versions.remove(at), BlobRef::release);
        self.versions -= 1;
        if versions.is_empty() {
            self.objects.remove(key.as_bytes());
        }
    }

    fn alter(&mut self, key: &str, id: VersionId, change: impl FnOnce(&mut Object)) {
        let Some(versions) = self.objects.get_mut(key.as_bytes()) else { return };
        let version = versions.iter_mut().find(|version| version.id == id);
        if let Some(object) = version.and_then(|version| version.object.as_mut()) {
            change(Arc::make_mut(object));
        }
    }

    fn end_upload(&mut self, id: &str) {
        let Some(upload) = self.uploads.remove(id) else { return };
        self.parts -= upload.parts.len();
        upload.parts.values().for_each(|part| part.blob.release());
    }

    /// Lets go of everything, as the bucket is deleted.
    pub(super) fn clear(&mut self) {
        let uploads: Vec<_> = self.uploads.keys().cloned().collect();
        uploads.iter().for_each(|id| self.end_upload(id));
    }

    /// The records that make this index out of an empty one.
    pub(super) fn records(&self, sequencer: u64) -> impl Iterator<Item = Record> {
        let head = [Record::Settings(self.settings.clone()), Record::Sequencer(sequencer)];
        let puts = self.objects.iter().flat_map(|(key, versions)| {
            versions.iter().map(|version| Record::Put {
                key: key.0.clone(),
                version: version.clone(),
                upload: None,
                event: None,
            })
        });
        let uploads = self.uploads.iter().flat_map(|(id, upload)| {
            let begun = Record::Upload { id: id.clone(), upload: upload.clone() };
            let parts = upload.parts.iter().map(|(number, part)| Record::Part {
                upload: id.clone(),
                number: *number,
                part: part.clone(),
            });
            std::iter::once(begun).chain(parts)
        });
        head.into_iter().chain(puts).chain(uploads)
    }
}

fn hold(version: &Version, how: fn(&BlobRef)) {
    version.object.iter().flat_map(|object| &object.blobs).for_each(how);
}
