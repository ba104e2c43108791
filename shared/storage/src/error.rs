//! What can go wrong with an object, by meaning; the wire is mapped here once.

use millrace_retry::{Classify, FailureClass, Grant};
use thiserror::Error;

/// A storage call that failed.
#[derive(Debug, Error)]
pub enum StorageError {
    /// No such key, or no such version of it.
    #[error("object `{url}` does not exist (any more)")]
    NotFound {
        /// The object, as an `s3://` URL.
        url: String,
    },
    /// No such bucket.
    #[error("bucket `{bucket}` does not exist; create it or mend `[lake]` in the pipeline file")]
    NoBucket {
        /// Bucket name.
        bucket: String,
    },
    /// The object is no longer the version that was asked for.
    #[error("object `{url}` was overwritten since its event: it no longer has the ETag `{etag}`")]
    Changed {
        /// The object, as an `s3://` URL.
        url: String,
        /// The ETag that was asked for.
        etag: String,
    },
    /// There is an object already where there should be none.
    #[error("object `{url}` exists already")]
    Exists {
        /// The object, as an `s3://` URL.
        url: String,
    },
    /// Not allowed to.
    #[error("access to `{url}` denied: grant the worker's role {grant} (`{detail}`)")]
    Denied {
        /// The object or bucket, as an `s3://` URL.
        url: String,
        /// What is missing.
        grant: Grant,
        /// What the service said.
        detail: String,
    },
    /// Asked too fast.
    #[error("S3 asks to slow down on `{url}`: {detail}")]
    Throttled {
        /// The object or bucket, as an `s3://` URL.
        url: String,
        /// What the service said.
        detail: String,
    },
    /// The endpoint can't be reached at all.
    #[error("S3 can't be reached for `{url}`: {detail}; is the endpoint right and up?")]
    Unreachable {
        /// The object or bucket, as an `s3://` URL.
        url: String,
        /// What the transport said.
        detail: String,
    },
    /// The service or the connection failed; another try may succeed.
    #[error("S3 failed on `{url}`: {detail}")]
    Failed {
        /// The object or bucket, as an `s3://` URL.
        url: String,
        /// What the service or the transport said.
        detail: String,
    },
    /// The call can't succeed as it was made.
    #[error("S3 refused the request for `{url}`: {detail}")]
    Refused {
        /// The object or bucket, as an `s3://` URL.
        url: String,
        /// What the service said.
        detail: String,
    },
}

impl Classify for StorageError {
    fn class(&self) -> FailureClass {
        match self {
            Self::NotFound { .. } | Self::Changed { .. } => FailureClass::Missing,
            Self::NoBucket { .. } | Self::Denied { .. } => FailureClass::Denied,
            Self::Throttled { .. } => FailureClass::Throttled,
            Self::Unreachable { .. } => FailureClass::Outage,
            Self::Failed { .. } => FailureClass::Transient,
            Self::Exists { .. } | Self::Refused { .. } => FailureClass::Poison,
        }
    }
}
