//! The queue port and its adapters: SQS, and one in memory that behaves like
//! it for tests.
//!
//! This is the only crate that names `aws-sdk-sqs`. Nobody outside it sees an
//! SDK type, a queue URL or the layout of a receipt handle.

mod batch;
mod error;
pub mod memory;
mod port;
mod spec;
mod sqs;

pub use batch::{MAX_BATCH, MAX_BATCH_BYTES};
pub use error::QueueError;
pub use port::{
    Attributes, Depth, Entries, Outgoing, Queue, Queues, REDRIVE_ATTRIBUTE, Receipt, Receive,
    Received, TRACE_ATTRIBUTE,
};
pub use spec::{QueueSpec, Redrive};
pub use sqs::{Permission, QueueFacts, Sqs};
