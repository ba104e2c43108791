//! What a bucket's journal says: every change to it, as one record each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::blob::BlobRef;
use super::checksum::{Algorithm, Checksum};
use super::etag::Etag;
use super::event::{Event, What};
use super::headers::Headers;
use super::object::{Tags, Version, VersionId};
use super::settings::Settings;
use crate::clock::Millis;

/// A change to a bucket.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Record {
    /// The bucket's settings, as they are from now on.
    Settings(Settings),
    /// A version was written; it is the current one. Takes the place of the
    /// null version if it is one itself.
    Put {
        /// Key.
        key: Box<str>,
        /// Version.
        version: Version,
        /// The multipart upload that ends with this, if one does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        upload: Option<Box<str>>,
        /// The event to be delivered, if anyone is to be told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        event: Option<What>,
    },
    /// A version was removed for good.
    Remove {
        /// Key.
        key: Box<str>,
        /// Version.
        version: VersionId,
        /// Orders the events of a key.
        sequencer: u64,
        /// When, if anyone is to be told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        event: Option<Millis>,
        /// Whether a lifecycle rule did it.
        #[serde(default, skip_serializing_if = "is_false")]
        expired: bool,
    },
    /// An object's tags are these from now on.
    Tag {
        /// Key.
        key: Box<str>,
        /// Version.
        version: VersionId,
        /// Tags.
        tags: Tags,
        /// The event to be delivered, if anyone is to be told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        event: Option<Event>,
    },
    /// Some headers of an object are these from now on.
    Reset {
        /// Key.
        key: Box<str>,
        /// Version.
        version: VersionId,
        /// Lower-case names, each with its value or none any more.
        headers: Vec<(Box<str>, Option<Box<str>>)>,
        /// The event to be delivered, if anyone is to be told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        event: Option<Event>,
    },
    /// A multipart upload began.
    Upload {
        /// Upload id.
        id: Box<str>,
        /// What is known of it before its parts.
        upload: Upload,
    },
    /// A part was uploaded, in place of an earlier one of this number.
    Part {
        /// Upload id.
        upload: Box<str>,
        /// Part number.
        number: u16,
        /// The part.
        part: Part,
    },
    /// A multipart upload was aborted.
    Abort {
        /// Upload id.
        upload: Box<str>,
    },
    /// Sequencers up to this one have been given out.
    Sequencer(u64),
    /// An event was under way when the journal was rewritten.
    Pending(Event),
    /// All events up to this sequencer were delivered.
    Delivered(u64),
}

impl Record {
    /// The content files it names.
    pub(super) fn blobs_mut(&mut self) -> Vec<&mut BlobRef> {
        match self {
            Self::Put { version, .. } => {
                let object = version.object.as_mut().and_then(std::sync::Arc::get_mut);
                object.into_iter().flat_map(|object| &mut object.blobs).collect()
            }
            Self::Part { part, .. } => vec![&mut part.blob],
            Self::Settings(_)
            | Self::Remove { .. }
            | Self::Tag { .. }
            | Self::Reset { .. }
            | Self::Upload { .. }
            | Self::Abort { .. }
            | Self::Sequencer(_)
            | Self::Pending(_)
            | Self::Delivered(_) => Vec::new(),
        }
    }

    /// The highest number it has used up.
    pub(super) fn sequencer(&self) -> u64 {
        match self {
            Self::Put { version, .. } => version.sequencer,
            Self::Remove { sequencer, .. } | Self::Sequencer(sequencer) => *sequencer,
            Self::Tag { event, .. } | Self::Reset { event, .. } => {
                event.as_ref().map_or(0, |event| event.sequencer)
            }
            Self::Settings(_)
            | Self::Upload { .. }
            | Self::Part { .. }
            | Self::Abort { .. }
            | Self::Pending(_)
            | Self::Delivered(_) => 0,
        }
    }

    /// Notes that this event is to be delivered for it.
    pub(super) fn announce(&mut self, of: &Event) {
        match self {
            Self::Put { event, .. } => *event = Some(of.what),
            Self::Remove { event, .. } => *event = Some(of.at),
            Self::Tag { event, .. } | Self::Reset { event, .. } => *event = Some(of.clone()),
            Self::Settings(_)
            | Self::Upload { .. }
            | Self::Part { .. }
            | Self::Abort { .. }
            | Self::Sequencer(_)
            | Self::Pending(_)
            | Self::Delivered(_) => {}
        }
    }

    /// The event to be delivered for it.
    pub(super) fn announced(&self) -> Option<Event> {
        match self {
            Self::Put { key, version, event: Some(what), .. } => {
                Some(Event::written(*what, key, version))
            }
            Self::Remove { key, version, sequencer, event: Some(at), expired } => {
                let what = if *expired { What::Expired } else { What::Delete };
                Some(Event::removed(what, key, *version, *sequencer, *at))
            }
            Self::Tag { event, .. } | Self::Reset { event, .. } => event.clone(),
            Self::Pending(event) => Some(event.clone()),
            _ => None,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// A multipart upload under way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Upload {
    /// Key the object will have.
    pub(super) key: Box<str>,
    /// When it began.
    pub(super) initiated: Millis,
    /// Headers the object will have.
    pub(super) headers: Headers,
    /// Tags the object will have.
    pub(super) tags: Tags,
    /// The checksum computed for every part.
    pub(super) algorithm: Algorithm,
    /// Whether the client asked for a checksum, rather than S3 by itself.
    pub(super) checksum_asked: bool,
    /// Whether the object's checksum is one of its parts' checksums.
    pub(super) composite: bool,
    /// Parts by number.
    #[serde(skip)]
    pub(super) parts: BTreeMap<u16, Part>,
}

/// An uploaded part.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Part {
    /// Its bytes.
    pub(super) blob: BlobRef,
    /// Entity tag.
    pub(super) etag: Etag,
    /// Checksum, of the upload's algorithm.
    pub(super) checksum: Checksum,
    /// When it was uploaded.
    pub(super) modified: Millis,
}
