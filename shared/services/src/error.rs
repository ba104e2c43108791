//! From ECS's errors to errors by meaning, once.

use std::error::Error;

use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use millrace_retry::{Classify, FailureClass, causes, class_of_answer};
use thiserror::Error;

/// Why a service was not looked at or changed.
///
/// `action` is the permission that the request needs, such as
/// `ecs:UpdateService`; `what` is the service or cluster it was about.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ServicesError {
    /// There is no such service, or no such cluster.
    #[error("there is no {what} in this account and region; deploy the pipeline first")]
    NotFound {
        /// What was looked for.
        what: String,
    },
    /// Too many requests.
    #[error("{action} on {what} was throttled: {reason}")]
    Throttled {
        /// What was tried.
        action: &'static str,
        /// On what.
        what: String,
        /// ECS's words.
        reason: String,
    },
    /// A permission is missing.
    #[error("not allowed: grant `{action}` on {what}: {reason}")]
    Denied {
        /// The permission that is missing.
        action: &'static str,
        /// On what.
        what: String,
        /// ECS's words.
        reason: String,
    },
    /// ECS refused the request as it stands.
    #[error("{action} on {what} was refused: {reason}")]
    Invalid {
        /// What was tried.
        action: &'static str,
        /// On what.
        what: String,
        /// ECS's words.
        reason: String,
    },
    /// No answer, or a server error.
    #[error("{action} on {what} got no answer: {reason}; is the endpoint right and up?")]
    Unavailable {
        /// What was tried.
        action: &'static str,
        /// On what.
        what: String,
        /// What went wrong on the way.
        reason: String,
    },
}

impl Classify for ServicesError {
    fn class(&self) -> FailureClass {
        match self {
            Self::NotFound { .. } => FailureClass::Missing,
            Self::Throttled { .. } => FailureClass::Throttled,
            Self::Denied { .. } => FailureClass::Denied,
            Self::Invalid { .. } => FailureClass::Poison,
            Self::Unavailable { .. } => FailureClass::Transient,
        }
    }
}

/// The error of a request.
pub(crate) fn fault<E>(action: &'static str, what: &str, error: SdkError<E>) -> ServicesError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
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
        SdkError::ConstructionFailure(_) => ServicesError::Invalid { action, what, reason },
        SdkError::DispatchFailure(failure) if failure.is_user() => {
            ServicesError::Invalid { action, what, reason }
        }
        // Timeouts, connections, half answers, and what a later SDK may add.
        _ => ServicesError::Unavailable { action, what, reason },
    }
}

/// Codes as in the operations of the Amazon ECS API Reference.
fn by_code(
    code: &str,
    status: u16,
    action: &'static str,
    what: String,
    reason: String,
) -> ServicesError {
    if let "ServiceNotFoundException" | "ServiceNotActiveException" | "ClusterNotFoundException" =
        code
    {
        return ServicesError::NotFound { what };
    }
    match class_of_answer(code, status) {
        FailureClass::Missing => ServicesError::NotFound { what },
        FailureClass::Throttled => ServicesError::Throttled { action, what, reason },
        FailureClass::Denied => ServicesError::Denied { action, what, reason },
        FailureClass::Poison | FailureClass::Contract => {
            ServicesError::Invalid { action, what, reason }
        }
        FailureClass::Transient | FailureClass::Outage => {
            ServicesError::Unavailable { action, what, reason }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_a_meaning_and_a_missing_permission_is_named() {
        for (code, status, class) in [
            ("ServiceNotFoundException", 400, FailureClass::Missing),
            ("ClusterNotFoundException", 400, FailureClass::Missing),
            ("ThrottlingException", 400, FailureClass::Throttled),
            ("AccessDeniedException", 400, FailureClass::Denied),
            ("InvalidParameterException", 400, FailureClass::Poison),
            ("ServerException", 500, FailureClass::Transient),
        ] {
            let what = "service `f-load`".to_owned();
            let error = by_code(code, status, "ecs:UpdateService", what, "no".into());
            assert_eq!(error.class(), class, "{code}");
            if class == FailureClass::Denied {
                let said = error.to_string();
                assert!(said.contains("grant `ecs:UpdateService` on service `f-load`"), "{said}");
            }
        }
    }
}
