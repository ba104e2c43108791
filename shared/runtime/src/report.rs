//! The one line that is logged for every message, when it is settled, and what
//! observers are told with it. Never bodies or values.

use std::time::Duration;

use millrace_retry::FailureClass;
use tracing::Span;

use crate::context::Context;
use crate::outage::millis;
use crate::part;
use crate::{Counts, Delivery, Done, Ending, Failure, Settlement, Subject};

/// The line about one message.
pub(crate) struct Report<'a> {
    context: &'a Context,
    delivery: &'a Delivery,
    took: Duration,
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

impl<'a> Report<'a> {
    pub(crate) fn new(context: &'a Context, delivery: &'a Delivery, took: Duration) -> Self {
        Self { context, delivery, took, duration_ms: millis(took) }
    }

    fn tell(&self, ending: Ending, subject: &Subject, told: Told<'_>) {
        let settlement = Settlement {
            stage: &self.context.config.stage,
            queue: &self.context.config.queue,
            delivery: self.delivery,
            ending,
            class: told.class,
            note: told.note,
            subject,
            counts: told.counts,
            took: self.took,
            parts: &part::taken(),
        };
        for observer in &self.context.outside.observers {
            observer.settled(&settlement);
        }
    }

    fn tell_failure(&self, ending: Ending, failure: &Failure) {
        let told = Told { class: Some(failure.class), note: &failure.message, ..Told::default() };
        self.tell(ending, &failure.subject, told);
    }

    pub(crate) fn done(self, done: &Done) {
        name_file(&done.subject);
        let told = Told { note: &done.note, counts: done.counts, ..Told::default() };
        self.tell(Ending::Done, &done.subject, told);
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
        self.tell_failure(Ending::Retried, failure);
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
        self.tell_failure(Ending::DeadLettered, failure);
        line!(
            &failure.subject,
            outcome = "dead_lettered",
            class = failure.class.as_str(),
            reason = failure.message,
            duration_ms = self.duration_ms,
        );
    }

    pub(crate) fn released(self) {
        self.tell(Ending::Released, &Subject::default(), Told::default());
        tracing::info!(outcome = "released", duration_ms = self.duration_ms);
    }

    pub(crate) fn lost(self) {
        self.tell(Ending::LeaseLost, &Subject::default(), Told::default());
        tracing::info!(outcome = "lease_lost", duration_ms = self.duration_ms);
    }
}

/// What is said of a message beside its ending and its subject.
#[derive(Default)]
struct Told<'a> {
    class: Option<FailureClass>,
    note: &'a str,
    counts: Counts,
}

fn name_file(subject: &Subject) {
    if let Some(file_id) = &subject.file_id {
        Span::current().record("file_id", file_id);
    }
}
