//! `ListObjectVersions`: every version of every key, newest first.

use std::sync::Arc;

use s3s::dto::{self, DeleteMarkerEntry, ListObjectVersionsInput, ListObjectVersionsOutput, Owner};
use s3s::{S3Request, S3Result};

use super::bucket::owner;
use super::list::Encoding;
use super::{Answer, answer, parse_version};
use crate::s3::listing::{self, Entry, From, Walk};
use crate::s3::object::{Object, Version, VersionId};
use crate::s3::store::Store;

/// Lists versions.
pub(in crate::s3) async fn list_object_versions(
    store: &Arc<Store>,
    request: S3Request<ListObjectVersionsInput>,
) -> Answer<ListObjectVersionsOutput> {
    let input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    let max_keys = listing::limit(input.max_keys)?;
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let marker = Marker::of(&input)?;
    let walk = Walk {
        prefix: input.prefix.as_deref().unwrap_or_default(),
        delimiter: input.delimiter.as_deref(),
        from: marker.from(),
        // Every key has a version, so this many keys have enough of them.
        limit: max_keys as usize + 1,
    };
    let owner = owner(store);
    let mut shown = Shown::new(encoding, &owner, max_keys as usize);
    bucket.read(|index| {
        let page = walk.page(&index.objects, Some);
        for entry in page.entries {
            match entry {
                Entry::Prefix(prefix) => shown.prefix(prefix),
                Entry::Key(key, versions) => shown.key(key, versions, marker.within(key, versions)),
            }
        }
    });
    let (next_key, next_version) = shown.next.filter(|_| shown.truncated).unzip();
    answer(ListObjectVersionsOutput {
        common_prefixes: Some(shown.prefixes),
        delete_markers: Some(shown.markers),
        delimiter: encoding.apply(input.delimiter),
        encoding_type: input.encoding_type,
        is_truncated: Some(shown.truncated),
        key_marker: encoding.apply(input.key_marker.or_else(|| Some(String::new()))),
        max_keys: Some(max_keys),
        name: Some(input.bucket),
        next_key_marker: encoding.apply(next_key),
        next_version_id_marker: next_version.flatten(),
        prefix: encoding.apply(input.prefix.or_else(|| Some(String::new()))),
        request_charged: None,
        version_id_marker: input.version_id_marker,
        versions: Some(shown.versions),
    })
}

/// Where the page before ended.
struct Marker<'a> {
    key: Option<&'a str>,
    version: Option<VersionId>,
}

impl<'a> Marker<'a> {
    fn of(input: &'a ListObjectVersionsInput) -> S3Result<Self> {
        let version = input.version_id_marker.as_deref().filter(|id| !id.is_empty());
        let key = input.key_marker.as_deref().filter(|key| !key.is_empty());
        Ok(Self { key, version: version.map(parse_version).transpose()? })
    }

    fn from(&self) -> From<'a> {
        match (self.key, self.version) {
            (Some(key), Some(_)) => From::At(key),
            (Some(key), None) => From::After(key),
            (None, _) => From::Start,
        }
    }

    /// How many versions of a key are left, counted from the oldest.
    fn within(&self, key: &str, versions: &[Version]) -> usize {
        let marker = self.version.filter(|_| self.key == Some(key));
        // A marker that was deleted in the meantime was followed by all that
        // is left.
        let at = marker.and_then(|id| versions.iter().position(|version| version.id == id));
        at.unwrap_or(versions.len())
    }
}

struct Shown<'a> {
    encoding: Encoding,
    owner: &'a Owner,
    left: usize,
    versions: Vec<dto::ObjectVersion>,
    markers: Vec<DeleteMarkerEntry>,
    prefixes: Vec<dto::CommonPrefix>,
    next: Option<(String, Option<String>)>,
    truncated: bool,
}

impl<'a> Shown<'a> {
    fn new(encoding: Encoding, owner: &'a Owner, limit: usize) -> Self {
        Self {
            encoding,
            owner,
            left: limit,
            versions: Vec::new(),
            markers: Vec::new(),
            prefixes: Vec::new(),
            next: None,
            truncated: false,
        }
    }

    /// Whether there is room for one more entry.
    fn room(&mut self) -> bool {
        self.truncated |= self.left == 0 && self.next.is_some();
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }

    fn prefix(&mut self, prefix: &str) {
        if self.room() {
            self.prefixes.push(self.encoding.prefix(prefix));
            self.next = Some((prefix.to_owned(), None));
        }
    }

    fn key(&mut self, key: &str, versions: &[Version], left: usize) {
        for (at, version) in versions.iter().enumerate().take(left).rev() {
            if !self.room() {
                return;
            }
            let latest = at + 1 == versions.len();
            match version.object.as_deref() {
                Some(object) => {
                    let shown = self.version(key, version, object, latest);
                    self.versions.push(shown);
                }
                None => {
                    let shown = self.marker(key, version, latest);
                    self.markers.push(shown);
                }
            }
            self.next = Some((key.to_owned(), Some(version.id.to_string())));
        }
    }

    fn marker(&self, key: &str, version: &Version, latest: bool) -> DeleteMarkerEntry {
        DeleteMarkerEntry {
            is_latest: Some(latest),
            key: Some(self.encoding.apply_to(key)),
            last_modified: Some(version.last_modified()),
            owner: Some(self.owner.clone()),
            version_id: Some(version.id.to_string()),
        }
    }

    fn version(
        &self,
        key: &str,
        version: &Version,
        object: &Object,
        latest: bool,
    ) -> dto::ObjectVersion {
        let class = object.headers.get("x-amz-storage-class");
        let checksum = object.checksum.as_ref();
        dto::ObjectVersion {
            checksum_algorithm: checksum.map(|checksum| {
                vec![dto::ChecksumAlgorithm::from_static(checksum.algorithm.name())]
            }),
            checksum_type: checksum.map(|checksum| checksum.kind()),
            e_tag: Some(object.etag.to_dto()),
            is_latest: Some(latest),
            key: Some(self.encoding.apply_to(key)),
            last_modified: Some(version.last_modified()),
            owner: Some(self.owner.clone()),
            restore_status: None,
            size: Some(object.size as i64),
            storage_class: Some(dto::ObjectVersionStorageClass::from(
                class.unwrap_or_else(|| "STANDARD".to_owned()),
            )),
            version_id: Some(version.id.to_string()),
        }
    }
}
