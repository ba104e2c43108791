//! From Scheduler's errors to errors by meaning, once.

use aws_sdk_scheduler::error::{ProvideErrorMetadata, SdkError};
use millrace_retry::{Classify, FailureClass, causes, class_of_answer};
use thiserror::Error;

/// Why a schedule was not looked at or changed.
///
/// `action` is the permission that the request needs, such as
/// `scheduler:UpdateSchedule`; `what` is the schedule or group it was about.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TimetableError {
    /// There is no such schedule, or no such group.
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
        /// Scheduler's words.
        reason: String,
    },
    /// A permission is missing.
    #[error("not allowed: grant `{action}` on {what}: {reason}")]
    Denied {
        /// The permission that is missing.
        action: &'static str,
        /// On what.
        what: String,
        /// Scheduler's words.
        reason: String,
    },
    /// Scheduler refused the request as it stands.
    #[error("{action} on {what} was refused: {reason}")]
    Invalid {
        /// What was tried.
        action: &'static str,
        /// On what.
        what: String,
        /// Scheduler's words.
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

impl Classify for TimetableError {
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
pub(crate) fn fault<E>(action: &'static str, what: &str, error: SdkError<E>) -> TimetableError
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
        SdkError::ConstructionFailure(_) => TimetableError::Invalid { action, what, reason },
        SdkError::DispatchFailure(failure) if failure.is_user() => {
            TimetableError::Invalid { action, what, reason }
        }
        // Timeouts, connections, half answers, and what a later SDK may add.
        _ => TimetableError::Unavailable { action, what, reason },
    }
}

fn by_code(
    code: &str,
    status: u16,
    action: &'static str,
    what: String,
    reason: String,
) -> TimetableError {
    match class_of_answer(code, status) {
        FailureClass::Missing => TimetableError::NotFound { what },
        FailureClass::Throttled => TimetableError::Throttled { action, what, reason },
        FailureClass::Denied => TimetableError::Denied { action, what, reason },
        FailureClass::Poison | FailureClass::Contract => {
            TimetableError::Invalid { action, what, reason }
        }
        FailureClass::Transient | FailureClass::Outage => {
            TimetableError::Unavailable { action, what, reason }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_a_meaning_and_a_missing_permission_is_named() {
        for (code, status, class) in [
            ("ResourceNotFoundException", 404, FailureClass::Missing),
            ("ThrottlingException", 429, FailureClass::Throttled),
            ("AccessDeniedException", 403, FailureClass::Denied),
            ("ValidationException", 400, FailureClass::Poison),
            ("InternalServerException", 500, FailureClass::Transient),
        ] {
            let what = "schedule `f/users`".to_owned();
            let error = by_code(code, status, "scheduler:UpdateSchedule", what, "no".into());
            assert_eq!(error.class(), class, "{code}");
            if class == FailureClass::Denied {
                let said = error.to_string();
                assert!(
                    said.contains("grant `scheduler:UpdateSchedule` on schedule `f/users`"),
                    "{said}"
                );
            }
        }
    }
}
