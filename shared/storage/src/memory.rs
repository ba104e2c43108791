//! An object store in memory, for handler tests. It runs the same contract
//! suite as S3.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};

use crate::{
    Download, ListedObject, Listing, NewestVersion, ObjectRef, Pin, Storage, StorageError, Stored,
    UploadPart,
};

/// Objects in a map. Keys keep their newest version only.
#[derive(Debug, Default)]
pub struct MemoryStorage {
    state: Mutex<State>,
}

#[derive(Debug)]
struct Object {
    etag: String,
    body: Bytes,
    modified: SystemTime,
}

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<(String, String), Object>,
    uploads: BTreeMap<String, BTreeMap<i32, Bytes>>,
    serial: u64,
}

/// Objects that a listing shows at a time, as S3's does.
const LISTED: usize = 1_000;

impl Object {
    fn listed(&self, key: &str) -> ListedObject {
        ListedObject {
            key: key.to_owned(),
            size: self.body.len() as u64,
            etag: self.etag.clone(),
            modified: Some(self.modified),
        }
    }
}

impl MemoryStorage {
    /// An empty store, in which every bucket exists.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn store(&mut self, bucket: &str, key: &str, body: Bytes) -> Stored {
        self.serial += 1;
        let etag = format!("m{}", self.serial);
        let object = Object { etag: etag.clone(), body, modified: SystemTime::now() };
        self.objects.insert((bucket.to_owned(), key.to_owned()), object);
        Stored { etag, version_id: None }
    }

    fn upload(&mut self, id: &str) -> Result<&mut BTreeMap<i32, Bytes>, StorageError> {
        self.uploads.get_mut(id).ok_or_else(|| StorageError::Refused {
            url: id.to_owned(),
            detail: "no such upload".to_owned(),
        })
    }
}

#[async_trait]
impl Storage for MemoryStorage {
    async fn get(
        &self,
        object: &ObjectRef,
        from: u64,
        length: Option<u64>,
    ) -> Result<Download, StorageError> {
        let state = self.lock();
        let found = state.objects.get(&(object.bucket.clone(), object.key.clone()));
        let Some(Object { etag, body, modified }) = found else {
            return Err(StorageError::NotFound { url: object.url() });
        };
        match &object.pin {
            Pin::ETag(wanted) if wanted != etag => {
                return Err(StorageError::Changed { url: object.url(), etag: wanted.clone() });
            }
            Pin::Latest | Pin::Version(_) | Pin::ETag(_) => {}
        }
        let size = body.len();
        let start = usize::try_from(from).unwrap_or(usize::MAX).min(size);
        let wanted = length.and_then(|length| usize::try_from(length).ok()).unwrap_or(size);
        let part = body.slice(start..start.saturating_add(wanted).min(size));
        let body = stream::iter([Ok(part)]).boxed();
        let modified = Some(*modified);
        Ok(Download { size: size as u64, etag: etag.clone(), modified, body })
    }

    async fn put(&self, bucket: &str, key: &str, body: Bytes) -> Result<Stored, StorageError> {
        Ok(self.lock().store(bucket, key, body))
    }

    async fn put_new(&self, bucket: &str, key: &str, body: Bytes) -> Result<Stored, StorageError> {
        let mut state = self.lock();
        if state.objects.contains_key(&(bucket.to_owned(), key.to_owned())) {
            return Err(StorageError::Exists { url: ObjectRef::latest(bucket, key).url() });
        }
        Ok(state.store(bucket, key, body))
    }

    async fn start_upload(&self, _: &str, _: &str) -> Result<String, StorageError> {
        let mut state = self.lock();
        state.serial += 1;
        let id = format!("u{}", state.serial);
        state.uploads.insert(id.clone(), BTreeMap::new());
        Ok(id)
    }

    async fn put_part(
        &self,
        _: &str,
        _: &str,
        upload: &str,
        number: i32,
        body: Bytes,
    ) -> Result<UploadPart, StorageError> {
        self.lock().upload(upload)?.insert(number, body);
        Ok(UploadPart { number, etag: format!("p{number}") })
    }

    async fn complete_upload(
        &self,
        bucket: &str,
        key: &str,
        upload: &str,
        parts: &[UploadPart],
    ) -> Result<Stored, StorageError> {
        let mut state = self.lock();
        let sent = std::mem::take(state.upload(upload)?);
        state.uploads.remove(upload);
        let mut whole = BytesMut::new();
        for part in parts {
            whole.extend_from_slice(sent.get(&part.number).map_or(&[], |bytes| bytes));
        }
        Ok(state.store(bucket, key, whole.freeze()))
    }

    async fn abort_upload(&self, _: &str, _: &str, upload: &str) -> Result<(), StorageError> {
        self.lock().uploads.remove(upload);
        Ok(())
    }

    async fn delete(&self, bucket: &str, key: &str) -> Result<(), StorageError> {
        self.lock().objects.remove(&(bucket.to_owned(), key.to_owned()));
        Ok(())
    }

    async fn list(
        &self,
        bucket: &str,
        prefix: &str,
        _: Option<String>,
    ) -> Result<Listing, StorageError> {
        let objects = self
            .lock()
            .objects
            .iter()
            .filter(|((at, key), _)| at == bucket && key.starts_with(prefix))
            .map(|((_, key), object)| (key.clone(), object.body.len() as u64))
            .collect();
        Ok(Listing { objects, next: None })
    }

    async fn list_after(
        &self,
        bucket: &str,
        prefix: &str,
        after: &str,
    ) -> Result<Vec<ListedObject>, StorageError> {
        let state = self.lock();
        let listed = state.objects.iter().filter(|((at, key), _)| {
            at == bucket && key.starts_with(prefix) && key.as_str() > after
        });
        Ok(listed.take(LISTED).map(|((_, key), object)| object.listed(key)).collect())
    }

    async fn newest(&self, bucket: &str, key: &str) -> Result<Option<NewestVersion>, StorageError> {
        let state = self.lock();
        let found = state.objects.get(&(bucket.to_owned(), key.to_owned()));
        let newest =
            |object: &Object| NewestVersion { version_id: None, object: object.listed(key) };
        Ok(found.map(newest))
    }
}
