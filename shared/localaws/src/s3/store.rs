//! The whole store: its buckets, its content files, and how a change is
//! committed and then announced.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use s3s::{S3Result, s3_error};
use tokio::sync::Notify;

use super::blob::{BlobTable, Blobs};
use super::bucket::{Bucket, Decision};
use super::bus;
use super::clock::Sequence;
use super::error;
use super::event::{Event, Origin};
use super::index::Index;
use super::message;
use super::notification::Recipients;
use super::settings::Settings;
use super::wire::RequestId;
use crate::clock::Clock;
use crate::sink::{EventSink, Parcel};

/// Everything the operations work on.
pub(super) struct Store {
    /// Region of every bucket.
    pub(super) region: String,
    /// Account that owns every bucket.
    pub(super) account: String,
    /// Content files.
    pub(super) blobs: Blobs,
    /// Sequencers and file names.
    pub(super) sequence: Arc<Sequence>,
    /// Where events go.
    pub(super) sink: Arc<dyn EventSink>,
    /// Told when lifecycle rules have changed.
    pub(super) rules_changed: Notify,
    journals: PathBuf,
    buckets: RwLock<BTreeMap<String, Arc<Bucket>>>,
}

impl Store {
    /// Opens the store in `dir`, creating it if there is none.
    pub(super) fn open(
        dir: &Path,
        region: &str,
        account: &str,
        clock: Clock,
        sink: Arc<dyn EventSink>,
    ) -> io::Result<Self> {
        let journals = dir.join("buckets");
        fs::create_dir_all(&journals)?;
        let blobs = Blobs::open(dir.join("content"))?;
        let sequence = Arc::new(Sequence::new(clock));
        let mut table = BlobTable::new(&blobs);
        let buckets = open_buckets(&journals, &sequence, &mut table)?;
        let orphans = blobs.sweep(&table)?;
        if orphans > 0 {
            tracing::info!(orphans, "removed content files of uploads that never finished");
        }
        Ok(Self {
            region: region.to_owned(),
            account: account.to_owned(),
            blobs,
            sequence,
            sink,
            rules_changed: Notify::new(),
            journals,
            buckets: RwLock::new(buckets),
        })
    }

    /// The bucket of this name.
    ///
    /// # Errors
    /// `NoSuchBucket`.
    pub(super) fn bucket(&self, name: &str) -> S3Result<Arc<Bucket>> {
        let buckets = self.buckets.read().unwrap_or_else(PoisonError::into_inner);
        buckets.get(name).cloned().ok_or_else(|| error::no_such_bucket(name))
    }

    /// Every bucket, by name.
    pub(super) fn buckets(&self) -> Vec<Arc<Bucket>> {
        let buckets = self.buckets.read().unwrap_or_else(PoisonError::into_inner);
        buckets.values().cloned().collect()
    }

    /// Creates a bucket; whether there was none of this name.
    ///
    /// # Errors
    /// If it can't be written down.
    pub(super) fn create_bucket(&self, name: &str, settings: Settings) -> S3Result<bool> {
        let mut buckets = self.buckets.write().unwrap_or_else(PoisonError::into_inner);
        if buckets.contains_key(name) {
            return Ok(false);
        }
        let bucket = Bucket::create(&self.journals, name, settings, &self.sequence);
        buckets.insert(name.to_owned(), Arc::new(bucket.map_err(error::storage)?));
        Ok(true)
    }

    /// Deletes an empty bucket.
    pub(super) fn delete_bucket(&self, name: &str) -> S3Result<()> {
        let mut buckets = self.buckets.write().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.get(name).ok_or_else(|| error::no_such_bucket(name))?;
        bucket.delete(|index| match index.objects.is_empty() {
            true => Ok(()),
            false => Err(s3_error!(
                BucketNotEmpty,
                "The bucket you tried to delete is not empty. You must delete all versions in \
                 the bucket."
            )),
        })?;
        buckets.remove(name);
        Ok(())
    }

    /// Changes the object under `key`, and announces the change before this
    /// returns. Events of one key are delivered in the order of its changes.
    ///
    /// Runs to its end even if the caller goes away: a committed change whose
    /// event is lost would never be processed.
    ///
    /// # Errors
    /// What `decide` refuses, or the change can't be stored.
    pub(super) async fn change<T: Send + 'static>(
        self: &Arc<Self>,
        bucket: &Arc<Bucket>,
        key: &str,
        request: &RequestId,
        decide: impl FnOnce(&Index, &Sequence) -> S3Result<Decision<T>> + Send + 'static,
    ) -> S3Result<T> {
        let store = Arc::clone(self);
        let bucket = Arc::clone(bucket);
        let key = key.to_owned();
        let origin = self.origin(&bucket.name, request);
        let changed = tokio::spawn(async move {
            let _lane = bucket.lane(&key).await;
            let (announcement, answer) = bucket.commit_event(decide)?;
            if let Some((event, recipients)) = announcement {
                store.announce(&event, &origin, &recipients).await;
                bucket.delivered(&event);
            }
            Ok(answer)
        });
        changed.await.map_err(error::interrupted)?
    }

    /// Delivers the events that were committed and not delivered when the
    /// process before this one ended.
    pub(super) async fn catch_up(&self) {
        for bucket in self.buckets() {
            for (event, recipients) in bucket.undelivered() {
                let origin = self.origin(&bucket.name, &RequestId::random());
                if let Some(recipients) = recipients {
                    self.announce(&event, &origin, &recipients).await;
                }
                bucket.delivered(&event);
            }
        }
    }

    async fn announce(&self, event: &Event, origin: &Origin, to: &Recipients) {
        let what = event.what.name();
        for rule in &to.rules {
            let parcel = parcel(message::message(event, origin, rule));
            if let Err(error) = self.sink.deliver(&rule.arn, parcel).await {
                tracing::warn!(%error, event = what, bucket = origin.bucket, "event not delivered");
            }
        }
        if to.event_bridge
            && let Err(error) = self.sink.put_event(bus::event(event, origin)).await
        {
            tracing::warn!(%error, event = what, bucket = origin.bucket, "bus not told");
        }
    }

    /// Where events of this request come from.
    pub(super) fn origin(&self, bucket: &str, request: &RequestId) -> Origin {
        Origin {
            region: self.region.clone(),
            account: self.account.clone(),
            bucket: bucket.to_owned(),
            request_id: request.to_string(),
            host_id: request.host_id(),
        }
    }
}

/// An event's message, with the subject it has where it goes to a topic.
pub(super) fn parcel(body: String) -> Parcel {
    Parcel { subject: Some("Amazon S3 Notification".to_owned()), ..Parcel::plain(body) }
}

fn open_buckets(
    journals: &Path,
    sequence: &Arc<Sequence>,
    table: &mut BlobTable,
) -> io::Result<BTreeMap<String, Arc<Bucket>>> {
    let mut buckets = BTreeMap::new();
    for entry in fs::read_dir(journals)? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("journal") => {
                if let Some(bucket) = Bucket::open(journals, &name, sequence, table)? {
                    buckets.insert(name, Arc::new(bucket));
                }
            }
            // A compaction that did not get to its end.
            Some("new") => fs::remove_file(&path)?,
            Some(_) | None => {}
        }
    }
    Ok(buckets)
}

#[cfg(test)]
mod tests;
