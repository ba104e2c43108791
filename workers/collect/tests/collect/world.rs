//! A collector with a ledger of its own and a store in memory that can be made to
//! fail where it counts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use millrace_collect::{Collected, Collector, Hold, NotCollected, Record, Settings};
use millrace_contract::{
    BatchLimits, KeyPart, MessageIdentity, Stream, StreamCompression, StreamFormat,
};
use millrace_ledger::{Database, Ledger};
use millrace_storage::{
    Download, ListedObject, Listing, MemoryStorage, NewestVersion, ObjectRef, Storage,
    StorageError, Stored, UploadPart,
};
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// What became of a record.
pub(crate) type Answer = Result<Collected, NotCollected>;

/// A right that can be taken away.
#[derive(Default)]
pub(crate) struct Right(AtomicBool);

impl Right {
    pub(crate) fn take_away(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Hold for Right {
    fn is_held(&self) -> bool {
        !self.0.load(Ordering::SeqCst)
    }
}

/// A store whose next calls of a kind can be made to go wrong.
#[derive(Default)]
pub(crate) struct Store {
    pub(crate) inner: MemoryStorage,
    /// Objects can't be published.
    pub(crate) refuses_new: AtomicBool,
    /// Told when a batch is staged, before the caller knows.
    pub(crate) on_staged: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

pub(crate) struct World {
    pub(crate) collector: Arc<Collector>,
    pub(crate) store: Arc<Store>,
    pub(crate) ledger: Ledger,
    _folder: TempDir,
}

/// A stream with a batch for each `name`.
pub(crate) fn stream(count: usize, age: Duration) -> Stream {
    let (text, value) = (|t: &str| KeyPart::Text(t.into()), |v: &str| KeyPart::Value(v.into()));
    Stream {
        name: "game".into(),
        bucket: "raw".into(),
        staging: "lake".into(),
        key: vec![text("raw/"), value("name"), text("/"), value("batch"), text(".ndjson")],
        format: StreamFormat::Ndjson,
        compression: StreamCompression::None,
        batch: BatchLimits { count, bytes: 1 << 20, age },
        dedupe: Some(MessageIdentity::Attribute("id".into())),
        envelope: false,
        remember: Duration::from_secs(86_400),
    }
}

impl World {
    pub(crate) async fn new(stream: Stream) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}", folder.path().join("ledger.db").display());
        let database = Database::connect(&url.into(), 4).await.expect("a database");
        let ledger = Ledger::open(&database).await.expect("a ledger");
        let store = Arc::new(Store::default());
        let collector = collector(stream, &ledger, &store);
        Self { collector, store, ledger, _folder: folder }
    }

    /// Another worker beside it.
    pub(crate) fn another(&self, stream: Stream) -> Arc<Collector> {
        collector(stream, &self.ledger, &self.store)
    }

    /// The lines of all objects that were published, sorted.
    pub(crate) async fn published(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for key in self.keys("raw").await {
            let object = ObjectRef::latest("raw", key);
            let mut body = self.store.get(&object, 0, None).await.expect("an object").body;
            let mut bytes = Vec::new();
            while let Some(chunk) = body.next().await {
                bytes.extend_from_slice(&chunk.expect("bytes"));
            }
            let text = String::from_utf8(bytes).expect("text");
            lines.extend(text.lines().map(str::to_owned));
        }
        lines.sort();
        lines
    }

    /// The keys of a bucket.
    pub(crate) async fn keys(&self, bucket: &str) -> Vec<String> {
        let listing = self.store.list(bucket, "", None).await.expect("a listing");
        listing.objects.into_iter().map(|(key, _)| key).collect()
    }
}

fn collector(stream: Stream, ledger: &Ledger, store: &Arc<Store>) -> Arc<Collector> {
    let settings = Settings {
        pipeline: "p".into(),
        streams: vec![stream],
        most_messages: 1000,
        most_bytes: 1 << 20,
    };
    let storage: Arc<dyn Storage> = Arc::<Store>::clone(store);
    Collector::new(settings, ledger.clone(), storage)
}

/// The record of a message, as it is delivered for the `count`th time.
pub(crate) fn record(id: usize, name: &str, count: u32) -> Record {
    Record {
        names: vec![format!("{id}")],
        body: format!("{{\"n\": {id}, \"name\": \"{name}\"}}"),
        source: "p-collect".into(),
        headers: BTreeMap::from([("id".to_owned(), format!("i{id}"))]),
        is_again: count > 1,
        ..Record::default()
    }
}

/// Hands a record in.
pub(crate) fn hand_in(collector: &Arc<Collector>, record: Record) -> JoinHandle<Answer> {
    hand_in_with(collector, record, Arc::new(Right::default()))
}

/// Hands a record in with a right to it.
pub(crate) fn hand_in_with(
    collector: &Arc<Collector>,
    record: Record,
    right: Arc<Right>,
) -> JoinHandle<Answer> {
    let collector = Arc::clone(collector);
    tokio::spawn(async move { collector.collect(record, right).await })
}

#[async_trait]
impl Storage for Store {
    async fn get(
        &self,
        object: &ObjectRef,
        from: u64,
        length: Option<u64>,
    ) -> Result<Download, StorageError> {
        self.inner.get(object, from, length).await
    }

    async fn put(&self, bucket: &str, key: &str, body: Bytes) -> Result<Stored, StorageError> {
        let stored = self.inner.put(bucket, key, body).await;
        if let Some(told) = self.on_staged.lock().expect("a lock").take() {
            told();
        }
        stored
    }

    async fn put_new(&self, bucket: &str, key: &str, body: Bytes) -> Result<Stored, StorageError> {
        if self.refuses_new.load(Ordering::SeqCst) {
            let url = ObjectRef::latest(bucket, key).url();
            return Err(StorageError::Failed { url, detail: "on purpose".into() });
        }
        self.inner.put_new(bucket, key, body).await
    }

    async fn start_upload(&self, bucket: &str, key: &str) -> Result<String, StorageError> {
        self.inner.start_upload(bucket, key).await
    }

    async fn put_part(
        &self,
        bucket: &str,
        key: &str,
        upload: &str,
        number: i32,
        body: Bytes,
    ) -> Result<UploadPart, StorageError> {
        self.inner.put_part(bucket, key, upload, number, body).await
    }

    async fn complete_upload(
        &self,
        bucket: &str,
        key: &str,
        upload: &str,
        parts: &[UploadPart],
    ) -> Result<Stored, StorageError> {
        self.inner.complete_upload(bucket, key, upload, parts).await
    }

    async fn abort_upload(
        &self,
        bucket: &str,
        key: &str,
        upload: &str,
    ) -> Result<(), StorageError> {
        self.inner.abort_upload(bucket, key, upload).await
    }

    async fn delete(&self, bucket: &str, key: &str) -> Result<(), StorageError> {
        self.inner.delete(bucket, key).await
    }

    async fn list(
        &self,
        bucket: &str,
        prefix: &str,
        page: Option<String>,
    ) -> Result<Listing, StorageError> {
        self.inner.list(bucket, prefix, page).await
    }

    async fn list_after(
        &self,
        bucket: &str,
        prefix: &str,
        after: &str,
    ) -> Result<Vec<ListedObject>, StorageError> {
        self.inner.list_after(bucket, prefix, after).await
    }

    async fn newest(&self, bucket: &str, key: &str) -> Result<Option<NewestVersion>, StorageError> {
        self.inner.newest(bucket, key).await
    }
}
