//! The code that a request is refused with.

use std::fmt::Debug;

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};

/// The error code of a refused request. SQS's codes are told by their names in
/// the API reference, whichever of its two protocols' codes was answered.
pub(crate) fn refused<T: Debug, E, R>(answer: Result<T, SdkError<E, R>>) -> String
where
    E: ProvideErrorMetadata,
{
    let error = answer.expect_err("a refusal");
    let code = error.code().unwrap_or("an answer without an error code");
    documented(code.strip_prefix("AWS.SimpleQueueService.").unwrap_or(code)).to_owned()
}

fn documented(code: &str) -> &str {
    match code {
        "NonExistentQueue" => "QueueDoesNotExist",
        "QueueAlreadyExists" => "QueueNameExists",
        code => code,
    }
}
