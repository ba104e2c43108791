//! Events: what happened to which object, as the journal keeps it. How they
//! look on the wire is in `message` and `bus`.

use serde::{Deserialize, Serialize};

use super::object::{Version, VersionId};
use crate::clock::Millis;

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum What {
    /// `PutObject`.
    Put,
    /// A form upload.
    Post,
    /// `CopyObject`.
    Copy,
    /// `CompleteMultipartUpload`.
    CompleteMultipartUpload,
    /// An object or a version was removed for good.
    Delete,
    /// A delete marker was put on top of it.
    DeleteMarkerCreated,
    /// A lifecycle rule removed an object or a version for good.
    Expired,
    /// A lifecycle rule put a delete marker on top of it.
    ExpiryMarkerCreated,
    /// Its tags were set.
    TagsPut,
    /// Its tags were removed.
    TagsDeleted,
    /// Its access control list was set.
    AclPut,
}

impl What {
    /// The event's name, without `s3:`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Put => "ObjectCreated:Put",
            Self::Post => "ObjectCreated:Post",
            Self::Copy => "ObjectCreated:Copy",
            Self::CompleteMultipartUpload => "ObjectCreated:CompleteMultipartUpload",
            Self::Delete => "ObjectRemoved:Delete",
            Self::DeleteMarkerCreated => "ObjectRemoved:DeleteMarkerCreated",
            Self::Expired => "LifecycleExpiration:Delete",
            Self::ExpiryMarkerCreated => "LifecycleExpiration:DeleteMarkerCreated",
            Self::TagsPut => "ObjectTagging:Put",
            Self::TagsDeleted => "ObjectTagging:Delete",
            Self::AclPut => "ObjectAcl:Put",
        }
    }

    /// The version of the message structure that S3 tells it in.
    pub(super) fn message_version(self) -> &'static str {
        match self {
            Self::Put
            | Self::Post
            | Self::Copy
            | Self::CompleteMultipartUpload
            | Self::Delete
            | Self::DeleteMarkerCreated => "2.1",
            Self::Expired
            | Self::ExpiryMarkerCreated
            | Self::TagsPut
            | Self::TagsDeleted
            | Self::AclPut => "2.3",
        }
    }

    /// Whether a delete marker was written.
    fn is_marker(self) -> bool {
        matches!(self, Self::DeleteMarkerCreated | Self::ExpiryMarkerCreated)
    }
}

/// The entity tag that S3 gives for a delete marker: that of no bytes.
const MARKER_ETAG: &str = "d41d8cd98f00b204e9800998ecf8427e";

/// An event, as far as it is the same for every destination.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Event {
    /// What happened.
    pub(super) what: What,
    /// Key.
    pub(super) key: Box<str>,
    /// Version it happened to.
    pub(super) version: VersionId,
    /// Orders the events of a key.
    pub(super) sequencer: u64,
    /// When.
    pub(super) at: Millis,
    /// Size and entity tag, where there is an object.
    pub(super) content: Option<(u64, String)>,
}

impl Event {
    /// The event of a version having been written.
    pub(super) fn written(what: What, key: &str, version: &Version) -> Self {
        Self::changed(what, key, version, version.sequencer, version.modified)
    }

    /// The event of something about a version having been changed.
    pub(super) fn changed(
        what: What,
        key: &str,
        version: &Version,
        sequencer: u64,
        at: Millis,
    ) -> Self {
        let object = version.object.as_deref();
        Self {
            what,
            key: key.into(),
            version: version.id,
            sequencer,
            at,
            content: object.map(|object| (object.size, object.etag.to_string())),
        }
    }

    /// The event of a version having been removed for good, as `what` says.
    pub(super) fn removed(
        what: What,
        key: &str,
        version: VersionId,
        sequencer: u64,
        at: Millis,
    ) -> Self {
        Self { what, key: key.into(), version, sequencer, at, content: None }
    }

    /// The version id, where it has one.
    pub(super) fn version_id(&self) -> Option<String> {
        (self.version != VersionId::Null).then(|| self.version.to_string())
    }

    /// The size, where there is an object.
    pub(super) fn size(&self) -> Option<u64> {
        self.content.as_ref().map(|(size, _)| *size)
    }

    /// The entity tag, where there is an object or a delete marker.
    pub(super) fn etag(&self) -> Option<&str> {
        let of_marker = self.what.is_marker().then_some(MARKER_ETAG);
        self.content.as_ref().map(|(_, etag)| etag.as_str()).or(of_marker)
    }

    /// The sequencer as messages carry it.
    pub(super) fn sequencer_text(&self) -> String {
        format!("{:018X}", self.sequencer)
    }
}

/// Where and by whom an event came about.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    /// Region.
    pub(super) region: String,
    /// Account that owns the bucket and asked for the change.
    pub(super) account: String,
    /// Bucket.
    pub(super) bucket: String,
    /// `x-amz-request-id` of the response.
    pub(super) request_id: String,
    /// `x-amz-id-2` of the response.
    pub(super) host_id: String,
}

/// Where every request is said to come from.
pub(super) const SOURCE_IP: &str = "127.0.0.1";

/// A key as events and URL-encoded listings carry it: form-encoded, but with
/// slashes kept.
pub(super) fn encode_key(key: &str) -> String {
    let mut encoded = String::with_capacity(key.len());
    for byte in key.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' | b'/' => {
                encoded.push(char::from(byte));
            }
            b' ' => encoded.push('+'),
            _ => {
                encoded.push('%');
                for digit in [byte >> 4, byte & 15] {
                    encoded.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
                }
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_form_encoded_with_slashes_kept() {
        for (key, encoded) in [
            ("a b.csv", "a+b.csv"),
            ("a+b.csv", "a%2Bb.csv"),
            ("dir/caf\u{e9}.csv", "dir/caf%C3%A9.csv"),
            ("100%2F.csv", "100%252F.csv"),
        ] {
            assert_eq!(encode_key(key), encoded);
        }
    }
}
