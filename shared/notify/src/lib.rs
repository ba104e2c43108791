//! What people and other systems are told: alerts by SNS, completion events by
//! EventBridge.
//!
//! What happens is written down in the ledger with what it tells of; a [`Courier`]
//! in every worker sends it, beside the work and never in its way. An outage, which
//! the ledger may be a part of, is told by [`Outages`]: once for the whole pipeline.
//! This is the only crate that names `aws-sdk-sns` and `aws-sdk-eventbridge`.

mod courier;
mod eventbridge;
#[cfg(test)]
mod fakes;
mod lateness;
mod marker;
mod message;
mod outage;
mod port;
mod probe;
mod sns;
mod text;

pub use courier::{Courier, CourierConfig};
pub use eventbridge::EventBridge;
pub use lateness::{Lateness, Standing};
pub use message::Message;
pub use outage::{OutageConfig, Outages};
pub use port::{Bus, Event, Topic};
pub use sns::{Sns, SnsTopic, Subscribers};
pub use text::{Told, render};
