//! From the wall clock to instants.

use chrono::{DateTime, LocalResult, NaiveDateTime, Utc};
use chrono_tz::Tz;

/// When the wall clock of `zone` shows `time`: the first of two, or never.
pub(crate) fn instant(time: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    match time.and_local_timezone(zone) {
        LocalResult::Single(instant) | LocalResult::Ambiguous(instant, _) => {
            Some(instant.with_timezone(&Utc))
        }
        LocalResult::None => None,
    }
}
