//! Stage 1: object events become planned work.
//!
//! Every record of a message is decoded, matched to a dataset, or to several
//! that share their files, and registered for each of them in the ledger, which tells new versions from redeliveries, unchanged content
//! and late events. New versions go on to transform. What no dataset takes is
//! counted with its reason, never lost silently.

mod handler;

pub use handler::Ingest;
