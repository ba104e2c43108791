//! One suite for every adapter: what the stages rely on holds for S3 (over the
//! embedded endpoint) and for the store in memory alike. `tests/compare-storage` has
//! it kept by other implementations of S3.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::Credentials;
use bytes::Bytes;
use futures::{StreamExt, stream};
use millrace_localaws::{Config, Server};
use millrace_retry::{Classify, FailureClass};
use millrace_storage::{
    BucketAdmin, Download, ListedObject, Listing, Markers, MemoryStorage, NewestVersion,
    ObjectReader, ObjectRef, ObjectWriter, PART_BYTES, Pin, S3Storage, Storage, StorageError,
    Stored, UploadPart,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const BUCKET: &str = "suite";

async fn read(storage: Arc<dyn Storage>, object: ObjectRef) -> Result<Vec<u8>, StorageError> {
    let mut reader = ObjectReader::open(storage, object).await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = reader.next().await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Bytes in which no two places look alike.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at / 7 + at * at / 31) % 251).expect("small")).collect()
}

async fn suite(storage: Arc<dyn Storage>) {
    what_was_put_is_read(&storage).await;
    of_several_writers_of_a_new_object_one_succeeds(&storage).await;
    a_large_object_is_written_in_parts_and_visible_when_finished(&storage).await;
    an_aborted_object_is_never_visible(&storage).await;
    a_pinned_version_that_was_overwritten_is_missing(&storage).await;
    keys_are_listed_under_their_prefix(&storage).await;
    a_listing_goes_on_behind_a_key_and_says_what_is_newest(&storage).await;
}

async fn of_several_writers_one_replaces_a_marker(markers: &dyn Markers) {
    let key = "_millrace/m.json";
    let replace = async |before: Option<String>, body: &'static str| {
        let body = Bytes::from_static(body.as_bytes());
        markers.replace_marker(BUCKET, key, before.as_deref(), body).await.expect("an answer")
    };
    assert_eq!(markers.read_marker(BUCKET, key).await.expect("an answer"), None);
    assert!(!replace(Some("0".repeat(32)), "over nothing").await);
    assert!(replace(None, "first").await);
    assert!(!replace(None, "second").await);
    let first = markers.read_marker(BUCKET, key).await.expect("an answer").expect("a marker");
    assert_eq!(first.body, "first");
    let (one, other) = futures::join!(
        replace(Some(first.etag.clone()), "one"),
        replace(Some(first.etag), "other")
    );
    assert!(one != other, "one of both");
    let last = markers.read_marker(BUCKET, key).await.expect("an answer").expect("a marker");
    assert_eq!(last.body, if one { "one" } else { "other" });
}

async fn what_was_put_is_read(storage: &Arc<dyn Storage>) {
    let key = "odd keys/ü + %2F.csv";
    storage.put(BUCKET, key, Bytes::from_static(b"hello")).await.expect("put");
    let object = ObjectRef::latest(BUCKET, key);
    assert_eq!(read(Arc::clone(storage), object.clone()).await.expect("read"), b"hello");
    let part = storage.get(&object, 1, Some(3)).await.expect("a range");
    assert_eq!(part.size, 5);
    let chunks: Vec<_> = part.body.map(|chunk| chunk.expect("bytes")).collect().await;
    assert_eq!(chunks.concat(), b"ell");
    storage.delete(BUCKET, key).await.expect("deleted");
    let gone = read(Arc::clone(storage), object).await.expect_err("gone");
    assert!(matches!(gone, StorageError::NotFound { .. }), "{gone}");
}

async fn of_several_writers_of_a_new_object_one_succeeds(storage: &Arc<dyn Storage>) {
    let put = async |body: &'static str| match storage
        .put_new(BUCKET, "new", Bytes::from_static(body.as_bytes()))
        .await
    {
        Ok(_) => true,
        Err(StorageError::Exists { .. }) => false,
        Err(error) => panic!("{error}"),
    };
    let (one, other) = futures::join!(put("one"), put("other"));
    assert!(one != other, "one of both");
    assert!(!put("late").await);
    let stored = read(Arc::clone(storage), ObjectRef::latest(BUCKET, "new")).await.expect("read");
    assert_eq!(stored, if one { b"one".as_slice() } else { b"other" });
}

async fn a_large_object_is_written_in_parts_and_visible_when_finished(storage: &Arc<dyn Storage>) {
    let bytes = pattern(2 * PART_BYTES + 12_345);
    let mut writer = ObjectWriter::new(Arc::clone(storage), BUCKET, "large");
    for chunk in bytes.chunks(700_001) {
        writer.write(chunk).await.expect("written");
    }
    let object = ObjectRef::latest(BUCKET, "large");
    let early = read(Arc::clone(storage), object.clone()).await.expect_err("not yet");
    assert!(matches!(early, StorageError::NotFound { .. }), "{early}");
    assert_eq!(writer.size(), bytes.len() as u64);
    writer.finish().await.expect("finished");
    assert!(read(Arc::clone(storage), object).await.expect("read") == bytes);
}

async fn an_aborted_object_is_never_visible(storage: &Arc<dyn Storage>) {
    let mut writer = ObjectWriter::new(Arc::clone(storage), BUCKET, "aborted");
    writer.write(&pattern(PART_BYTES + 1)).await.expect("written");
    writer.abort().await.expect("aborted");
    let error = read(Arc::clone(storage), ObjectRef::latest(BUCKET, "aborted")).await;
    assert!(matches!(error, Err(StorageError::NotFound { .. })));
}

async fn a_pinned_version_that_was_overwritten_is_missing(storage: &Arc<dyn Storage>) {
    let first = storage.put(BUCKET, "pinned", Bytes::from_static(b"one")).await.expect("put");
    let pin = Pin::ETag(first.etag);
    let object = ObjectRef { bucket: BUCKET.into(), key: "pinned".into(), pin };
    assert_eq!(read(Arc::clone(storage), object.clone()).await.expect("read"), b"one");
    storage.put(BUCKET, "pinned", Bytes::from_static(b"two")).await.expect("put");
    let error = read(Arc::clone(storage), object).await.expect_err("changed");
    assert!(matches!(error, StorageError::Changed { .. }), "{error}");
    assert_eq!(error.class(), FailureClass::Missing);
}

async fn keys_are_listed_under_their_prefix(storage: &Arc<dyn Storage>) {
    for key in ["list/a", "list/b/c", "listless"] {
        storage.put(BUCKET, key, Bytes::from_static(b"x")).await.expect("put");
    }
    let listing = storage.list(BUCKET, "list/", None).await.expect("listed");
    assert_eq!(listing.objects, [("list/a".to_owned(), 1), ("list/b/c".to_owned(), 1)]);
}

async fn a_listing_goes_on_behind_a_key_and_says_what_is_newest(storage: &Arc<dyn Storage>) {
    for key in ["after/a", "after/a b+é", "after/b"] {
        storage.put(BUCKET, key, Bytes::from_static(b"x")).await.expect("put");
    }
    let newest = storage.put(BUCKET, "after/b", Bytes::from_static(b"xy")).await.expect("put");
    let all = storage.list_after(BUCKET, "after/", "").await.expect("listed");
    let keys = |listed: &[ListedObject]| -> Vec<String> {
        listed.iter().map(|object| object.key.clone()).collect()
    };
    assert_eq!(keys(&all), ["after/a", "after/a b+é", "after/b"]);
    let rest = storage.list_after(BUCKET, "after/", "after/a b+é").await.expect("listed");
    assert_eq!(
        (keys(&rest), &rest[0].etag, rest[0].size),
        (vec!["after/b".into()], &newest.etag, 2)
    );
    assert!(rest[0].modified.is_some());
    assert!(storage.list_after(BUCKET, "after/", "after/b").await.expect("listed").is_empty());
    let seen = storage.newest(BUCKET, "after/b").await.expect("an answer").expect("an object");
    assert_eq!((&seen.object.etag, seen.object.size, &seen.version_id), (&newest.etag, 2, &None));
    assert_eq!(storage.newest(BUCKET, "after/c").await.expect("an answer"), None);
}

#[tokio::test]
async fn the_store_in_memory_keeps_the_contract() {
    suite(Arc::new(MemoryStorage::new())).await;
}

async fn sdk(endpoint: String) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .load()
        .await
}

#[tokio::test]
async fn s3_keeps_the_contract() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = Config::new(folder.path());
    config.bind.set_port(0);
    let server = Server::start(config).await.expect("an endpoint");
    let sdk = sdk(server.url()).await;
    let storage = S3Storage::new(&sdk);
    let admin = BucketAdmin::new(storage.clone());
    let storage: Arc<dyn Storage> = Arc::new(storage);
    let object = ObjectRef::latest("nowhere", "key");
    let error = read(Arc::clone(&storage), object).await.expect_err("no bucket");
    assert!(matches!(error, StorageError::NoBucket { .. }), "{error}");
    admin.ensure_bucket(BUCKET).await.expect("created");
    admin.ensure_bucket(BUCKET).await.expect("there already");
    suite(Arc::clone(&storage)).await;
    of_several_writers_one_replaces_a_marker(&S3Storage::new(&sdk)).await;
    server.stop().await;
    let error = storage.put(BUCKET, "late", Bytes::new()).await.expect_err("down");
    assert_eq!(error.class(), FailureClass::Outage, "{error}");
}

/// Of another implementation, which `MILLRACE_STORAGE_ENDPOINT` names.
#[allow(clippy::print_stderr)]
#[tokio::test]
async fn s3_of_others_keeps_the_contract() {
    let Ok(endpoint) = std::env::var("MILLRACE_STORAGE_ENDPOINT") else {
        eprintln!("skipped: MILLRACE_STORAGE_ENDPOINT is not set; see tests/compare-storage");
        return;
    };
    let storage = S3Storage::new(&sdk(endpoint).await);
    BucketAdmin::new(storage.clone()).ensure_bucket(BUCKET).await.expect("created");
    let object = ObjectRef::latest("nowhere", "key");
    let error = read(Arc::new(storage.clone()), object).await.expect_err("no bucket");
    assert!(matches!(error, StorageError::NoBucket { .. }), "{error}");
    suite(Arc::new(storage.clone())).await;
    millrace_storage::answers(&storage, BUCKET).await.expect("an answer");
    of_several_writers_one_replaces_a_marker(&storage).await;
}

#[tokio::test]
async fn a_refusal_is_an_answer_and_silence_is_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = Config::new(folder.path());
    config.bind.set_port(0);
    let server = Server::start(config).await.expect("an endpoint");
    let storage = S3Storage::new(&sdk(server.url()).await);
    millrace_storage::answers(&storage, "nowhere").await.expect("no such bucket is an answer");
    server.stop().await;
    let error = millrace_storage::answers(&storage, "nowhere").await.expect_err("down");
    assert_eq!(error.class(), FailureClass::Outage, "{error}");
}

/// A store whose bodies break after a few bytes, a number of times.
struct Cut {
    inner: MemoryStorage,
    cuts: AtomicU32,
}

#[async_trait]
impl Storage for Cut {
    async fn get(
        &self,
        object: &ObjectRef,
        from: u64,
        length: Option<u64>,
    ) -> Result<Download, StorageError> {
        let download = self.inner.get(object, from, length).await?;
        let left = self
            .cuts
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |cuts| cuts.checked_sub(1));
        if left.is_err() {
            return Ok(download);
        }
        let first = download.body.take(1).map(|chunk| chunk.map(|bytes| bytes.slice(..10)));
        let broken = StorageError::Failed { url: object.url(), detail: "cut".into() };
        Ok(Download { body: first.chain(stream::iter([Err(broken)])).boxed(), ..download })
    }

    async fn put(&self, bucket: &str, key: &str, body: Bytes) -> Result<Stored, StorageError> {
        self.inner.put(bucket, key, body).await
    }

    async fn put_new(&self, bucket: &str, key: &str, body: Bytes) -> Result<Stored, StorageError> {
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

#[tokio::test(start_paused = true)]
async fn a_reader_goes_on_where_the_connection_was_cut() {
    let storage = Cut { inner: MemoryStorage::new(), cuts: AtomicU32::new(9) };
    let bytes = pattern(1000);
    storage.put(BUCKET, "k", Bytes::from(bytes.clone())).await.expect("put");
    let read = read(Arc::new(storage), ObjectRef::latest(BUCKET, "k")).await;
    assert!(read.expect("read over nine cuts") == bytes);
}

#[tokio::test]
async fn a_reader_never_mixes_two_versions() {
    let storage = Arc::new(Cut { inner: MemoryStorage::new(), cuts: AtomicU32::new(1) });
    storage.put(BUCKET, "k", Bytes::from(pattern(1000))).await.expect("put");
    let shared: Arc<dyn Storage> = Arc::<Cut>::clone(&storage);
    let mut reader =
        ObjectReader::open(shared, ObjectRef::latest(BUCKET, "k")).await.expect("opened");
    assert_eq!(reader.next().await.expect("a chunk").expect("bytes").len(), 10);
    storage.put(BUCKET, "k", Bytes::from(pattern(2000))).await.expect("overwritten");
    let error = reader.next().await.expect_err("another version");
    assert!(matches!(error, StorageError::Changed { .. }), "{error}");
}

/// Answers a GET by half of `helloworld` and then no more, keeping the connection;
/// a GET of the rest by the rest. Gives back the ranges it was asked for.
async fn half_a_body(listener: TcpListener) -> Vec<bool> {
    let (mut asked, mut open) = (Vec::new(), Vec::new());
    while asked.len() < 2 {
        let (mut connection, _) = listener.accept().await.expect("a connection");
        let mut request = Vec::new();
        while !request.windows(4).any(|end| end == b"\r\n\r\n") {
            assert!(connection.read_buf(&mut request).await.expect("bytes") > 0);
        }
        let rest = String::from_utf8_lossy(&request).contains("bytes=5-");
        asked.push(rest);
        let answer: &[u8] = match rest {
            false => b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: \"e\"\r\n\r\nhello",
            true => {
                b"HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\n\
                  Content-Range: bytes 5-9/10\r\nETag: \"e\"\r\n\r\nworld"
            }
        };
        connection.write_all(answer).await.expect("sent");
        open.push(connection);
    }
    asked
}

#[tokio::test]
async fn a_body_that_stalls_is_read_on_over_another_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let server = tokio::spawn(half_a_body(listener));
    let storage = S3Storage::new(&sdk(url).await).stalled_after(Duration::from_millis(300));
    let object = ObjectRef::latest(BUCKET, "k");
    let read = tokio::time::timeout(Duration::from_secs(30), read(Arc::new(storage), object));
    assert_eq!(read.await.expect("in time").expect("bytes"), b"helloworld");
    assert_eq!(server.await.expect("served"), [false, true]);
}
