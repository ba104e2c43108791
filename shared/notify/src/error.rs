//! Why something could not be told, by meaning; the wire is mapped here once.

use std::error::Error;

use aws_sdk_sns::error::{ProvideErrorMetadata, SdkError};
use millrace_retry::{Classify, FailureClass, Grant, causes};
use thiserror::Error;

/// Why a topic or a bus did not take something.
///
/// `action` is the permission that the request needs, such as `sns:Publish`;
/// `target` is the topic or the bus.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotifyError {
    /// There is no such topic or bus.
    #[error("`{target}` does not exist in this account and region; create it")]
    NotFound {
        /// Topic or bus.
        target: String,
    },
    /// A permission is missing.
    #[error(
        "not allowed: grant {} (and use of its KMS key): {reason}",
        Grant::of(reason, action, target)
    )]
    Denied {
        /// The permission that is missing.
        action: &'static str,
        /// Topic or bus.
        target: String,
        /// The service's words.
        reason: String,
    },
    /// Too many requests.
    #[error("{action} on `{target}` was throttled: {reason}")]
    Throttled {
        /// What was tried.
        action: &'static str,
        /// Topic or bus.
        target: String,
        /// The service's words.
        reason: String,
    },
    /// The service refused the request as it stands.
    #[error("{action} on `{target}` was refused: {reason}")]
    Invalid {
        /// What was tried.
        action: &'static str,
        /// Topic or bus.
        target: String,
        /// The service's words.
        reason: String,
    },
    /// No answer, or a server error.
    #[error("{action} on `{target}` got no answer: {reason}")]
    Unavailable {
        /// What was tried.
        action: &'static str,
        /// Topic or bus.
        target: String,
        /// What went wrong on the way.
        reason: String,
    },
}

impl Classify for NotifyError {
    fn class(&self) -> FailureClass {
        match self {
            Self::NotFound { .. } => FailureClass::Missing,
            Self::Denied { .. } => FailureClass::Denied,
            Self::Throttled { .. } => FailureClass::Throttled,
            Self::Invalid { .. } => FailureClass::Poison,
            Self::Unavailable { .. } => FailureClass::Transient,
        }
    }
}

/// The error of a whole request.
pub(crate) fn fault<E>(action: &'static str, target: &str, error: SdkError<E>) -> NotifyError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let answer = error.as_service_error();
    let reason = match answer.and_then(ProvideErrorMetadata::message) {
        Some(message) => message.to_owned(),
        None => causes(&error),
    };
    let status = match (answer, error.raw_response()) {
        (Some(_), Some(response)) => response.status().as_u16(),
        _ => 500,
    };
    let code = answer.and_then(ProvideErrorMetadata::code).unwrap_or_default().to_owned();
    of_code(action, target, &code, status, reason)
}

/// What is tried with something that is never valid, to find out whether it is
/// allowed: that it is not valid is as it should be.
pub(crate) fn unless_invalid(answer: Result<(), NotifyError>) -> Result<(), NotifyError> {
    match answer {
        Ok(()) | Err(NotifyError::Invalid { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The error that a code and a status stand for. Codes as in "Common errors" of
/// the API references of Amazon SNS and Amazon EventBridge.
pub(crate) fn of_code(
    action: &'static str,
    target: &str,
    code: &str,
    status: u16,
    reason: String,
) -> NotifyError {
    let target = target.to_owned();
    match (code.trim_end_matches("Exception"), status) {
        // The role's credentials are renewed by themselves.
        ("ExpiredToken" | "RequestExpired" | "InternalFailure" | "InternalError", _) => {
            NotifyError::Unavailable { action, target, reason }
        }
        ("NotFound" | "ResourceNotFound", _) => NotifyError::NotFound { target },
        ("Throttled" | "Throttling" | "TooManyRequests" | "KMSThrottling", _) | (_, 429) => {
            NotifyError::Throttled { action, target, reason }
        }
        (
            "AccessDenied" | "AuthorizationError" | "NotAuthorized" | "KMSAccessDenied"
            | "KMSDisabled" | "KMSInvalidState" | "KMSNotFound" | "KMSOptInRequired",
            _,
        )
        | (_, 401 | 403) => NotifyError::Denied { action, target, reason },
        (_, 400..=499) => NotifyError::Invalid { action, target, reason },
        _ => NotifyError::Unavailable { action, target, reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_the_meaning_that_decides_whether_it_is_tried_again() {
        for (code, status, class) in [
            ("NotFoundException", 404, FailureClass::Missing),
            ("AuthorizationErrorException", 403, FailureClass::Denied),
            ("KMSAccessDeniedException", 400, FailureClass::Denied),
            ("ThrottlingException", 400, FailureClass::Throttled),
            ("InternalFailure", 500, FailureClass::Transient),
            ("ExpiredTokenException", 403, FailureClass::Transient),
            ("InvalidParameter", 400, FailureClass::Poison),
            ("", 503, FailureClass::Transient),
        ] {
            let error = of_code("sns:Publish", "t", code, status, "r".into());
            assert_eq!(error.class(), class, "{code}");
        }
    }

    #[test]
    fn what_is_tried_with_something_invalid_is_allowed_unless_it_is_refused_for_another_reason() {
        let answer = |code, status| {
            let error = of_code("events:PutEvents", "default", code, status, "r".into());
            unless_invalid(Err(error)).map_err(|error| error.class())
        };
        assert_eq!(answer("ValidationException", 400), Ok(()));
        assert_eq!(answer("InvalidArgument", 400), Ok(()));
        assert_eq!(answer("AccessDeniedException", 400), Err(FailureClass::Denied));
        assert_eq!(answer("ResourceNotFoundException", 400), Err(FailureClass::Missing));
    }
}
