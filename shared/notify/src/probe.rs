//! Finding out whether something is allowed, by trying it in a way that is never
//! valid: nobody is told anything by that.

use millrace_retry::RequestError;

/// That it is not valid is as it should be: a service looks at permissions first.
pub(crate) fn unless_invalid(answer: Result<(), RequestError>) -> Result<(), RequestError> {
    match answer {
        Ok(()) | Err(RequestError::Invalid { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use millrace_retry::{Classify, FailureClass};

    use super::*;

    #[test]
    fn what_is_tried_with_something_invalid_is_allowed_unless_it_is_refused_for_another_reason() {
        let answer = |code| {
            let what = "event bus `default`".to_owned();
            let error = RequestError::of_answer(code, 400, "events:PutEvents", what, "r".into());
            unless_invalid(Err(error)).map_err(|error| error.class())
        };
        assert_eq!(answer("ValidationException"), Ok(()));
        assert_eq!(answer("InvalidArgument"), Ok(()));
        assert_eq!(answer("AccessDeniedException"), Err(FailureClass::Denied));
        assert_eq!(answer("ResourceNotFoundException"), Err(FailureClass::Missing));
    }
}
