//! Times as events tell them.

use chrono::{DateTime, SecondsFormat, Utc};

use crate::clock::Millis;

/// RFC 3339 to the second, as in `2026-11-21T10:00:00Z`.
pub(crate) fn rfc3339(at: Millis) -> String {
    let at = i64::try_from(at).ok().and_then(DateTime::<Utc>::from_timestamp_millis);
    at.unwrap_or_default().to_rfc3339_opts(SecondsFormat::Secs, true)
}
