//! What AWS documents, one check per behaviour, asked over the real SDKs.
//!
//! Each check's doc comment says the behaviour and, in brackets, the page or
//! API action that it is documented in. By default each starts an endpoint of
//! its own. With `MILLRACE_BEHAVIOUR_ENDPOINT=http://host:port` all of them ask
//! that endpoint instead, under names of their own: `tests/compare-aws` makes
//! `DIFFERENCES.md` so.

#![allow(clippy::unwrap_used)]

mod aws;
mod ecs;
mod events;
mod eventually;
mod queue;
mod refusal;
mod s3;
mod scheduler;
mod secrets;
mod sns;
mod sqs;
mod sts;
