//! The one line that is logged for every message, when it is settled. Never
//! bodies or values.

use std::time::Duration;

use tracing::Span;

use crate::outage::millis;
use crate::{Done, Failure, Subject};

/// The line about one message.
pub(crate) struct Report {
    duration_ms: u64,
}

macro_rules! line {
    ($subject:expr, $($field:tt)*) => {{
        let subject: &Subject = $subject;
        let object = subject.object.as_ref();
        tracing::info!(
            dataset = subject.dataset,
            object.bucket = object.map(|object| object.bucket.as_str()),
            object.key = object.map(|object| object.key.as_str()),
            object.version_id = object.and_then(|object| object.version_id.as_deref()),
            $($field)*
        )
    }};
}

impl Report {
    pub(crate) fn new(took: Duration) -> Self {
        Self { duration_ms: millis(took) }
    }

    pub(crate) fn done(self, done: &Done) {
        name_file(&done.subject);
        line!(
            &done.subject,
            outcome = "done",
            note = %done.note,
            rows.read = done.counts.rows_read,
            rows.loaded = done.counts.rows_loaded,
            rows.rejected = done.counts.rows_rejected,
            bytes = done.counts.bytes,
            duration_ms = self.duration_ms,
        );
    }

    pub(crate) fn retried(self, failure: &Failure, delay: Duration) {
        name_file(&failure.subject);
        line!(
            &failure.subject,
            outcome = "retried",
            class = failure.class.as_str(),
            reason = failure.message,
            delay_ms = millis(delay),
            duration_ms = self.duration_ms,
        );
    }

    pub(crate) fn dead_lettered(self, failure: &Failure) {
        name_file(&failure.subject);
        line!(
            &failure.subject,
            outcome = "dead_lettered",
            class = failure.class.as_str(),
            reason = failure.message,
            duration_ms = self.duration_ms,
        );
    }

    pub(crate) fn released(self) {
        tracing::info!(outcome = "released", duration_ms = self.duration_ms);
    }

    pub(crate) fn lost(self) {
        tracing::info!(outcome = "lease_lost", duration_ms = self.duration_ms);
    }
}

fn name_file(subject: &Subject) {
    if let Some(file_id) = &subject.file_id {
        Span::current().record("file_id", file_id);
    }
}
