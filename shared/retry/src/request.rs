//! From the AWS SDK's errors to errors by meaning, for services whose answers need no
//! words of their own.

use std::error::Error as StdError;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use thiserror::Error;

use crate::answer::class_of_answer;
use crate::{Classify, FailureClass, Grant, causes};

/// Why a service of AWS did not do what it was asked.
///
/// `action` is the permission that the request needs, such as `ecs:UpdateService`;
/// `what` is what it was about, such as "service `f-load`" or "queue `f-load`".
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RequestError {
    /// It is not there, or not any more.
    #[error("there is no {what} in this account and region; deploy the pipeline or create it")]
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
        /// The service's words.
        reason: String,
    },
    /// A permission is missing.
    #[error("not allowed: grant {}: {reason}", missing(action, what, reason))]
    Denied {
        /// The permission that is missing.
        action: &'static str,
        /// On what.
        what: String,
        /// The service's words.
        reason: String,
    },
    /// The service refused the request as it stands.
    #[error("{action} on {what} was refused: {reason}")]
    Invalid {
        /// What was tried.
        action: &'static str,
        /// On what.
        what: String,
        /// The service's words.
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

impl RequestError {
    /// What an error of the SDK means.
    pub fn of<E>(action: &'static str, what: &str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let reason = match error.as_service_error().and_then(ProvideErrorMetadata::message) {
            Some(message) => message.to_owned(),
            None => causes(error),
        };
        let what = what.to_owned();
        match error {
            SdkError::ServiceError(answer) => {
                let code = answer.err().code().unwrap_or_default();
                Self::of_answer(code, answer.raw().status().as_u16(), action, what, reason)
            }
            SdkError::ConstructionFailure(_) => Self::Invalid { action, what, reason },
            SdkError::DispatchFailure(failure) if failure.is_user() => {
                Self::Invalid { action, what, reason }
            }
            // Timeouts, connections, half answers, and what a later SDK may add.
            _ => Self::Unavailable { action, what, reason },
        }
    }

    /// What an answer that is an error means, by its code, or else by its HTTP status.
    pub fn of_answer(
        code: &str,
        status: u16,
        action: &'static str,
        what: String,
        reason: String,
    ) -> Self {
        match class_of_answer(code, status) {
            FailureClass::Missing => Self::NotFound { what },
            FailureClass::Throttled => Self::Throttled { action, what, reason },
            FailureClass::Denied => Self::Denied { action, what, reason },
            FailureClass::Poison | FailureClass::Contract => Self::Invalid { action, what, reason },
            FailureClass::Transient | FailureClass::Outage => {
                Self::Unavailable { action, what, reason }
            }
        }
    }
}

/// The permission to grant: of the service's key, say, where the service names it.
fn missing(action: &str, what: &str, reason: &str) -> String {
    match Grant::said(reason) {
        Some(Grant { action, resource }) => format!("`{action}` on `{resource}`"),
        None => format!("`{action}` on {what}"),
    }
}

impl Classify for RequestError {
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

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    #[derive(Debug, Error)]
    #[error("service error")]
    struct Answered(ErrorMetadata);

    impl ProvideErrorMetadata for Answered {
        fn meta(&self) -> &ErrorMetadata {
            &self.0
        }
    }

    fn of(error: &SdkError<Answered, HttpResponse>) -> RequestError {
        RequestError::of("ecs:UpdateService", "service `f-load`", error)
    }

    fn answered(code: &str, message: &str) -> RequestError {
        let said = ErrorMetadata::builder().code(code).message(message).build();
        let raw = HttpResponse::new(400_u16.try_into().expect("a status"), SdkBody::empty());
        of(&SdkError::service_error(Answered(said), raw))
    }

    #[test]
    fn an_answer_keeps_its_class_and_the_services_words() {
        for (code, class) in [
            ("ServiceNotFoundException", FailureClass::Missing),
            ("ThrottlingException", FailureClass::Throttled),
            ("AccessDeniedException", FailureClass::Denied),
            ("InvalidParameterException", FailureClass::Poison),
            ("InternalError", FailureClass::Transient),
        ] {
            let error = answered(code, "no, not today");
            assert_eq!(error.class(), class, "{code}");
            let text = error.to_string();
            assert!(text.contains("service `f-load`"), "{text}");
            assert_eq!(text.contains("no, not today"), class != FailureClass::Missing, "{text}");
        }
    }

    #[test]
    fn a_missing_permission_is_named_as_the_service_does_or_else_as_it_was_tried() {
        let text = answered("AccessDeniedException", "no policy").to_string();
        assert!(text.contains("grant `ecs:UpdateService` on service `f-load`: no"), "{text}");
        let key = "u is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:x:1:key/k";
        let text = answered("KMSAccessDeniedException", key).to_string();
        assert!(text.contains("grant `kms:Decrypt` on `arn:aws:kms:x:1:key/k`"), "{text}");
    }

    #[test]
    fn what_never_was_answered_is_tried_again_unless_it_never_can_be_sent() {
        let failed = |error| of(&SdkError::dispatch_failure(error)).class();
        assert_eq!(failed(ConnectorError::io("reset".into())), FailureClass::Transient);
        assert_eq!(failed(ConnectorError::timeout("slow".into())), FailureClass::Transient);
        assert_eq!(failed(ConnectorError::user("no such scheme".into())), FailureClass::Poison);
        let unbuilt = of(&SdkError::construction_failure("a field is missing"));
        assert_eq!(unbuilt.class(), FailureClass::Poison);
        assert!(unbuilt.to_string().contains("a field is missing"), "{unbuilt}");
    }
}
