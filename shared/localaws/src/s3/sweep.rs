//! Does what lifecycle rules ask for, as the clock passes midnight.

use std::sync::Arc;

use super::bucket::{Bucket, Decision};
use super::clock::Sequence;
use super::event::{Event, What};
use super::index::Index;
use super::lifecycle::{Action, DAY, Rules};
use super::object::{Version, VersionId};
use super::ops::{lock, new_version};
use super::record::Record;
use super::settings::Versioning;
use super::store::Store;
use super::wire::RequestId;
use crate::clock::{Clock, Millis};

/// Sweeps now, at every midnight, and when rules have changed.
pub(super) async fn run(store: Arc<Store>, clock: Clock) {
    loop {
        sweep(&store).await;
        let midnight = (clock.now() / DAY + 1) * DAY;
        tokio::select! {
            () = clock.wait_until(midnight) => {}
            () = store.rules_changed.notified() => {}
        }
    }
}

async fn sweep(store: &Arc<Store>) {
    let now = store.sequence.now();
    for bucket in store.buckets() {
        let actions = bucket.read(|index| {
            let rules = Rules::of(&index.settings.documents);
            rules.map(|rules| rules.actions(index, now)).unwrap_or_default()
        });
        for action in actions {
            act(store, &bucket, action).await;
        }
    }
}

async fn act(store: &Arc<Store>, bucket: &Arc<Bucket>, action: Action) {
    let id = RequestId::random();
    let done = match action {
        Action::Abort(upload) => bucket.commit(|index, _| {
            let known = index.uploads.contains_key(&upload);
            Ok((known.then_some(Record::Abort { upload }), ()))
        }),
        Action::Expire(key, sequencer) => {
            let ended = key.clone();
            let decide = move |index: &Index, sequence: &Sequence| {
                Ok(expire(index, sequence, ended, sequencer))
            };
            store.change(bucket, &key, &id, decide).await
        }
        Action::Remove(key, version) => {
            let removed = key.clone();
            let decide = move |index: &Index, sequence: &Sequence| {
                let found = index.version(&removed, version);
                let change = found.filter(|found| is_free(found, sequence.now()));
                let change = change.map(|_| Change::Remove(version));
                Ok(decision(index, sequence, removed, change))
            };
            store.change(bucket, &key, &id, decide).await
        }
    };
    if let Err(error) = done {
        tracing::warn!(%error, bucket = &*bucket.name, "a lifecycle rule could not be followed");
    }
}

/// Whether no lock keeps a version; a rule does not override one.
fn is_free(version: &Version, now: Millis) -> bool {
    let object = version.object.as_ref();
    object.is_none_or(|object| lock::check_removal(&object.headers, now, false).is_ok())
}

enum Change {
    Mark,
    Remove(VersionId),
}

/// Ends the current version, if it still is the one that was looked at.
fn expire(index: &Index, sequence: &Sequence, key: Box<str>, sequencer: u64) -> Decision<()> {
    let current = index.current(&key).filter(|current| current.sequencer == sequencer);
    let change = current.map(|current| match index.settings.versioning {
        Versioning::Unversioned => Change::Remove(current.id),
        Versioning::Enabled | Versioning::Suspended => Change::Mark,
    });
    decision(index, sequence, key, change)
}

fn decision(
    index: &Index,
    sequence: &Sequence,
    key: Box<str>,
    change: Option<Change>,
) -> Decision<()> {
    let (record, event) = match change {
        None => (None, None),
        Some(Change::Remove(version)) => {
            let sequencer = sequence.next();
            let event = Event::removed(What::Expired, &key, version, sequencer, sequence.now());
            let record = Record::Remove { key, version, sequencer, event: None, expired: true };
            (Some(record), Some(event))
        }
        Some(Change::Mark) => {
            let version = new_version(index, sequence, None);
            let event = Event::written(What::ExpiryMarkerCreated, &key, &version);
            (Some(Record::Put { key, version, upload: None, event: None }), Some(event))
        }
    };
    Decision { record, event, answer: () }
}
