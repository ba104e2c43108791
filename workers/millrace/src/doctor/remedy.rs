//! What to do where AWS did not do what it was asked.

use millrace_queue::QueueError;
use millrace_retry::RequestError;

/// What mends a request that failed.
pub(super) fn of_request(error: &RequestError) -> String {
    let remedy = match error {
        RequestError::NotFound { .. } => {
            "create it: `terraform apply`, or `millrace dev` for a local stack; is this the right \
             account and region?"
        }
        RequestError::Denied { action, .. } => {
            return format!(
                "grant `{action}` to whoever runs this, and the use of its KMS key \
                 (`deploy/modules/stage` has what each stage needs)"
            );
        }
        RequestError::Throttled { .. } => "run it again in a while",
        RequestError::Invalid { .. } => "see what the service says; is its name or ARN right?",
        RequestError::Unavailable { .. } => {
            "is the endpoint up? `AWS_ENDPOINT_URL` names that of a local stack"
        }
    };
    remedy.to_owned()
}

/// What mends a request on a queue that failed.
pub(super) fn of_queue(error: &QueueError) -> String {
    match error {
        QueueError::Request(error) => of_request(error),
        QueueError::ReceiptExpired { .. } | QueueError::TooLarge { .. } => {
            "see what it says".to_owned()
        }
    }
}
