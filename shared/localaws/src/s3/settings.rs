//! What is set for a bucket as a whole.

use serde::{Deserialize, Serialize};

use super::document::Documents;
use super::notification::Notification;
use super::object::Tags;
use crate::clock::Millis;

/// What is set for a bucket as a whole.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Settings {
    /// When it was created.
    pub(super) created: Millis,
    /// Whether versions are kept.
    #[serde(default)]
    pub(super) versioning: Versioning,
    /// Who is told of its events.
    #[serde(default)]
    pub(super) notification: Notification,
    /// Tags of the bucket itself.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub(super) tags: Tags,
    /// Where it is, if not where the endpoint is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) region: Option<String>,
    /// Everything else that can be set.
    #[serde(default, skip_serializing_if = "Documents::is_empty")]
    pub(super) documents: Documents,
}

impl Settings {
    /// Those of a bucket created now.
    pub(super) fn new(created: Millis) -> Self {
        Self {
            created,
            versioning: Versioning::default(),
            notification: Notification::default(),
            tags: Tags::default(),
            region: None,
            documents: Documents::default(),
        }
    }
}

/// Whether a bucket keeps versions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Versioning {
    /// It never did.
    #[default]
    Unversioned,
    /// It does.
    Enabled,
    /// It did; new objects take the place of the null version.
    Suspended,
}
