//! What the codes of AWS say: "Common Errors" of the API references of Amazon ECS,
//! EventBridge, EventBridge Scheduler, AWS Glue, Amazon SNS and Amazon SQS, and their
//! errors of the key that encrypts a queue or a topic.

use crate::FailureClass;

/// The class of an answer that is an error, by its code, or else by its HTTP status.
/// What a service calls by words of its own is for its adapter to know first.
pub(crate) fn class_of_answer(code: &str, status: u16) -> FailureClass {
    match (bare(code), status) {
        // The role's credentials are renewed by themselves, and a queue that is being
        // purged or was just deleted can be used in a minute.
        (
            "ExpiredToken" | "RequestExpired" | "QueueDeletedRecently" | "PurgeQueueInProgress",
            _,
        ) => FailureClass::Transient,
        // `InternalFailure`, `InternalError`: as an entry of a batch they have no status.
        (code, _) if code.starts_with("Internal") => FailureClass::Transient,
        (
            "Throttling"
            | "Throttled"
            | "RequestThrottled"
            | "RequestLimitExceeded"
            | "TooManyRequests"
            | "OverLimit"
            | "SlowDown"
            | "KMSThrottling"
            | "KmsThrottled",
            _,
        )
        | (_, 429) => FailureClass::Throttled,
        // A key that is disabled, gone or not for us: nothing of ours mends it.
        (code, _) if code.starts_with("KMS") || code.starts_with("Kms") => FailureClass::Denied,
        ("ServiceNotActive" | "QueueDoesNotExist" | "NonExistentQueue", _) => FailureClass::Missing,
        (code, _) if code.ends_with("NotFound") => FailureClass::Missing,
        (
            "AccessDenied"
            | "AuthorizationError"
            | "NotAuthorized"
            | "UnrecognizedClient"
            | "InvalidClientTokenId"
            | "InvalidSecurity"
            | "SignatureDoesNotMatch"
            | "MissingAuthenticationToken",
            _,
        )
        | (_, 401 | 403) => FailureClass::Denied,
        (_, 400..=499) => FailureClass::Poison,
        (_, _) => FailureClass::Transient,
    }
}

/// A code without what stands before its name and the word that some end with:
/// `com.amazonaws.sqs#QueueDoesNotExist`, `AWS.SimpleQueueService.NonExistentQueue`
/// (the older query protocol, whose codes SQS goes on sending beside the others),
/// `AccessDeniedException`.
fn bare(code: &str) -> &str {
    let code = code.rsplit(['.', '#']).next().unwrap_or(code);
    code.trim_end_matches("Exception")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_says_more_than_the_status_it_comes_with() {
        for (code, status, class) in [
            ("ResourceNotFoundException", 404, FailureClass::Missing),
            ("NotFoundException", 404, FailureClass::Missing),
            ("ClusterNotFoundException", 400, FailureClass::Missing),
            ("ServiceNotActiveException", 400, FailureClass::Missing),
            ("EntityNotFoundException", 400, FailureClass::Missing),
            ("QueueDoesNotExist", 400, FailureClass::Missing),
            ("AWS.SimpleQueueService.NonExistentQueue", 400, FailureClass::Missing),
            ("com.amazonaws.sqs#QueueDoesNotExist", 400, FailureClass::Missing),
            ("ThrottlingException", 400, FailureClass::Throttled),
            ("RequestThrottled", 403, FailureClass::Throttled),
            ("OverLimit", 403, FailureClass::Throttled),
            ("KmsThrottled", 400, FailureClass::Throttled),
            ("KMSThrottlingException", 400, FailureClass::Throttled),
            ("", 429, FailureClass::Throttled),
            ("AccessDeniedException", 400, FailureClass::Denied),
            ("AuthorizationErrorException", 403, FailureClass::Denied),
            ("KMSAccessDeniedException", 400, FailureClass::Denied),
            ("KMSNotFoundException", 400, FailureClass::Denied),
            ("KmsDisabled", 400, FailureClass::Denied),
            ("", 403, FailureClass::Denied),
            ("ExpiredTokenException", 400, FailureClass::Transient),
            ("ExpiredTokenException", 403, FailureClass::Transient),
            ("ExpiredToken", 403, FailureClass::Transient),
            ("PurgeQueueInProgress", 403, FailureClass::Transient),
            ("InternalFailure", 400, FailureClass::Transient),
            ("InternalServerException", 500, FailureClass::Transient),
            ("", 503, FailureClass::Transient),
            ("ValidationException", 400, FailureClass::Poison),
            ("InvalidParameter", 400, FailureClass::Poison),
            ("InvalidMessageContents", 400, FailureClass::Poison),
        ] {
            assert_eq!(class_of_answer(code, status), class, "`{code}` with {status}");
        }
    }
}
