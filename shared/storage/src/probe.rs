//! Whether a store answers at all: what a worker asks during an outage.

use millrace_retry::{Classify, FailureClass};

use crate::{Storage, StorageError};

/// Keys that nothing has.
const NOTHING: &str = "_probe/";

/// Asks for a listing of nothing. A refusal is an answer: who may not list the bucket
/// may still write to it, and a missing permission is for the message to tell.
///
/// # Errors
/// [`StorageError`] if the store is out of reach, or does not get to its work.
pub async fn answers(storage: &dyn Storage, bucket: &str) -> Result<(), StorageError> {
    match storage.list(bucket, NOTHING, None).await {
        Err(error) if is_down(error.class()) => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn is_down(class: FailureClass) -> bool {
    matches!(class, FailureClass::Outage | FailureClass::Throttled | FailureClass::Transient)
}
