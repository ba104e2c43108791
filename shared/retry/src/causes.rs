//! An error as a person reads it.

use std::error::Error;

/// An error with its causes, each said once: the AWS SDK's errors say next to
/// nothing by themselves, and with all their fields far too much.
pub fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    #[derive(Debug)]
    struct Said(&'static str, Option<Box<Said>>);

    impl fmt::Display for Said {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Said {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|cause| cause as &(dyn Error + 'static))
        }
    }

    #[test]
    fn every_cause_is_said_once() {
        let refused = Said("refused", None);
        let unanswered = Said("no answer", Some(Box::new(refused)));
        let failed = Said("it failed: no answer", Some(Box::new(unanswered)));
        assert_eq!(causes(&failed), "it failed: no answer: refused");
    }
}
