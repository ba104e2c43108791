//! From the wire's errors to errors by meaning, once.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use millrace_retry::causes;

use crate::QueueError;

/// How long anything but a receive may take, retries included. Shorter than
/// the patience of a lease.
const PATIENCE: Duration = Duration::from_secs(15);

/// What the service's answer means.
enum Meaning {
    NotFound,
    Throttled,
    Denied,
    ReceiptExpired,
    Invalid,
    Unavailable,
}

/// Ends a request that takes too long.
pub(super) async fn patiently<T>(
    action: &'static str,
    queue: &str,
    request: impl Future<Output = T>,
) -> Result<T, QueueError> {
    tokio::time::timeout(PATIENCE, request).await.map_err(|_| QueueError::Unavailable {
        action,
        queue: queue.to_owned(),
        reason: format!("no answer within {} s", PATIENCE.as_secs()),
    })
}

/// The error of a whole request.
pub(super) fn fault<E>(action: &'static str, queue: &str, error: SdkError<E>) -> QueueError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let meaning = match &error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            answer.err().code().map_or(by_status(status), |code| by_code(code, status))
        }
        SdkError::ConstructionFailure(_) => Meaning::Invalid,
        SdkError::DispatchFailure(failure) if failure.is_user() => Meaning::Invalid,
        // Timeouts, connections, half answers, and what a later SDK may add.
        _ => Meaning::Unavailable,
    };
    let reason = match error.as_service_error().and_then(ProvideErrorMetadata::message) {
        Some(message) => message.to_owned(),
        None => causes(&error),
    };
    named(meaning, action, queue, reason)
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
    named(by_code(code, status), action, queue, message.unwrap_or_else(|| code.to_owned()))
}

fn named(meaning: Meaning, action: &'static str, queue: &str, reason: String) -> QueueError {
    let queue = queue.to_owned();
    match meaning {
        Meaning::NotFound => QueueError::NotFound { queue },
        Meaning::Throttled => QueueError::Throttled { action, queue, reason },
        Meaning::Denied => QueueError::Denied { action, queue, reason },
        Meaning::ReceiptExpired => QueueError::ReceiptExpired { queue, reason },
        Meaning::Invalid => QueueError::Invalid { action, queue, reason },
        Meaning::Unavailable => QueueError::Unavailable { action, queue, reason },
    }
}

/// Codes of the JSON protocol and, behind a dot, of the older query protocol,
/// which SQS goes on sending beside them.
fn by_code(code: &str, status: u16) -> Meaning {
    match code.rsplit(['.', '#']).next().unwrap_or(code) {
        "QueueDoesNotExist" | "NonExistentQueue" | "ResourceNotFoundException" => Meaning::NotFound,
        "RequestThrottled"
        | "ThrottlingException"
        | "Throttling"
        | "TooManyRequestsException"
        | "OverLimit"
        | "KmsThrottled"
        | "SlowDown" => Meaning::Throttled,
        "AccessDenied"
        | "AccessDeniedException"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        | "MissingAuthenticationToken"
        | "InvalidSecurity"
        | "KmsAccessDenied"
        | "KmsDisabled"
        | "KmsNotFound"
        | "KmsInvalidState"
        | "KmsInvalidKeyUsage"
        | "KmsOptInRequired" => Meaning::Denied,
        "ReceiptHandleIsInvalid" | "MessageNotInflight" => Meaning::ReceiptExpired,
        "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "QueueDeletedRecently"
        | "PurgeQueueInProgress" => Meaning::Unavailable,
        _ => by_status(status),
    }
}

fn by_status(status: u16) -> Meaning {
    match status {
        429 => Meaning::Throttled,
        401 | 403 => Meaning::Denied,
        400..=499 => Meaning::Invalid,
        _ => Meaning::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use millrace_retry::{Classify, FailureClass};

    use super::*;

    #[test]
    fn codes_of_both_protocols_have_one_meaning() {
        for (code, sender_fault, class) in [
            ("QueueDoesNotExist", true, FailureClass::Missing),
            ("AWS.SimpleQueueService.NonExistentQueue", true, FailureClass::Missing),
            ("com.amazonaws.sqs#QueueDoesNotExist", true, FailureClass::Missing),
            ("RequestThrottled", true, FailureClass::Throttled),
            ("OverLimit", true, FailureClass::Throttled),
            ("AccessDeniedException", true, FailureClass::Denied),
            ("KmsDisabled", true, FailureClass::Denied),
            ("KmsThrottled", true, FailureClass::Throttled),
            ("ReceiptHandleIsInvalid", true, FailureClass::Transient),
            ("AWS.SimpleQueueService.MessageNotInflight", true, FailureClass::Transient),
            ("ExpiredToken", true, FailureClass::Transient),
            ("InvalidMessageContents", true, FailureClass::Poison),
            ("InternalError", false, FailureClass::Transient),
        ] {
            let error = entry_fault("sqs:SendMessage", "q", code, sender_fault, None);
            assert_eq!(error.class(), class, "{code}");
        }
    }

    #[test]
    fn a_missing_permission_is_named() {
        let error =
            entry_fault("sqs:SendMessage", "q", "AccessDenied", true, Some("no policy".into()));
        let said = error.to_string();
        assert!(said.contains("grant sqs:SendMessage on `queue q`"), "{said}");
    }
}
