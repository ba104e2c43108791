//! The lake's objects page by page: those that nothing keeps, that are old and that
//! are named as ours are removed.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use millrace_contract::{FileId, JoinedId};
use millrace_storage::ListedObject;

use super::Retirement;
use super::filter::KeptKeys;
use super::names::{Owner, owner, rejects_of};
use crate::reconcile::stored_at;
use crate::{Permit, UpkeepError};

/// Objects that are removed at a time.
const AT_ONCE: usize = 16;

/// How many objects, and their bytes.
type Removed = (u64, u64);

impl Retirement {
    /// Removes a dataset's objects that no file has needed since `cut`.
    pub(super) async fn sweep_lake(
        &self,
        dataset: &str,
        cut: DateTime<Utc>,
        permit: Permit<'_>,
    ) -> Result<Removed, UpkeepError> {
        let kept = self.kept(dataset, cut).await?;
        // Derived datasets have none but what their runs wrote.
        let ended = self.site.ledger.ended_derivations(dataset).await?;
        let ended: HashSet<FileId> = ended.into_iter().collect();
        let prefix = format!("{dataset}/");
        let (mut after, mut removed) = (String::new(), (0, 0));
        loop {
            let listed = self.list(&prefix, &after).await?;
            let Some(last) = listed.last() else { return Ok(removed) };
            after.clone_from(&last.key);
            let old = |object: &ListedObject| stored_at(object.modified) < cut;
            let unneeded = listed.into_iter().filter(old).filter(|one| !kept.may_have(&one.key));
            let found: Vec<_> = unneeded.filter_map(|one| Some((owner(&one.key)?, one))).collect();
            let going = self.may_go(found, &ended, cut).await?;
            if !self.dry_run {
                permit.check()?;
                let files: Vec<FileId> =
                    going.iter().filter_map(|(owner, _)| file(owner)).collect();
                self.site.ledger.mark_removed(&files, cut).await?;
            }
            let going = going.into_iter().map(|(_, object)| object).collect();
            add(&mut removed, self.remove(going).await?);
        }
    }

    /// Removes a dataset's rejected rows that were stored before `before`.
    pub(super) async fn sweep_rejects(
        &self,
        dataset: &str,
        before: DateTime<Utc>,
        permit: Permit<'_>,
    ) -> Result<Removed, UpkeepError> {
        let prefix = format!("_rejects/{dataset}/");
        let (mut after, mut removed) = (String::new(), (0, 0));
        loop {
            let listed = self.list(&prefix, &after).await?;
            let Some(last) = listed.last() else { return Ok(removed) };
            after.clone_from(&last.key);
            let old = listed.into_iter().filter(|object| stored_at(object.modified) < before);
            let found = old.filter_map(|object| Some((rejects_of(&object.key)?, object)));
            let (files, going): (Vec<FileId>, Vec<ListedObject>) = found.unzip();
            if !self.dry_run {
                permit.check()?;
                self.site.ledger.forget_rejects(&files).await?;
            }
            add(&mut removed, self.remove(going).await?);
        }
    }

    async fn list(&self, prefix: &str, after: &str) -> Result<Vec<ListedObject>, UpkeepError> {
        let lake = &self.site.pipeline.lake.curated;
        Ok(self.site.storage.list_after(lake, prefix, after).await?)
    }

    /// The objects that a dataset's files need, or needed after `cut`.
    async fn kept(&self, dataset: &str, cut: DateTime<Utc>) -> Result<KeptKeys, UpkeepError> {
        let (mut kept, mut after) = (KeptKeys::new(), None);
        loop {
            let (keys, next) = self.site.ledger.kept_objects(dataset, cut, after).await?;
            keys.iter().for_each(|key| kept.insert(key));
            match next {
                Some(_) => after = next,
                None => return Ok(kept),
            }
        }
    }

    /// Of objects that nothing keeps, those that may go: of files that are on record
    /// and not being transformed, of runs that have ended, and joined ones that were
    /// left long ago.
    async fn may_go(
        &self,
        found: Vec<(Owner, ListedObject)>,
        ended: &HashSet<FileId>,
        cut: DateTime<Utc>,
    ) -> Result<Vec<(Owner, ListedObject)>, UpkeepError> {
        let files: Vec<FileId> = found.iter().filter_map(|(owner, _)| file(owner)).collect();
        let joined: Vec<JoinedId> = found.iter().filter_map(|(owner, _)| joined(owner)).collect();
        let ledger = &self.site.ledger;
        let settled: HashSet<FileId> = ledger.settled_files(&files).await?.into_iter().collect();
        let left: HashSet<JoinedId> =
            ledger.left_objects(&joined, cut).await?.into_iter().collect();
        let may_go = |owner: &Owner| match owner {
            Owner::File(id) => settled.contains(id) || ended.contains(id),
            Owner::Joined(id) => left.contains(id),
        };
        Ok(found.into_iter().filter(|(owner, _)| may_go(owner)).collect())
    }

    async fn remove(&self, objects: Vec<ListedObject>) -> Result<Removed, UpkeepError> {
        let total = (objects.len() as u64, objects.iter().map(|object| object.size).sum());
        if self.dry_run {
            return Ok(total);
        }
        let lake = &self.site.pipeline.lake.curated;
        stream::iter(objects)
            .map(|object| async move { self.site.storage.delete(lake, &object.key).await })
            .buffer_unordered(AT_ONCE)
            .try_collect::<Vec<()>>()
            .await?;
        Ok(total)
    }
}

fn add(sum: &mut Removed, more: Removed) {
    *sum = (sum.0 + more.0, sum.1 + more.1);
}

fn file(owner: &Owner) -> Option<FileId> {
    match owner {
        Owner::File(id) => Some(id.clone()),
        Owner::Joined(_) => None,
    }
}

fn joined(owner: &Owner) -> Option<JoinedId> {
    match owner {
        Owner::File(_) => None,
        Owner::Joined(id) => Some(id.clone()),
    }
}
