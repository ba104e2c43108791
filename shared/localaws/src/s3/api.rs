//! The S3 operations, as `s3s` hands them over.

use std::sync::Arc;

use crate::sink::EventSink;

/// Implements the operations.
pub(super) struct Api {
    _region: String,
    _account: String,
    _sink: Arc<dyn EventSink>,
}

impl Api {
    /// An API over a store.
    pub(super) fn new(region: &str, account: &str, sink: Arc<dyn EventSink>) -> Self {
        Self { _region: region.to_owned(), _account: account.to_owned(), _sink: sink }
    }
}

impl s3s::S3 for Api {}
