//! A batch on its way: staged, committed, published, and every message answered.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use millrace_contract::Stream;
use millrace_failpoint::{Point, reach};
use millrace_ledger::{Batch, Recorded};

use crate::collector::STAGE;
use crate::encode::{Head, encode};
use crate::entry::{Entry, Message};
use crate::gather::{Full, Group};
use crate::publish::Staged;
use crate::read::digest;
use crate::{Collected, Collector, NotCollected};

/// Digits of a batch's name: half of a SHA-256.
const NAME_DIGITS: usize = 32;

/// Writes a batch and answers each of its messages. Whoever was collected before
/// is left out.
pub(crate) async fn write(collector: Arc<Collector>, full: Full) {
    let Full { group, opened_at, entries } = full;
    let _turn = collector.writes.acquire().await;
    let mut left = entries;
    let mut is_known = left.iter().any(|entry| entry.is_again);
    loop {
        left = held(left);
        if is_known {
            left = match collector.answer_known(left).await {
                Some(left) => left,
                None => return,
            };
        }
        if left.is_empty() {
            return;
        }
        let (batch, twins) = apart(left);
        match collector.attempt(&group, opened_at, &batch).await {
            Ok(Attempt::Made(id)) => {
                batch.into_iter().for_each(|entry| entry.answer(Ok(Collected::Now(id.clone()))));
                left = twins;
            }
            Ok(Attempt::Met | Attempt::Lost) => left = batch.into_iter().chain(twins).collect(),
            Err(why) => {
                let all = batch.into_iter().chain(twins);
                return all.for_each(|entry| entry.answer(Err(why.clone())));
            }
        }
        is_known = true;
    }
}

/// How an attempt ended.
enum Attempt {
    /// The batch of this name is there.
    Made(String),
    /// Some of the messages are another batch's; nothing was changed.
    Met,
    /// Some of the messages may be others' by now; nothing was changed.
    Lost,
}

/// Those whose submitters wait and still have the right to them. The others are
/// told.
fn held(entries: Vec<Entry>) -> Vec<Entry> {
    let (held, lost): (Vec<_>, Vec<_>) = entries.into_iter().partition(Entry::is_held);
    lost.into_iter().for_each(|entry| entry.answer(Err(NotCollected::Lost)));
    held
}

/// Those that share no name with one before them, and the rest.
fn apart(entries: Vec<Entry>) -> (Vec<Entry>, Vec<Entry>) {
    let mut seen: HashSet<String> = HashSet::new();
    entries.into_iter().partition(|entry| {
        let names = &entry.message.names;
        let is_first = !names.iter().any(|name| seen.contains(name));
        if is_first {
            seen.extend(names.iter().cloned());
        }
        is_first
    })
}

impl Collector {
    async fn attempt(
        &self,
        group: &Group,
        opened_at: DateTime<Utc>,
        entries: &[Entry],
    ) -> Result<Attempt, NotCollected> {
        reach(STAGE, Point::Began);
        let closed_at = Utc::now();
        let messages: Vec<_> = entries.iter().map(|entry| Arc::clone(&entry.message)).collect();
        let stream = &group.stream;
        let id = name(stream, closed_at, &messages);
        let key = stream.key(&id, closed_at, &group.fields).map_err(NotCollected::poison)?;
        let bytes = self.encoded(stream, &id, [opened_at, closed_at], &messages).await?;
        let staged = Staged {
            id: id.clone(),
            bucket: stream.bucket.clone(),
            key,
            staged_bucket: stream.staging.clone(),
            staged_key: format!("{}{}-{id}", stream.staged_prefix(), closed_at.timestamp_micros()),
        };
        self.storage.put(&staged.staged_bucket, &staged.staged_key, bytes.clone()).await?;
        reach(STAGE, Point::AfterRows);
        if !entries.iter().all(Entry::is_held) {
            self.remove_staged(&staged).await;
            return Ok(Attempt::Lost);
        }
        reach(STAGE, Point::BeforeCommit);
        match self.commit(stream, &staged, &messages, opened_at, bytes.len()).await? {
            Recorded::Met(_) => {
                self.remove_staged(&staged).await;
                Ok(Attempt::Met)
            }
            Recorded::Committed => {
                reach(STAGE, Point::AfterCommit);
                self.publish(&staged, bytes).await?;
                let (stream, messages) = (&stream.name, messages.len());
                tracing::info!(stream, messages, object.key = staged.key, "batch published");
                Ok(Attempt::Made(id))
            }
        }
    }

    async fn encoded(
        &self,
        stream: &Arc<Stream>,
        id: &str,
        [opened_at, closed_at]: [DateTime<Utc>; 2],
        messages: &[Arc<Message>],
    ) -> Result<Bytes, NotCollected> {
        let (pipeline, id) = (self.pipeline.clone(), id.to_owned());
        let (stream, messages) = (Arc::clone(stream), messages.to_vec());
        let encoding = tokio::task::spawn_blocking(move || {
            let (pipeline, batch) = (pipeline.as_str(), id.as_str());
            let head = Head { pipeline, stream: &stream, batch, opened_at, closed_at };
            encode(&head, &messages)
        });
        let encoded = match encoding.await {
            Ok(encoded) => encoded.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let failed = |why| NotCollected::contract(format!("a batch can't be encoded: {why}"));
        encoded.map(Bytes::from).map_err(failed)
    }

    async fn commit(
        &self,
        stream: &Stream,
        staged: &Staged,
        messages: &[Arc<Message>],
        opened_at: DateTime<Utc>,
        bytes: usize,
    ) -> Result<Recorded, NotCollected> {
        let names: Vec<&str> =
            messages.iter().flat_map(|message| &message.names).map(String::as_str).collect();
        let remember = TimeDelta::from_std(stream.remember).unwrap_or(TimeDelta::MAX);
        let batch = Batch {
            id: &staged.id,
            stream: &stream.name,
            bucket: &staged.bucket,
            key: &staged.key,
            staged_bucket: &staged.staged_bucket,
            staged_key: &staged.staged_key,
            names: &names,
            messages: messages.len() as u64,
            bytes: bytes as u64,
            opened_at,
            forget_at: Utc::now().checked_add_signed(remember).unwrap_or(DateTime::<Utc>::MAX_UTC),
        };
        Ok(self.ledger.commit_batch(&batch).await?)
    }

    /// Answers the messages that are a batch's already, once its object is there.
    /// Gives back the others; none if everybody was told that it can't be known.
    async fn answer_known(&self, entries: Vec<Entry>) -> Option<Vec<Entry>> {
        let names: Vec<&str> =
            entries.iter().flat_map(|entry| &entry.message.names).map(String::as_str).collect();
        let owners = match self.ledger.collected(&names).await {
            Ok(owners) => owners,
            Err(error) => {
                let why = NotCollected::from(error);
                entries.into_iter().for_each(|entry| entry.answer(Err(why.clone())));
                return None;
            }
        };
        let mut published: HashMap<String, Result<(), NotCollected>> = HashMap::new();
        for batch in owners.values() {
            if !published.contains_key(batch) {
                published.insert(batch.clone(), self.ensure_published(batch).await);
            }
        }
        let mut left = Vec::new();
        for entry in entries {
            match known(&entry.message, &owners) {
                None => left.push(entry),
                Some(found) => {
                    let (Collected::Now(batch)
                    | Collected::Before(batch)
                    | Collected::Duplicate(batch)) = &found;
                    let there = published.get(batch).cloned().unwrap_or(Ok(()));
                    entry.answer(there.map(|()| found));
                }
            }
        }
        Some(left)
    }
}

/// Whose a message is, if it is anybody's. Its own name comes before what makes it
/// the same as others.
fn known(message: &Message, owners: &BTreeMap<String, String>) -> Option<Collected> {
    let mut names = message.names.iter();
    let (name, batch) = names.find_map(|name| Some((name, owners.get(name)?)))?;
    Some(match name.starts_with("m:") {
        true => Collected::Before(batch.clone()),
        false => Collected::Duplicate(batch.clone()),
    })
}

/// The name of a batch: of these messages, closed at this moment.
fn name(stream: &Stream, closed_at: DateTime<Utc>, messages: &[Arc<Message>]) -> String {
    let moment = closed_at.timestamp_micros().to_string();
    let names = messages.iter().flat_map(|message| &message.names).map(String::as_str);
    let texts: Vec<&str> =
        [stream.name.as_str(), moment.as_str()].into_iter().chain(names).collect();
    let mut name = digest(&texts);
    name.truncate(NAME_DIGITS);
    name
}
