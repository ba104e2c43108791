//! The stages' services on ECS: how many workers are wanted and how many run;
//! and, from inside, the task that a worker runs in.
//!
//! The only user of the ECS SDK. It speaks to ECS in the cloud and to the
//! embedded one alike; there the tasks are processes of this machine.

mod agent;
mod provision;
mod services;

pub use agent::{Agent, AgentError};
pub use provision::ServiceSpec;
pub use services::{ServiceState, Services};
