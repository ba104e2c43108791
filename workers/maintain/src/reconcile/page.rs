//! One page of the bucket's listing, held against what the ledger knows of its keys.
//!
//! Both are in the order of keys, so that however many there are, a page of each is
//! in memory. A key is known if its newest version in the ledger has the content that
//! the listing shows. What is not known is asked for by itself, since a newer version
//! may have been put and registered after the page was listed: what is still the
//! newest then, and was stored long enough ago, was lost.

use std::collections::HashMap;

use chrono::Utc;
use futures::{StreamExt, TryStreamExt, stream};
use millrace_contract::{ObjectVersion, Sequencer};
use millrace_ledger::{FileState, KnownVersion};
use millrace_storage::ListedObject;

use super::{Lost, Reconciler, stored_at};
use crate::UpkeepError;

/// Objects that are asked for at a time.
const AT_ONCE: usize = 16;

/// What a page of a listing came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Objects that were listed.
    pub listed: u64,
    /// Objects that no dataset takes.
    pub unrouted: u64,
    /// Objects that are not in the ledger and may still be on their way.
    pub young: u64,
    /// Objects whose newest version is in the ledger.
    pub known: u64,
    /// Objects that are not.
    pub lost: Vec<Lost>,
    /// The last key that was listed; none at the end.
    pub last: Option<String>,
}

/// Of every key and dataset the content of the newest version, of those that no other
/// was found to be newer than.
type Newest = HashMap<(String, String), String>;

impl Reconciler {
    /// Looks at the objects whose keys begin with `prefix` and are greater than
    /// `after`, up to a thousand.
    ///
    /// # Errors
    /// [`UpkeepError`] of the bucket or the ledger.
    pub async fn page(&self, prefix: &str, after: &str) -> Result<Page, UpkeepError> {
        let raw = &self.site.pipeline.lake.raw;
        let listed = self.site.storage.list_after(raw, prefix, after).await?;
        let mut page = Page { listed: listed.len() as u64, ..Page::default() };
        let (Some(first), Some(last)) = (listed.first(), listed.last()) else { return Ok(page) };
        let newest = self.newest_versions(&first.key, &last.key).await?;
        page.last = Some(last.key.clone());
        let mut unknown = Vec::new();
        for object in listed {
            let datasets = self.datasets(&object);
            let missing: Vec<String> =
                datasets.iter().filter(|name| !is_known(&newest, &object, name)).cloned().collect();
            if datasets.is_empty() {
                page.unrouted += 1;
            } else if missing.is_empty() {
                page.known += 1;
            } else if stored_at(object.modified) > self.old() {
                page.young += 1;
            } else {
                unknown.push((object, missing));
            }
        }
        self.ask(unknown, &mut page).await?;
        Ok(page)
    }

    /// The datasets that take an object, of those that are looked at. A folder's
    /// marker is no file.
    fn datasets(&self, object: &ListedObject) -> Vec<String> {
        if object.key.ends_with('/') && object.size == 0 {
            return Vec::new();
        }
        let pipeline = &self.site.pipeline;
        let routes = pipeline.routes(&pipeline.lake.raw, &object.key).into_iter();
        let names = routes.map(|route| route.dataset.name.clone());
        names.filter(|name| self.dataset.as_ref().is_none_or(|only| only == name)).collect()
    }

    async fn newest_versions(&self, from: &str, to: &str) -> Result<Newest, UpkeepError> {
        let mut newest = Newest::new();
        let mut last: Option<KnownVersion> = None;
        loop {
            let raw = &self.site.pipeline.lake.raw;
            let page = self.site.ledger.known_versions(raw, (from, to), last.as_ref()).await?;
            let (known, more) = page;
            last = known.last().cloned();
            for version in known {
                // They come in the order of registration, and of those that are not
                // superseded the last is the newest.
                if version.state != FileState::Superseded {
                    newest.insert((version.key, version.dataset), version.etag);
                }
            }
            if !more {
                return Ok(newest);
            }
        }
    }

    /// Asks for objects that are not known one by one.
    async fn ask(
        &self,
        unknown: Vec<(ListedObject, Vec<String>)>,
        page: &mut Page,
    ) -> Result<(), UpkeepError> {
        let asked = stream::iter(unknown).map(|(object, missing)| self.look(object, missing));
        let mut answers = asked.buffered(AT_ONCE);
        while let Some(standing) = answers.try_next().await? {
            match standing {
                Standing::Lost(lost) => page.lost.push(*lost),
                Standing::Young => page.young += 1,
                Standing::Known => page.known += 1,
            }
        }
        Ok(())
    }

    async fn look(
        &self,
        listed: ListedObject,
        missing: Vec<String>,
    ) -> Result<Standing, UpkeepError> {
        let raw = &self.site.pipeline.lake.raw;
        // Before it is asked: what is put while the answer comes is newer.
        let seen_at = Utc::now();
        let Some(newest) = self.site.storage.newest(raw, &listed.key).await? else {
            return Ok(Standing::Young);
        };
        let modified = stored_at(newest.object.modified);
        if newest.object.etag != listed.etag || modified > self.old() {
            // Overwritten since: its own event tells of it.
            return Ok(Standing::Young);
        }
        let version_id = newest.version_id;
        let mut datasets = Vec::with_capacity(missing.len());
        for dataset in missing {
            if !self.has_version(&listed.key, &dataset, version_id.as_deref()).await? {
                datasets.push(dataset);
            }
        }
        if datasets.is_empty() {
            return Ok(Standing::Known);
        }
        let object = ObjectVersion {
            bucket: raw.clone(),
            key: listed.key,
            version_id,
            etag: newest.object.etag,
            sequencer: Some(Sequencer::found(seen_at)),
            size: Some(newest.object.size),
        };
        Ok(Standing::Lost(Box::new(Lost { object, datasets, modified })))
    }

    /// Whether a version of a key is registered by its id, as one that is the newest
    /// again since those behind it were deleted.
    async fn has_version(
        &self,
        key: &str,
        dataset: &str,
        version_id: Option<&str>,
    ) -> Result<bool, UpkeepError> {
        let Some(version_id) = version_id else { return Ok(false) };
        let mut last: Option<KnownVersion> = None;
        loop {
            let raw = &self.site.pipeline.lake.raw;
            let page = self.site.ledger.known_versions(raw, (key, key), last.as_ref()).await?;
            let (known, more) = page;
            let is_it = |version: &KnownVersion| {
                version.dataset == dataset && version.version_id.as_deref() == Some(version_id)
            };
            if known.iter().any(is_it) {
                return Ok(true);
            }
            if !more {
                return Ok(false);
            }
            last = known.last().cloned();
        }
    }
}

/// What an object turned out to be.
enum Standing {
    Lost(Box<Lost>),
    Young,
    Known,
}

/// Whether the ledger knows the content that a key has. An event without an ETag told
/// of whatever is there.
fn is_known(newest: &Newest, object: &ListedObject, dataset: &str) -> bool {
    let known = newest.get(&(object.key.clone(), dataset.to_owned()));
    known.is_some_and(|etag| etag.is_empty() || *etag == object.etag)
}
