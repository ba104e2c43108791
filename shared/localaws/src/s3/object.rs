//! An object's versions as the index keeps them and the journal writes them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use s3s::dto::{Timestamp, TimestampFormat};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::blob::BlobRef;
use super::checksum::Checksum;
use super::etag::Etag;
use crate::clock::Millis;

/// Names one version of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(super) enum VersionId {
    /// `null`: written while the bucket was not versioned.
    Null,
    /// Written while it was.
    Numbered(u128),
}

impl VersionId {
    /// A new one.
    pub(super) fn random() -> Self {
        Self::Numbered(rand::random())
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Numbered(number) => write!(f, "{number:032x}"),
        }
    }
}

/// Not a version id of ours.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a version id")]
pub(super) struct NotAVersionId(String);

impl FromStr for VersionId {
    type Err = NotAVersionId;

    fn from_str(text: &str) -> Result<Self, NotAVersionId> {
        if text == "null" {
            return Ok(Self::Null);
        }
        let number = (text.len() == 32).then(|| u128::from_str_radix(text, 16).ok()).flatten();
        number.map(Self::Numbered).ok_or_else(|| NotAVersionId(text.to_owned()))
    }
}

impl From<VersionId> for String {
    fn from(id: VersionId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for VersionId {
    type Error = NotAVersionId;

    fn try_from(text: String) -> Result<Self, NotAVersionId> {
        text.parse()
    }
}

/// One version of one object, or the mark that it was deleted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Version {
    /// Its id.
    pub(super) id: VersionId,
    /// When it was written.
    pub(super) modified: Millis,
    /// Orders the events of a key.
    pub(super) sequencer: u64,
    /// The object; none for a delete marker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(serialize_with = "serialize_object", deserialize_with = "deserialize_object")]
    pub(super) object: Option<Arc<Object>>,
}

impl Version {
    /// When it was written, as the responses say it: in whole seconds, because
    /// the headers can't say more and clients compare the two.
    pub(super) fn last_modified(&self) -> Timestamp {
        timestamp(self.modified / 1000 * 1000)
    }
}

/// A time as the responses carry it.
pub(super) fn timestamp(at: Millis) -> Timestamp {
    Timestamp::from(std::time::UNIX_EPOCH + std::time::Duration::from_millis(at))
}

/// A time that a request gives, in whole seconds; the epoch if it is before.
pub(super) fn millis(at: &Timestamp) -> Millis {
    let mut seconds = Vec::new();
    let formatted = at.format(TimestampFormat::EpochSeconds, &mut seconds);
    let text = formatted.ok().and_then(|()| String::from_utf8(seconds).ok()).unwrap_or_default();
    let whole = text.split('.').next().unwrap_or_default();
    whole.parse::<Millis>().unwrap_or(0).saturating_mul(1000)
}

fn serialize_object<S: Serializer>(
    object: &Option<Arc<Object>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    object.as_deref().serialize(serializer)
}

fn deserialize_object<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Arc<Object>>, D::Error> {
    Ok(Option::<Object>::deserialize(deserializer)?.map(Arc::new))
}

/// An object's bytes and all that is said about them. Never changed in place.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Object {
    /// Entity tag.
    pub(super) etag: Etag,
    /// Length in bytes.
    pub(super) size: u64,
    /// The content files that make it up, in order; one per part.
    pub(super) blobs: Vec<BlobRef>,
    /// Additional checksum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) checksum: Option<Checksum>,
    /// Those of its parts, of the same algorithm, where they were asked for.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub(super) part_checksums: Box<[Box<str>]>,
    /// Headers given with it.
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    pub(super) headers: Headers,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub(super) tags: Tags,
}

impl Object {
    /// Byte range of a part, counted from 1; a plain upload is one part.
    pub(super) fn part(&self, number: usize) -> Option<std::ops::Range<u64>> {
        let parts = self.etag.parts().map_or(1, usize::from);
        if number == 0 || number > parts {
            return None;
        }
        if self.etag.parts().is_none() {
            return Some(0..self.size);
        }
        let start: u64 = self.blobs[..number - 1].iter().map(BlobRef::len).sum();
        Some(start..start + self.blobs[number - 1].len())
    }
}

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
        $crate::s3::object::Headers::collect(
            [
                (
                    "x-amz-storage-class",
                    $input.storage_class.take().map(|class| class.as_str().to_owned()),
                ),
                ("x-amz-website-redirect-location", $input.website_redirect_location.take()),
                (
                    $crate::s3::object::SSE,
                    $input.server_side_encryption.take().map(|sse| sse.as_str().to_owned()),
                ),
                ($crate::s3::object::SSE_KEY, $input.ssekms_key_id.take()),
                (
                    $crate::s3::object::SSE_BUCKET_KEY,
                    $input.bucket_key_enabled.take().map(|enabled| enabled.to_string()),
                ),
                ($crate::s3::object::SSE_CUSTOMER, $input.sse_customer_algorithm.take()),
                ($crate::s3::object::SSE_CUSTOMER_KEY, $input.sse_customer_key_md5.take()),
                (
                    $crate::s3::object::LOCK_MODE,
                    $input.object_lock_mode.take().map(|mode| mode.as_str().to_owned()),
                ),
                (
                    $crate::s3::object::LOCK_UNTIL,
                    $input
                        .object_lock_retain_until_date
                        .take()
                        .map(|until| $crate::s3::object::millis(&until).to_string()),
                ),
                (
                    $crate::s3::object::LOCK_HOLD,
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
        $crate::s3::object::Headers::collect(
            [
                ("content-type", $input.content_type.take()),
                ("cache-control", $input.cache_control.take()),
                ("content-disposition", $input.content_disposition.take()),
                ("content-encoding", $input.content_encoding.take()),
                ("content-language", $input.content_language.take()),
                ("expires", $crate::s3::object::expires_header($input.expires.take())),
            ],
            $input.metadata.take(),
        )
    };
}

pub(super) use {describing_of, keeping_of};

/// Tags of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tags(pub(super) Box<[(Box<str>, Box<str>)]>);

impl Tags {
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are; none for zero.
    pub(super) fn count(&self) -> Option<i32> {
        i32::try_from(self.0.len()).ok().filter(|count| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_ids_read_back_as_written() {
        for id in [VersionId::Null, VersionId::Numbered(7), VersionId::random()] {
            assert_eq!(id.to_string().parse::<VersionId>().unwrap(), id);
        }
        assert!("7".parse::<VersionId>().is_err());
    }

    #[test]
    fn parts_are_ranges_of_the_whole() {
        let blobs = vec![(1, 5).into(), (2, 3).into()];
        let etag = "00000000000000000000000000000001-2".parse().unwrap();
        let object = Object {
            etag,
            size: 8,
            blobs,
            checksum: None,
            part_checksums: Box::default(),
            headers: Headers::default(),
            tags: Tags::default(),
        };
        assert_eq!(object.part(1), Some(0..5));
        assert_eq!(object.part(2), Some(5..8));
        assert_eq!(object.part(3), None);
        assert_eq!(object.part(0), None);
    }
}
