//! What the codes of AWS say, for services whose errors have no more words than all
//! have: "Common Errors" of the API references of Amazon ECS, EventBridge Scheduler and
//! AWS Glue.

use crate::FailureClass;

/// The class of an answer that is an error, by its code, or else by its HTTP status.
/// What a service calls by words of its own is for its adapter to know first.
pub(crate) fn class_of_answer(code: &str, status: u16) -> FailureClass {
    match (code, status) {
        // The role's credentials are renewed by themselves.
        ("ExpiredTokenException" | "RequestExpired", _) => FailureClass::Transient,
        ("ServiceNotActiveException", _) => FailureClass::Missing,
        (code, _) if code.ends_with("NotFoundException") => FailureClass::Missing,
        ("ThrottlingException" | "Throttling" | "RequestLimitExceeded", _) | (_, 429) => {
            FailureClass::Throttled
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
        | (_, 401 | 403) => FailureClass::Denied,
        (_, 400..=499) => FailureClass::Poison,
        (_, _) => FailureClass::Transient,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_says_more_than_the_status_it_comes_with() {
        for (code, status, class) in [
            ("ResourceNotFoundException", 404, FailureClass::Missing),
            ("ClusterNotFoundException", 400, FailureClass::Missing),
            ("ServiceNotActiveException", 400, FailureClass::Missing),
            ("EntityNotFoundException", 400, FailureClass::Missing),
            ("ThrottlingException", 400, FailureClass::Throttled),
            ("", 429, FailureClass::Throttled),
            ("AccessDeniedException", 400, FailureClass::Denied),
            ("ExpiredTokenException", 400, FailureClass::Transient),
            ("ExpiredTokenException", 403, FailureClass::Transient),
            ("", 403, FailureClass::Denied),
            ("ValidationException", 400, FailureClass::Poison),
            ("InternalServerException", 500, FailureClass::Transient),
            ("", 503, FailureClass::Transient),
        ] {
            assert_eq!(class_of_answer(code, status), class, "`{code}` with {status}");
        }
    }
}
