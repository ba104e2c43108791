//! The parameters that FIFO queues need and standard queues do not know.

use std::sync::Arc;

use super::super::error::{Code, SqsError};
use super::super::message::{Deduplication, Scope, Seq};
use super::super::settings::{DeduplicationScope, Settings};

/// Why a parameter is refused that is for the other type of queue.
pub(super) const WRONG_TYPE: &str =
    "The request include parameter that is not valid for this queue type.";

/// So that every sequence number has 20 digits.
const FIRST_SEQUENCE_NUMBER: u64 = 10_000_000_000_000_000_000;

/// The sequence number of a message: 20 digits, growing.
pub(super) fn sequence_number(seq: Seq) -> String {
    (FIRST_SEQUENCE_NUMBER + seq).to_string()
}

/// The group of a message and how it is told from others, as its queue wants it.
pub(in super::super) fn identity(
    settings: &Settings,
    group: Option<String>,
    deduplication_id: Option<String>,
) -> Result<(Option<Arc<str>>, Option<Deduplication>), SqsError> {
    if let Some(group) = &group {
        check_id("MessageGroupId", group)?;
    }
    if let Some(id) = &deduplication_id {
        if !settings.fifo {
            return Err(SqsError::value(id, "MessageDeduplicationId", WRONG_TYPE));
        }
        check_id("MessageDeduplicationId", id)?;
    }
    let group = group.map(Arc::from);
    if !settings.fifo {
        return Ok((group, None));
    }
    if group.is_none() {
        return Err(SqsError::missing("MessageGroupId"));
    }
    if deduplication_id.is_none() && !settings.content_based_deduplication {
        return Err(SqsError::new(
            Code::InvalidParameterValue,
            "The queue should either have ContentBasedDeduplication enabled or \
             MessageDeduplicationId provided explicitly",
        ));
    }
    let scope = match settings.deduplication_scope {
        DeduplicationScope::Queue => Scope::Queue,
        DeduplicationScope::MessageGroup => Scope::Group,
    };
    let given = deduplication_id.map(String::into_boxed_str);
    Ok((group, Some(Deduplication { given, scope })))
}

/// Checks a `ReceiveRequestAttemptId`.
pub(super) fn attempt_id<'a>(
    settings: &Settings,
    id: Option<&'a str>,
) -> Result<Option<&'a str>, SqsError> {
    const NAME: &str = "ReceiveRequestAttemptId";
    let Some(id) = id else { return Ok(None) };
    if !settings.fifo {
        return Err(SqsError::value(id, NAME, WRONG_TYPE));
    }
    check_id(NAME, id)?;
    Ok(Some(id))
}

/// One to 128 letters, digits and punctuation characters.
fn check_id(parameter: &str, id: &str) -> Result<(), SqsError> {
    if (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    let reason = format!(
        "{parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length."
    );
    Err(SqsError::value(id, parameter, &reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(settings: &Settings, group: Option<&str>, id: Option<&str>) -> Option<Code> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        identity(settings, owned(group), owned(id)).err().map(|error| error.code)
    }

    #[test]
    fn a_fifo_queue_needs_a_group_and_something_to_deduplicate_by() {
        let fifo = Settings { fifo: true, ..Settings::default() };
        let by_content = Settings { content_based_deduplication: true, ..fifo.clone() };
        assert_eq!(code(&fifo, None, Some("d")), Some(Code::MissingParameter));
        assert_eq!(code(&fifo, Some("g"), None), Some(Code::InvalidParameterValue));
        assert_eq!(code(&fifo, Some("g"), Some("d")), None);
        assert_eq!(code(&by_content, Some("g"), None), None);
        let long = "x".repeat(129);
        for wrong in ["", "a b", "ü", long.as_str()] {
            assert_eq!(code(&fifo, Some(wrong), Some("d")), Some(Code::InvalidParameterValue));
            assert_eq!(code(&fifo, Some("g"), Some(wrong)), Some(Code::InvalidParameterValue));
        }
    }

    #[test]
    fn a_standard_queue_takes_a_group_and_no_deduplication_id() {
        let standard = Settings::default();
        assert_eq!(code(&standard, None, None), None);
        assert_eq!(code(&standard, Some("g"), None), None);
        assert_eq!(code(&standard, None, Some("d")), Some(Code::InvalidParameterValue));
    }

    #[test]
    fn a_sequence_number_has_twenty_digits() {
        assert_eq!(sequence_number(0).len(), 20);
        assert!(sequence_number(9) < sequence_number(10));
    }
}
