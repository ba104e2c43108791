//! Reads `[datasets.NAME.freshness]`: by when files are to have come.
//!
//! It is no part of the dataset's contract: when files come says nothing about what
//! is in them, and a change of it makes no file worth reading again.

use chrono_tz::Tz;
use millrace_schedule::Expected;

use crate::spelling;
use crate::walk::Section;

/// By when a dataset is to have a new file, again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freshness {
    /// Name of the dataset.
    pub dataset: String,
    /// The times by which at least one file has to have been loaded since the time
    /// before.
    pub expected: Expected,
}

/// Reads when files of `dataset` are expected.
pub(crate) fn read(dataset: &str, section: &Section<'_>) -> Option<Freshness> {
    let zone = section.get("timezone").map(|entry| spelling::zone(&entry));
    let entry = section.need("expected", r#""cron(0 7 * * ? *)""#)?;
    let expected = Expected::parse(entry.text()?, zone.flatten().unwrap_or(Tz::UTC));
    let expected = expected.map_err(|error| {
        entry.note_with(
            error,
            "write `cron(0 7 * * ? *)` for daily by 7 o'clock, or `rate(6 hours)`",
        );
    });
    Some(Freshness { dataset: dataset.to_owned(), expected: expected.ok()? })
}
