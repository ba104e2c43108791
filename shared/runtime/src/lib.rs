//! The consumer: receives messages, keeps their leases alive while a handler
//! works, and settles what the handler says happened.
//!
//! It knows no stage and no dataset. A stage is a [`Handler`]; a handler never
//! sees a receipt or an AWS type. The same words as in SQS: a message is
//! *received*, *hidden* for its visibility timeout, *deleted* or comes back.

mod adoption;
mod attempt;
mod batcher;
mod capacity;
mod claim;
mod config;
mod context;
mod dead_letter;
mod delivery;
mod failed;
mod fair;
mod fingerprint;
mod handler;
mod heartbeat;
mod lease;
mod liveness;
pub mod metrics;
mod observer;
mod outage;
mod outcome;
mod part;
mod place;
mod poll;
mod protection;
mod report;
mod requests;
mod settle;
pub mod shutdown;
mod summary;
pub mod telemetry;
mod tending;
mod trace_context;
mod worker;

pub use claim::{claim_lost, until_free};
pub use config::{ConfigError, WorkerConfig};
pub use dead_letter::{DeadCopy, DeadLetter, FailureLog, FailureLogError, Standing};
pub use delivery::Delivery;
pub use failed::Failed;
pub use fingerprint::fingerprint;
pub use handler::Handler;
pub use lease::{Lease, LeaseLost};
pub use liveness::{Liveness, Stuck};
pub use observer::{Ending, Observer, Settlement};
pub use outage::probe_pause;
pub use outcome::{Counts, Done, Failure, Forward, Outcome, Reason, Subject};
pub use part::{Part, part};
pub use protection::{ProtectionError, TaskProtection};
pub use summary::Summary;
pub use tending::{DeadLetterQueue, Limit, TendError, Tended};
pub use trace_context::{TRACEPARENT_ATTRIBUTE, TraceContext};
pub use worker::{Worker, WorkerError};
