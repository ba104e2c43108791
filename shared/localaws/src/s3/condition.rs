//! Conditional requests: what must hold of an object before it is read,
//! copied or written.

use s3s::S3Result;
use s3s::dto::{ETagCondition, Timestamp};

use super::error;
use super::etag::Etag;
use super::object::Version;

/// Conditions on an object to be read.
#[derive(Debug, Default)]
pub(super) struct ReadConditions {
    /// `If-Match`.
    pub(super) matches: Option<ETagCondition>,
    /// `If-None-Match`.
    pub(super) none_match: Option<ETagCondition>,
    /// `If-Modified-Since`.
    pub(super) modified_since: Option<Timestamp>,
    /// `If-Unmodified-Since`.
    pub(super) unmodified_since: Option<Timestamp>,
}

/// Why an object is not given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unmet {
    /// It is not the object that the client means.
    Precondition(&'static str),
    /// It is the object that the client has.
    NotModified(&'static str),
}

impl ReadConditions {
    /// Checks them as RFC 9110, section 13.2.2, orders them: entity tags take
    /// precedence over times.
    pub(super) fn check(&self, etag: Etag, modified: &Timestamp) -> Result<(), Unmet> {
        match (&self.matches, &self.unmodified_since) {
            (Some(condition), _) if !is_met(condition, etag) => {
                return Err(Unmet::Precondition("If-Match"));
            }
            (None, Some(since)) if modified > since => {
                return Err(Unmet::Precondition("If-Unmodified-Since"));
            }
            _ => {}
        }
        match (&self.none_match, &self.modified_since) {
            (Some(condition), _) if is_met(condition, etag) => {
                Err(Unmet::NotModified("If-None-Match"))
            }
            (None, Some(since)) if modified <= since => {
                Err(Unmet::NotModified("If-Modified-Since"))
            }
            _ => Ok(()),
        }
    }
}

/// Conditions on what a write replaces.
#[derive(Debug, Default)]
pub(super) struct WriteConditions {
    /// `If-Match`.
    pub(super) matches: Option<ETagCondition>,
    /// `If-None-Match`.
    pub(super) none_match: Option<ETagCondition>,
}

impl WriteConditions {
    /// Checks them against the current version of a key.
    ///
    /// # Errors
    /// `PreconditionFailed`, or `NoSuchKey` if an object must be there and is
    /// not.
    pub(super) fn check(&self, key: &str, current: Option<&Version>) -> S3Result<()> {
        let object = current.and_then(|version| version.object.as_ref());
        if let Some(condition) = &self.matches {
            let object = object.ok_or_else(|| error::no_such_key(key))?;
            if !is_met(condition, object.etag) {
                return Err(error::precondition_failed("If-Match"));
            }
        }
        match (&self.none_match, object) {
            (Some(condition), Some(object)) if is_met(condition, object.etag) => {
                Err(error::precondition_failed("If-None-Match"))
            }
            _ => Ok(()),
        }
    }
}

fn is_met(condition: &ETagCondition, etag: Etag) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(tag) => etag.matches(tag),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::object::timestamp;

    const TAG: &str = "d41d8cd98f00b204e9800998ecf8427e";

    fn tag(text: &str) -> Option<ETagCondition> {
        Some(format!("\"{text}\"").parse().unwrap())
    }

    fn check(conditions: ReadConditions) -> Result<(), Unmet> {
        conditions.check(TAG.parse().unwrap(), &timestamp(1_000_000))
    }

    #[test]
    fn tags_take_precedence_over_times() {
        let met = ReadConditions {
            matches: tag(TAG),
            unmodified_since: Some(timestamp(0)),
            ..Default::default()
        };
        assert_eq!(check(met), Ok(()));
        let not_modified = ReadConditions {
            none_match: tag(TAG),
            modified_since: Some(timestamp(0)),
            ..Default::default()
        };
        assert_eq!(check(not_modified), Err(Unmet::NotModified("If-None-Match")));
    }

    #[test]
    fn times_decide_without_tags() {
        let since =
            |at| ReadConditions { modified_since: Some(timestamp(at)), ..Default::default() };
        assert_eq!(check(since(999_000)), Ok(()));
        assert_eq!(check(since(1_000_000)), Err(Unmet::NotModified("If-Modified-Since")));
        let until =
            |at| ReadConditions { unmodified_since: Some(timestamp(at)), ..Default::default() };
        assert_eq!(check(until(999_000)), Err(Unmet::Precondition("If-Unmodified-Since")));
        assert_eq!(check(until(1_000_000)), Ok(()));
    }

    #[test]
    fn any_needs_an_object() {
        let only_new = WriteConditions { none_match: Some(ETagCondition::Any), matches: None };
        assert!(only_new.check("k", None).is_ok());
        let only_old = WriteConditions { matches: Some(ETagCondition::Any), none_match: None };
        let error = only_old.check("k", None).unwrap_err();
        assert_eq!(error.code(), &s3s::S3ErrorCode::NoSuchKey);
    }
}
