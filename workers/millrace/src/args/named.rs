//! What is named on the command line out of a few: a slip is recognised.

use std::str::FromStr;

use millrace_contract::{StageName, Upkeep};
use millrace_ledger::FileState;
use millrace_pipeline::nearest;
use millrace_retry::FailureClass;

/// A stage.
pub(crate) fn stage(text: &str) -> Result<StageName, String> {
    one_of(text, "stage", &StageName::ALL.map(StageName::as_str))
}

/// A kind of upkeep.
pub(crate) fn upkeep(text: &str) -> Result<Upkeep, String> {
    one_of(text, "upkeep", &Upkeep::ALL.map(Upkeep::as_str))
}

/// A failure class.
pub(crate) fn class(text: &str) -> Result<FailureClass, String> {
    one_of(text, "class", &FailureClass::ALL.map(FailureClass::as_str))
}

/// How far a file has come.
pub(crate) fn state(text: &str) -> Result<FileState, String> {
    one_of(text, "state", &FileState::ALL.map(FileState::as_str))
}

/// Reads one of `known`, or says which there are and which may be meant.
fn one_of<T: FromStr>(text: &str, kind: &str, known: &[&str]) -> Result<T, String> {
    text.parse().map_err(|_| format!("`{text}` is no {kind}{}", choices(text, known)))
}

/// "; did you mean …?", or else what there is.
pub(crate) fn choices<S: AsRef<str>>(text: &str, known: &[S]) -> String {
    match nearest(text, known.iter().map(AsRef::as_ref)) {
        Some(meant) => format!("; did you mean `{meant}`?"),
        None => {
            let known: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
            format!("; there are {}", known.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_anything_else_is_told_what_there_is() {
        assert_eq!(stage("load"), Ok(StageName::Load));
        assert_eq!(
            stage("trnasform").expect_err("a slip"),
            "`trnasform` is no stage; did you mean `transform`?"
        );
        assert_eq!(
            stage("x").expect_err("none"),
            "`x` is no stage; there are ingest, transform, load, export, derive, report, maintain, collect, catalog"
        );
        assert_eq!(
            class("poisn").expect_err("a slip"),
            "`poisn` is no class; did you mean `poison`?"
        );
        assert_eq!(
            state("faild").expect_err("a slip"),
            "`faild` is no state; did you mean `failed`?"
        );
    }
}
