//! What nobody's message asks for: batches that were committed by a worker that
//! died and whose messages nobody delivers again, messages that need not be
//! remembered, staged batches that nobody committed.

use std::sync::{Arc, Weak};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use millrace_contract::Stream;
use millrace_ledger::{BatchFilter, BatchState};

use crate::publish::Staged;
use crate::{Collector, NotCollected};

/// Between two looks for batches to publish.
const EVERY: Duration = Duration::from_secs(60);

/// Looks between two times that the stage is tidied.
const TIDY_EVERY: u32 = 60;

/// A batch is published by whoever committed it, unless that takes so long.
const OVERDUE: TimeDelta = TimeDelta::seconds(60);

/// Batches of one look.
const MOST: u32 = 100;

/// A staged batch that is so old is nobody's who could still commit it: SQS leaves
/// a message to one reader for twelve hours at most.
const ABANDONED: TimeDelta = TimeDelta::hours(24);

impl Collector {
    /// Looks after batches as long as the collector is there. No message waits for
    /// it, and no failure ends it.
    pub fn look_after(self: &Arc<Self>) {
        let collector = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut looks: u32 = 0;
            while let Some(there) = Weak::upgrade(&collector) {
                there.look(looks.is_multiple_of(TIDY_EVERY)).await;
                drop(there);
                looks = looks.wrapping_add(1);
                tokio::time::sleep(EVERY).await;
            }
        });
    }

    async fn look(&self, is_tidied: bool) {
        match self.publish_overdue(Utc::now() - OVERDUE).await {
            Ok(0) => {}
            Ok(batches) => tracing::info!(batches, "published what others had left"),
            Err(why) => tracing::warn!(?why, "batches that others left are published later"),
        }
        if is_tidied && let Err(why) = self.tidy(Utc::now()).await {
            tracing::warn!(?why, "the stage is tidied later");
        }
    }

    /// Publishes the batches that were committed before a moment; answers how many
    /// these were.
    ///
    /// # Errors
    /// [`NotCollected`]: why one of them could not be published.
    pub async fn publish_overdue(&self, before: DateTime<Utc>) -> Result<u64, NotCollected> {
        let state = Some(BatchState::Committed);
        let filter = BatchFilter { state, before: Some(before), limit: Some(MOST), stream: None };
        let mut published = 0;
        for batch in self.ledger.batches(&filter).await? {
            self.ensure_published(&batch.id).await?;
            published += 1;
        }
        Ok(published)
    }

    /// Forgets messages whose time has come, and removes what was staged and not
    /// committed, or not taken away.
    ///
    /// # Errors
    /// [`NotCollected`]: what kept it from being tidied.
    pub async fn tidy(&self, now: DateTime<Utc>) -> Result<(), NotCollected> {
        let messages = self.ledger.forget_collected(now).await?;
        if messages > 0 {
            tracing::info!(messages, "forgot messages that were collected long ago");
        }
        for stream in self.streams() {
            self.tidy_staged(stream, now - ABANDONED).await?;
        }
        Ok(())
    }

    async fn tidy_staged(
        &self,
        stream: &Stream,
        before: DateTime<Utc>,
    ) -> Result<(), NotCollected> {
        let prefix = stream.staged_prefix();
        let mut page = None;
        loop {
            let listing = self.storage.list(&stream.staging, &prefix, page).await?;
            for (key, _) in listing.objects {
                let Some((staged_at, id)) = staged(&key, &prefix) else { continue };
                let is_old = staged_at < before;
                if is_old && !self.is_to_be_published(id).await? {
                    let id = id.to_owned();
                    let (bucket, staged_bucket) = (String::new(), stream.staging.clone());
                    let place =
                        Staged { id, bucket, key: String::new(), staged_bucket, staged_key: key };
                    self.remove_staged(&place).await;
                }
            }
            page = listing.next;
            if page.is_none() {
                return Ok(());
            }
        }
    }

    async fn is_to_be_published(&self, id: &str) -> Result<bool, NotCollected> {
        let found = self.ledger.batches_named(&[id]).await?.pop();
        Ok(found.is_some_and(|batch| batch.state == BatchState::Committed))
    }
}

/// When a batch was staged, and its name.
fn staged<'k>(key: &'k str, prefix: &str) -> Option<(DateTime<Utc>, &'k str)> {
    let (moment, id) = key.strip_prefix(prefix)?.split_once('-')?;
    Some((DateTime::from_timestamp_micros(moment.parse().ok()?)?, id))
}
