//! From Glue's errors to errors by meaning, once.

use aws_sdk_glue::error::{ProvideErrorMetadata, SdkError};
use millrace_retry::{Classify, FailureClass, RequestError};
use thiserror::Error;

/// Why a catalog was not looked at or changed.
///
/// `what` is the database, table or partition it was about.
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
    /// What any service says.
    #[error(transparent)]
    Request(#[from] RequestError),
}

impl Classify for CatalogError {
    fn class(&self) -> FailureClass {
        match self {
            // It was there a moment ago, or is a moment later.
            Self::NotFound { .. } | Self::Exists { .. } | Self::Conflict { .. } => {
                FailureClass::Transient
            }
            // What a table is asked to be follows from the dataset's contract.
            Self::Request(RequestError::Invalid { .. }) => FailureClass::Contract,
            Self::Request(error) => error.class(),
        }
    }
}

/// The error of a request.
pub(crate) fn fault<E>(action: &'static str, what: &str, error: SdkError<E>) -> CatalogError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let answer = error.as_service_error();
    let code = answer.and_then(ProvideErrorMetadata::code).unwrap_or_default();
    of_code(code, what, RequestError::of(action, what, &error))
}

/// The error of one partition of a batch, which has a code and no status.
pub(crate) fn refused(
    code: &str,
    action: &'static str,
    what: &str,
    reason: String,
) -> CatalogError {
    of_code(code, what, RequestError::of_answer(code, 400, action, what.to_owned(), reason))
}

/// What Glue says by codes of its own ("Exceptions", AWS Glue API Reference).
fn of_code(code: &str, what: &str, error: RequestError) -> CatalogError {
    match (code, error) {
        ("AlreadyExistsException", _) => CatalogError::Exists { what: what.to_owned() },
        (_, RequestError::NotFound { what }) => CatalogError::NotFound { what },
        (
            "ConcurrentModificationException" | "ConcurrentRunsExceededException",
            RequestError::Invalid { action, what, reason },
        ) => CatalogError::Conflict { action, what, reason },
        (
            "OperationTimeoutException" | "InternalServiceException" | "ResourceNotReadyException",
            RequestError::Invalid { action, what, reason },
        ) => RequestError::Unavailable { action, what, reason }.into(),
        (_, error) => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_a_meaning_and_a_missing_permission_is_named() {
        for (code, class) in [
            ("EntityNotFoundException", FailureClass::Transient),
            ("AlreadyExistsException", FailureClass::Transient),
            ("ConcurrentModificationException", FailureClass::Transient),
            ("OperationTimeoutException", FailureClass::Transient),
            ("InternalServiceException", FailureClass::Transient),
            ("ThrottlingException", FailureClass::Throttled),
            ("AccessDeniedException", FailureClass::Denied),
            ("InvalidInputException", FailureClass::Contract),
        ] {
            let error = refused(code, "glue:UpdateTable", "table `f.users`", "no".into());
            assert_eq!(error.class(), class, "{code}");
            if class == FailureClass::Denied {
                let said = error.to_string();
                assert!(said.contains("grant `glue:UpdateTable` on table `f.users`"), "{said}");
            }
        }
    }
}
