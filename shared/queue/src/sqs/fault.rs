//! From the wire's errors to errors by meaning, once.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use millrace_retry::RequestError;

use crate::QueueError;
use crate::error::named;

/// How long anything but a receive may take, retries included. Shorter than
/// the patience of a lease.
const PATIENCE: Duration = Duration::from_secs(15);

/// Ends a request that takes too long.
pub(super) async fn patiently<T>(
    action: &'static str,
    queue: &str,
    request: impl Future<Output = T>,
) -> Result<T, QueueError> {
    tokio::time::timeout(PATIENCE, request).await.map_err(|_| {
        let reason = format!("no answer within {} s", PATIENCE.as_secs());
        QueueError::unavailable(action, queue, &reason)
    })
}

/// The error of a whole request.
pub(super) fn fault<E>(action: &'static str, queue: &str, error: &SdkError<E>) -> QueueError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    of_code(code.unwrap_or_default(), queue, RequestError::of(action, &named(queue), error))
}

/// The error of one entry of a batch.
pub(super) fn entry_fault(
    action: &'static str,
    queue: &str,
    code: &str,
    sender_fault: bool,
    message: Option<String>,
) -> QueueError {
    let status = if sender_fault { 400 } else { 500 };
    let reason = message.unwrap_or_else(|| code.to_owned());
    of_code(code, queue, RequestError::of_answer(code, status, action, named(queue), reason))
}

/// What only a queue answers.
fn of_code(code: &str, queue: &str, error: RequestError) -> QueueError {
    match error {
        RequestError::Invalid { reason, .. } if is_of_receipt(code, &reason) => {
            QueueError::ReceiptExpired { queue: queue.to_owned(), reason }
        }
        error => error.into(),
    }
}

/// Whether what is invalid is the receipt. Of a message that was deleted, a change of
/// its visibility says so in its words only: `Value … for parameter ReceiptHandle is
/// invalid. Reason: Message does not exist or is not available for visibility timeout
/// change.`
fn is_of_receipt(code: &str, reason: &str) -> bool {
    // Protocols put something before a code.
    ["ReceiptHandleIsInvalid", "MessageNotInflight"].iter().any(|end| code.ends_with(end))
        || (code.ends_with("InvalidParameterValue") && reason.contains("parameter ReceiptHandle"))
}

#[cfg(test)]
mod tests {
    use millrace_retry::{Classify, FailureClass};

    use super::*;

    #[test]
    fn a_receipt_that_expired_is_told_from_a_request_that_is_wrong() {
        for code in ["ReceiptHandleIsInvalid", "AWS.SimpleQueueService.MessageNotInflight"] {
            let error = entry_fault("sqs:DeleteMessage", "q", code, true, None);
            assert!(matches!(error, QueueError::ReceiptExpired { .. }), "{error:?}");
        }
        let value = |said: &str| {
            let (action, code) = ("sqs:ChangeMessageVisibility", "InvalidParameterValue");
            entry_fault(action, "q", code, true, Some(said.to_owned()))
        };
        let deleted = "Value AQEB for parameter ReceiptHandle is invalid. Reason: Message does \
                       not exist or is not available for visibility timeout change.";
        let error = value(deleted);
        assert!(matches!(error, QueueError::ReceiptExpired { .. }), "{error:?}");
        let error = value("Value 99999 for parameter VisibilityTimeout is invalid.");
        assert_eq!(error.class(), FailureClass::Poison);
        let wrong = entry_fault("sqs:SendMessage", "q", "InvalidMessageContents", true, None);
        assert_eq!(wrong.class(), FailureClass::Poison);
    }

    #[test]
    fn an_entry_that_failed_by_no_fault_of_the_senders_is_worth_another_try() {
        let error = entry_fault("sqs:SendMessage", "q", "Whatever", false, None);
        assert_eq!(error.class(), FailureClass::Transient);
    }

    #[test]
    fn a_missing_permission_is_named() {
        let said = Some("no policy".to_owned());
        let error = entry_fault("sqs:SendMessage", "q", "AccessDenied", true, said).to_string();
        assert!(error.contains("grant `sqs:SendMessage` on queue `q`"), "{error}");
    }
}
