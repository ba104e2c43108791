//! What is kept of an upload's headers: those that describe its content and are
//! given back with it, and those that say how it is to be kept.

use s3s::dto::{Timestamp, TimestampFormat};
use serde::{Deserialize, Serialize};

use super::object::timestamp;

/// What is kept of the headers of an upload, and given back on download.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Headers(Box<[(Box<str>, Box<str>)]>);

/// Prefix of the names of user metadata.
const META: &str = "x-amz-meta-";

impl Headers {
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The header of this lower-case name.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(header, _)| **header == *name).map(|(_, value)| value.to_string())
    }

    /// The number that the header of this lower-case name is.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }

    /// Until when the object is locked.
    pub(super) fn locked_until(&self) -> Option<Timestamp> {
        self.number(LOCK_UNTIL).map(timestamp)
    }

    /// Puts these in the place of those of the same names.
    pub(super) fn reset(&mut self, headers: Vec<(Box<str>, Option<Box<str>>)>) {
        let mut kept = std::mem::take(&mut self.0).into_vec();
        kept.retain(|(name, _)| headers.iter().all(|(reset, _)| reset != name));
        kept.extend(headers.into_iter().filter_map(|(name, value)| Some((name, value?))));
        self.0 = kept.into();
    }

    /// These, and those.
    pub(super) fn with(self, others: Self) -> Self {
        Self(self.0.into_iter().chain(others.0).collect())
    }

    /// Those that describe the content: what a copy takes over.
    pub(super) fn described(&self) -> Self {
        let describes = |name: &str| DESCRIBING.contains(&name) || name.starts_with(META);
        Self(self.0.iter().filter(|(name, _)| describes(name)).cloned().collect())
    }

    /// `expires`, as a time.
    pub(super) fn expires(&self) -> Option<Timestamp> {
        Timestamp::parse(TimestampFormat::HttpDate, &self.get("expires")?).ok()
    }

    /// User metadata.
    pub(super) fn metadata(&self) -> Option<s3s::dto::Metadata> {
        let pairs = self.0.iter().filter_map(|(name, value)| {
            Some((name.strip_prefix(META)?.to_owned(), value.to_string()))
        });
        let metadata: s3s::dto::Metadata = pairs.collect();
        (!metadata.is_empty()).then_some(metadata)
    }

    /// From pairs of which some have no value, and user metadata.
    pub(super) fn collect<const N: usize>(
        given: [(&str, Option<String>); N],
        metadata: Option<s3s::dto::Metadata>,
    ) -> Self {
        let given =
            given.into_iter().filter_map(|(name, value)| Some((name.into(), value?.into())));
        let metadata = metadata.into_iter().flatten();
        let metadata = metadata
            .map(|(name, value)| (format!("{META}{}", name.to_lowercase()).into(), value.into()));
        Self(given.chain(metadata).collect())
    }

    /// Bytes of user metadata, names and values.
    pub(super) fn metadata_len(&self) -> usize {
        let pairs = self
            .0
            .iter()
            .filter_map(|(name, value)| Some(name.strip_prefix(META)?.len() + value.len()));
        pairs.sum()
    }
}

/// `expires` as it is kept.
pub(super) fn expires_header(expires: Option<Timestamp>) -> Option<String> {
    let mut text = Vec::new();
    expires?.format(TimestampFormat::HttpDate, &mut text).ok()?;
    String::from_utf8(text).ok()
}

/// Names of the headers that describe the content, user metadata aside.
const DESCRIBING: [&str; 6] = [
    "content-type",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "expires",
];

/// The headers that say how an object is to be kept, from the input of an
/// upload or a copy.
macro_rules! keeping_of {
    ($input:expr) => {
        $crate::s3::headers::Headers::collect(
            [
                (
                    "x-amz-storage-class",
                    $input.storage_class.take().map(|class| class.as_str().to_owned()),
                ),
                ("x-amz-website-redirect-location", $input.website_redirect_location.take()),
                (
                    $crate::s3::headers::SSE,
                    $input.server_side_encryption.take().map(|sse| sse.as_str().to_owned()),
                ),
                ($crate::s3::headers::SSE_KEY, $input.ssekms_key_id.take()),
                (
                    $crate::s3::headers::SSE_BUCKET_KEY,
                    $input.bucket_key_enabled.take().map(|enabled| enabled.to_string()),
                ),
                ($crate::s3::headers::SSE_CUSTOMER, $input.sse_customer_algorithm.take()),
                ($crate::s3::headers::SSE_CUSTOMER_KEY, $input.sse_customer_key_md5.take()),
                (
                    $crate::s3::headers::LOCK_MODE,
                    $input.object_lock_mode.take().map(|mode| mode.as_str().to_owned()),
                ),
                (
                    $crate::s3::headers::LOCK_UNTIL,
                    $input
                        .object_lock_retain_until_date
                        .take()
                        .map(|until| $crate::s3::object::millis(&until).to_string()),
                ),
                (
                    $crate::s3::headers::LOCK_HOLD,
                    $input
                        .object_lock_legal_hold_status
                        .take()
                        .map(|status| status.as_str().to_owned()),
                ),
            ],
            None,
        )
    };
}

/// Encryption.
pub(super) const SSE: &str = "x-amz-server-side-encryption";
/// The key that S3 would encrypt with.
pub(super) const SSE_KEY: &str = "x-amz-server-side-encryption-aws-kms-key-id";
/// Whether a key of the bucket stands between.
pub(super) const SSE_BUCKET_KEY: &str = "x-amz-server-side-encryption-bucket-key-enabled";
/// Encryption with the client's key.
pub(super) const SSE_CUSTOMER: &str = "x-amz-server-side-encryption-customer-algorithm";
/// MD5 of the client's key.
pub(super) const SSE_CUSTOMER_KEY: &str = "x-amz-server-side-encryption-customer-key-md5";
/// How an object is locked.
pub(super) const LOCK_MODE: &str = "x-amz-object-lock-mode";
/// Until when, in milliseconds since the epoch.
pub(super) const LOCK_UNTIL: &str = "x-amz-object-lock-retain-until-date";
/// Whether it is held until further notice.
pub(super) const LOCK_HOLD: &str = "x-amz-object-lock-legal-hold";

/// The headers that describe the content, from the input of an upload.
macro_rules! describing_of {
    ($input:expr) => {
        $crate::s3::headers::Headers::collect(
            [
                ("content-type", $input.content_type.take()),
                ("cache-control", $input.cache_control.take()),
                ("content-disposition", $input.content_disposition.take()),
                ("content-encoding", $input.content_encoding.take()),
                ("content-language", $input.content_language.take()),
                ("expires", $crate::s3::headers::expires_header($input.expires.take())),
            ],
            $input.metadata.take(),
        )
    };
}

pub(super) use {describing_of, keeping_of};
