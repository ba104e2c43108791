//! What all batch operations share: entries are told apart by ids and fail one
//! by one.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::Serialize;

use super::super::error::{Code, SqsError};

/// Entries of a batch request at most.
const MAX_ENTRIES: usize = 10;

/// What a batch operation answers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct BatchResult<T> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) successful: Vec<T>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) failed: Vec<Failed>,
}

/// An entry that was carried out and has no result but that.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct Done {
    pub(super) id: String,
}

/// An entry that failed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Failed {
    id: String,
    sender_fault: bool,
    code: &'static str,
    message: String,
}

impl<T> BatchResult<T> {
    /// A result without entries.
    pub(super) fn new() -> Self {
        Self { successful: Vec::new(), failed: Vec::new() }
    }

    /// Adds the answer to one entry.
    pub(super) fn push(&mut self, id: &str, answer: Result<T, SqsError>) {
        match answer {
            Ok(done) => self.successful.push(done),
            Err(error) => self.failed.push(Failed {
                id: id.to_owned(),
                sender_fault: error.code.is_sender_fault(),
                code: error.code.query(),
                message: error.message,
            }),
        }
    }
}

/// Checks the number of entries and their ids.
pub(super) fn check_ids<'a>(
    entry: &str,
    ids: impl ExactSizeIterator<Item = &'a Cow<'a, str>>,
) -> Result<(), SqsError> {
    let count = ids.len();
    if count == 0 {
        let message = format!("There should be at least one {entry} in the request.");
        return Err(SqsError::new(Code::EmptyBatchRequest, message));
    }
    if count > MAX_ENTRIES {
        let message = format!(
            "Maximum number of entries per request are {MAX_ENTRIES}. You have sent {count}."
        );
        return Err(SqsError::new(Code::TooManyEntriesInBatchRequest, message));
    }
    let mut seen = HashSet::new();
    for id in ids {
        if !is_id(id) {
            return Err(SqsError::new(
                Code::InvalidBatchEntryId,
                "A batch entry id can only contain alphanumeric characters, hyphens and \
                 underscores. It can be at most 80 letters long.",
            ));
        }
        if !seen.insert(id.as_ref()) {
            let message = format!("Id {id} repeated.");
            return Err(SqsError::new(Code::BatchEntryIdsNotDistinct, message));
        }
    }
    Ok(())
}

/// One to 80 letters, digits, hyphens and underscores.
pub(super) fn is_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=80).contains(&id.len()) && id.bytes().all(allowed)
}
