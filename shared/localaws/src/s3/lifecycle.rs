//! Lifecycle rules: whether they can be, and what they ask for at a given time.
//! What they ask for is done by `sweep`.

use s3s::dto::{
    BucketLifecycleConfiguration, ExpirationStatus, LifecycleExpiration, LifecycleRule,
    TimestampFormat,
};
use s3s::{S3Result, s3_error};

use super::document::{Documents, LIFECYCLE};
use super::error;
use super::event::encode_key;
use super::index::Index;
use super::object::{Object, Version, VersionId, millis, timestamp};
use super::record::Upload;
use crate::clock::Millis;

/// Milliseconds of a day. Lives end at midnight, UTC.
pub(super) const DAY: Millis = 24 * 60 * 60 * 1000;
const MAX_ID: usize = 255;

/// Checks the rules, and gives ids to those without.
///
/// # Errors
/// `InvalidArgument`, `InvalidRequest` or `MalformedXML`.
pub(super) fn check(rules: &mut BucketLifecycleConfiguration) -> S3Result<()> {
    let mut ids: Vec<String> = Vec::new();
    for rule in &mut rules.rules {
        let id = rule.id.take().filter(|id| !id.is_empty());
        let id = id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        if id.len() > MAX_ID {
            return Err(s3_error!(
                InvalidArgument,
                "ID length should not exceed allowed limit of {MAX_ID}"
            ));
        }
        if ids.contains(&id) {
            return Err(s3_error!(
                InvalidArgument,
                "Rule ID must be unique. Found same ID for more than one rule"
            ));
        }
        ids.push(id.clone());
        rule.id = Some(id);
        check_rule(rule)?;
    }
    Ok(())
}

fn check_rule(rule: &LifecycleRule) -> S3Result<()> {
    let known = [ExpirationStatus::ENABLED, ExpirationStatus::DISABLED];
    let scoped = rule.filter.is_some() != rule.prefix.is_some();
    if !known.contains(&rule.status.as_str()) || !scoped {
        return Err(error::malformed_xml());
    }
    let acts = rule.expiration.is_some()
        || rule.noncurrent_version_expiration.is_some()
        || rule.abort_incomplete_multipart_upload.is_some()
        || rule.transitions.as_ref().is_some_and(|list| !list.is_empty())
        || rule.noncurrent_version_transitions.as_ref().is_some_and(|list| !list.is_empty());
    if !acts {
        return Err(s3_error!(
            InvalidRequest,
            "At least one action needs to be specified in a rule"
        ));
    }
    if let Some(expiration) = &rule.expiration {
        check_expiration(expiration)?;
    }
    let noncurrent = rule.noncurrent_version_expiration.as_ref();
    let noncurrent = noncurrent.and_then(|expiration| expiration.noncurrent_days);
    positive("NoncurrentDays", "NoncurrentVersionExpiration", noncurrent)?;
    let abort = rule.abort_incomplete_multipart_upload.as_ref();
    let abort = abort.and_then(|abort| abort.days_after_initiation);
    positive("DaysAfterInitiation", "AbortIncompleteMultipartUpload", abort)
}

fn check_expiration(expiration: &LifecycleExpiration) -> S3Result<()> {
    let marker = expiration.expired_object_delete_marker;
    let given = [expiration.date.is_some(), expiration.days.is_some(), marker.is_some()];
    if given.iter().filter(|given| **given).count() != 1 {
        return Err(error::malformed_xml());
    }
    if let Some(date) = &expiration.date
        && !millis(date).is_multiple_of(DAY)
    {
        return Err(s3_error!(InvalidArgument, "'Date' must be at midnight GMT"));
    }
    positive("Days", "Expiration", expiration.days)
}

fn positive(name: &str, action: &str, days: Option<i32>) -> S3Result<()> {
    match days {
        Some(..=0) => Err(s3_error!(
            InvalidArgument,
            "'{name}' for {action} action must be a positive integer"
        )),
        Some(_) | None => Ok(()),
    }
}

/// When something of this age has lasted for `days`, rounded up to midnight.
fn due(since: Millis, days: i32) -> Millis {
    let days = Millis::try_from(days).unwrap_or(0);
    since.saturating_add(days.saturating_mul(DAY)).div_ceil(DAY).saturating_mul(DAY)
}

/// Something that rules ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// The current version of a key, which has this sequencer, is to end.
    Expire(Box<str>, u64),
    /// A version is to be removed for good.
    Remove(Box<str>, VersionId),
    /// An upload is to be given up.
    Abort(Box<str>),
}

/// The rules of a bucket that are enabled.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules(Vec<LifecycleRule>);

impl Rules {
    /// Those among a bucket's documents, if there are any.
    pub(super) fn of(documents: &Documents) -> Option<Self> {
        let rules: BucketLifecycleConfiguration = documents.read(LIFECYCLE)?;
        let enabled = |rule: &LifecycleRule| rule.status.as_str() == ExpirationStatus::ENABLED;
        let rules: Vec<_> = rules.rules.into_iter().filter(enabled).collect();
        (!rules.is_empty()).then_some(Self(rules))
    }

    /// What they ask for now.
    pub(super) fn actions(&self, index: &Index, now: Millis) -> Vec<Action> {
        let of_objects = index
            .objects
            .iter()
            .flat_map(|(key, versions)| self.of_key(key.as_str(), versions, now));
        let of_uploads = index.uploads.iter().filter(|(_, upload)| self.is_stale(upload, now));
        of_objects.chain(of_uploads.map(|(id, _)| Action::Abort(id.clone()))).collect()
    }

    fn of_key(&self, key: &str, versions: &[Version], now: Millis) -> Vec<Action> {
        let mut actions = Vec::new();
        let Some((current, older)) = versions.split_last() else { return actions };
        match &current.object {
            Some(object) => {
                let end = self.end(key, object, current.modified);
                if end.is_some_and(|(end, _)| end <= now) {
                    actions.push(Action::Expire(key.into(), current.sequencer));
                }
            }
            None if older.is_empty() && self.removes_marker(key, current, now) => {
                actions.push(Action::Remove(key.into(), current.id));
            }
            None => {}
        }
        for (at, version) in older.iter().enumerate() {
            // A version is noncurrent since the next one was written.
            let since = versions[at + 1].modified;
            let newer = older.len() - 1 - at;
            if self.removes_noncurrent(key, version, since, newer, now) {
                actions.push(Action::Remove(key.into(), version.id));
            }
        }
        actions
    }

    /// When an object's life ends, and the rule that ends it first.
    fn end(&self, key: &str, object: &Object, since: Millis) -> Option<(Millis, &LifecycleRule)> {
        let applicable = self.0.iter().filter(|rule| covers(rule, key, Some(object)));
        let ends = applicable.filter_map(|rule| {
            let expiration = rule.expiration.as_ref()?;
            let by_days = expiration.days.map(|days| due(since, days));
            Some((by_days.or_else(|| expiration.date.as_ref().map(millis))?, rule))
        });
        ends.min_by_key(|(end, _)| *end)
    }

    fn removes_marker(&self, key: &str, marker: &Version, now: Millis) -> bool {
        let mut applicable = self.0.iter().filter(|rule| covers(rule, key, None));
        applicable.any(|rule| {
            let expiration = rule.expiration.as_ref();
            expiration.is_some_and(|expiration| {
                expiration.expired_object_delete_marker == Some(true)
                    || expiration.days.is_some_and(|days| due(marker.modified, days) <= now)
            })
        })
    }

    fn removes_noncurrent(
        &self,
        key: &str,
        version: &Version,
        since: Millis,
        newer: usize,
        now: Millis,
    ) -> bool {
        let object = version.object.as_deref();
        let mut applicable = self.0.iter().filter(|rule| covers(rule, key, object));
        applicable.any(|rule| {
            let Some(expiration) = &rule.noncurrent_version_expiration else { return false };
            let keep = usize::try_from(expiration.newer_noncurrent_versions.unwrap_or(0));
            expiration.noncurrent_days.is_some_and(|days| due(since, days) <= now)
                && newer >= keep.unwrap_or(0)
        })
    }

    fn is_stale(&self, upload: &Upload, now: Millis) -> bool {
        let mut applicable = self.0.iter().filter(|rule| covers(rule, &upload.key, None));
        applicable.any(|rule| {
            let abort = rule.abort_incomplete_multipart_upload.as_ref();
            let days = abort.and_then(|abort| abort.days_after_initiation);
            days.is_some_and(|days| due(upload.initiated, days) <= now)
        })
    }

    /// `x-amz-expiration` of an object.
    pub(super) fn header(&self, key: &str, object: &Object, since: Millis) -> Option<String> {
        let (end, rule) = self.end(key, object, since)?;
        let mut date = Vec::new();
        timestamp(end).format(TimestampFormat::HttpDate, &mut date).ok()?;
        let date = String::from_utf8(date).ok()?;
        let id = encode_key(rule.id.as_deref().unwrap_or_default());
        Some(format!("expiry-date=\"{date}\", rule-id=\"{id}\""))
    }
}

/// Whether a rule is about this key. What has no object, a delete marker or an
/// upload, has neither tags nor a size.
fn covers(rule: &LifecycleRule, key: &str, object: Option<&Object>) -> bool {
    let begins =
        |prefix: &Option<String>| prefix.as_deref().is_none_or(|prefix| key.starts_with(prefix));
    let tagged = |tag: &s3s::dto::Tag| {
        let has = |object: &Object| {
            let mut tags = object.tags.0.iter();
            tags.any(|(key, value)| {
                Some(&**key) == tag.key.as_deref() && Some(&**value) == tag.value.as_deref()
            })
        };
        object.is_some_and(has)
    };
    let sized = |greater: Option<i64>, less: Option<i64>| match object {
        Some(object) => {
            let size = i64::try_from(object.size).unwrap_or(i64::MAX);
            greater.is_none_or(|bound| size > bound) && less.is_none_or(|bound| size < bound)
        }
        None => greater.is_none() && less.is_none(),
    };
    let Some(filter) = &rule.filter else { return begins(&rule.prefix) };
    let alone = begins(&filter.prefix)
        && filter.tag.iter().all(tagged)
        && sized(filter.object_size_greater_than, filter.object_size_less_than);
    let all = filter.and.as_ref().is_none_or(|and| {
        begins(&and.prefix)
            && and.tags.iter().flatten().all(tagged)
            && sized(and.object_size_greater_than, and.object_size_less_than)
    });
    alone && all
}

#[cfg(test)]
mod tests {
    use s3s::dto::{LifecycleRuleFilter, NoncurrentVersionExpiration};

    use super::*;

    fn rule(days: Option<i32>) -> LifecycleRule {
        LifecycleRule {
            abort_incomplete_multipart_upload: None,
            expiration: Some(LifecycleExpiration { days, ..Default::default() }),
            filter: Some(LifecycleRuleFilter::default()),
            id: None,
            noncurrent_version_expiration: None,
            noncurrent_version_transitions: None,
            prefix: None,
            status: ExpirationStatus::from_static(ExpirationStatus::ENABLED),
            transitions: None,
        }
    }

    fn marker(id: u128, modified: Millis) -> Version {
        let (id, sequencer) = (VersionId::Numbered(id), modified);
        Version { id, modified, sequencer, object: None }
    }

    #[test]
    fn lives_end_at_midnight() {
        assert_eq!(due(1, 1), 2 * DAY);
        assert_eq!(due(DAY, 1), 2 * DAY);
        assert_eq!(due(DAY - 1, 2), 3 * DAY);
    }

    #[test]
    fn noncurrent_versions_end_by_when_they_were_replaced() {
        let mut ends = rule(None);
        ends.expiration = None;
        ends.noncurrent_version_expiration = Some(NoncurrentVersionExpiration {
            newer_noncurrent_versions: Some(1),
            noncurrent_days: Some(1),
        });
        let versions = [marker(1, 0), marker(2, DAY), marker(3, 5 * DAY)];
        let rules = Rules(vec![ends]);
        assert_eq!(rules.of_key("k", &versions, 2 * DAY - 1), []);
        let first = [Action::Remove("k".into(), VersionId::Numbered(1))];
        assert_eq!(rules.of_key("k", &versions, 2 * DAY), first);
        assert_eq!(rules.of_key("k", &versions, 100 * DAY), first);
    }

    #[test]
    fn a_marker_with_nothing_below_ends_too() {
        let rules = Rules(vec![rule(Some(1))]);
        let expected = [Action::Remove("k".into(), VersionId::Numbered(1))];
        assert_eq!(rules.of_key("k", &[marker(1, 0)], DAY), expected);
        assert_eq!(rules.of_key("k", &[marker(1, 0)], DAY - 1), []);
    }

    #[test]
    fn rules_must_ask_for_something_possible() {
        let check = |rule: LifecycleRule| {
            check(&mut BucketLifecycleConfiguration { rules: vec![rule] })
                .map_err(|error| error.code().as_str().to_owned())
        };
        assert_eq!(check(rule(Some(1))), Ok(()));
        assert_eq!(check(rule(Some(0))), Err("InvalidArgument".to_owned()));
        assert_eq!(check(rule(None)), Err("MalformedXML".to_owned()));
        let idle = LifecycleRule { expiration: None, ..rule(None) };
        assert_eq!(check(idle), Err("InvalidRequest".to_owned()));
        let unscoped = LifecycleRule { filter: None, ..rule(Some(1)) };
        assert_eq!(check(unscoped), Err("MalformedXML".to_owned()));
    }
}
