//! The collect stage: messages become objects of the raw bucket, in batches, and
//! the object's own event starts its journey.
//!
//! A message waits in a batch of its stream until that is full or old
//! enough. The batch is then staged, committed in the ledger under the names of
//! its messages, and published; only then are its messages done. Whoever dies in
//! between leaves either nothing or a batch that anybody can publish: `design.md`
//! beside this code has the argument.
//!
//! SQS is the source that ships, by the [`Handler`](millrace_runtime::Handler) that
//! [`Collect`] is. Any other source hands its records to a [`Collector`], see
//! [`Record`] and [`Hold`].

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod collector;
mod compact;
mod encode;
mod entry;
mod failed;
mod gather;
mod handler;
mod publish;
mod read;
mod record;
mod tend;
mod write;

pub use collector::{Collected, Collector, Settings};
pub use failed::NotCollected;
pub use handler::Collect;
pub use record::{Hold, Record};
