//! From Glue's errors to errors by meaning, once.

use aws_sdk_glue::error::{ProvideErrorMetadata, SdkError};
use millrace_retry::{Classify, FailureClass, causes};
use thiserror::Error;

/// Why a catalog was not looked at or changed.
///
/// `action` is the permission that the request needs, such as `glue:UpdateTable`;
/// `what` is the database or table it was about.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CatalogError {
    /// It is not there, or not any more.
    #[error("there is no {what} in the catalog of this account and region")]
    NotFound {
        /// What was looked for.
        what: String,
    },
    /// It is there already.
    #[error("there is a {what} already")]
    Exists {
        /// What was to be made.
        what: String,
    },
    /// Somebody else changed it at the same time.
    #[error("{action} on {what} met another change: {reason}")]
    Conflict {
        /// What was tried.
        action: &'static str,
        /// On what.
        what: String,
        /// Glue's words.
        reason: String,
    },
    /// Too many requests.
    #[error("{action} on {what} was throttled: {reason}")]
    Throttled {
        /// What was tried.
        action: &'static str,
        /// On what.
        what: String,
        /// Glue's words.
        reason: String,
    },
    /// A permission is missing.
    #[error("not allowed: grant `{action}` on {what}: {reason}")]
    Denied {
        /// The permission that is missing.
        action: &'static str,
        /// On what.
        what: String,
        /// Glue's words.
        reason: String,
    },
    /// Glue refused the request as it stands.
    #[error("{action} on {what} was refused: {reason}")]
    Invalid {
        /// What was tried.
        action: &'static str,
        /// On what.
        what: String,
        /// Glue's words.
        reason: String,
    },
    /// No answer, or a server error.
    #[error("{action} on {what} got no answer: {reason}")]
    Unavailable {
        /// What was tried.
        action: &'static str,
        /// On what.
        what: String,
        /// What went wrong on the way.
        reason: String,
    },
}

impl Classify for CatalogError {
    fn class(&self) -> FailureClass {
        match self {
            // It was there a moment ago, or is a moment later.
            Self::NotFound { .. } | Self::Exists { .. } | Self::Conflict { .. } => {
                FailureClass::Transient
            }
            Self::Throttled { .. } => FailureClass::Throttled,
            Self::Denied { .. } => FailureClass::Denied,
            Self::Invalid { .. } => FailureClass::Contract,
            Self::Unavailable { .. } => FailureClass::Transient,
        }
    }
}

/// The error of a request.
pub(crate) fn fault<E>(action: &'static str, what: &str, error: SdkError<E>) -> CatalogError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let reason = match error.as_service_error().and_then(ProvideErrorMetadata::message) {
        Some(message) => message.to_owned(),
        None => causes(&error),
    };
    let what = what.to_owned();
    match &error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            by_code(answer.err().code().unwrap_or_default(), status, action, what, reason)
        }
        SdkError::ConstructionFailure(_) => CatalogError::Invalid { action, what, reason },
        SdkError::DispatchFailure(failure) if failure.is_user() => {
            CatalogError::Invalid { action, what, reason }
        }
        // Timeouts, connections, half answers, and what a later SDK may add.
        _ => CatalogError::Unavailable { action, what, reason },
    }
}

/// Codes as in "Exceptions", "Common Errors" and the operations of the AWS Glue API
/// Reference.
pub(crate) fn by_code(
    code: &str,
    status: u16,
    action: &'static str,
    what: String,
    reason: String,
) -> CatalogError {
    match (code, status) {
        ("EntityNotFoundException", _) => CatalogError::NotFound { what },
        ("AlreadyExistsException", _) => CatalogError::Exists { what },
        ("ConcurrentModificationException" | "ConcurrentRunsExceededException", _) => {
            CatalogError::Conflict { action, what, reason }
        }
        ("ThrottlingException" | "Throttling" | "RequestLimitExceeded", _) | (_, 429) => {
            CatalogError::Throttled { action, what, reason }
        }
        (
            "AccessDeniedException"
            | "AccessDenied"
            | "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "SignatureDoesNotMatch"
            | "MissingAuthenticationToken",
            _,
        )
        | (_, 401 | 403) => CatalogError::Denied { action, what, reason },
        (
            "ExpiredTokenException"
            | "RequestExpired"
            | "OperationTimeoutException"
            | "InternalServiceException"
            | "ResourceNotReadyException",
            _,
        ) => CatalogError::Unavailable { action, what, reason },
        (_, 400..=499) => CatalogError::Invalid { action, what, reason },
        (_, _) => CatalogError::Unavailable { action, what, reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_a_meaning_and_a_missing_permission_is_named() {
        for (code, status, class) in [
            ("EntityNotFoundException", 400, FailureClass::Transient),
            ("OperationTimeoutException", 400, FailureClass::Transient),
            ("ThrottlingException", 429, FailureClass::Throttled),
            ("AccessDeniedException", 403, FailureClass::Denied),
            ("InvalidInputException", 400, FailureClass::Contract),
            ("InternalServerException", 500, FailureClass::Transient),
        ] {
            let what = "table `f.users`".to_owned();
            let error = by_code(code, status, "glue:UpdateTable", what, "no".into());
            assert_eq!(error.class(), class, "{code}");
            if class == FailureClass::Denied {
                let said = error.to_string();
                assert!(said.contains("grant `glue:UpdateTable` on table `f.users`"), "{said}");
            }
        }
    }
}
