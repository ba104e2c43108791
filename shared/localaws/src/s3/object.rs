//! An object's versions as the index keeps them and the journal writes them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use s3s::dto::{Timestamp, TimestampFormat};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::blob::BlobRef;
use super::checksum::Checksum;
use super::etag::Etag;
use super::headers::Headers;
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
        let blobs = serde_json::from_str("[[1,5],[2,3,9]]").unwrap();
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
