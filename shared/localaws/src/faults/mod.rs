//! Faults on purpose: what an endpoint does wrong because it was told to.
//!
//! Everything that can go wrong between a client and AWS, or between two
//! services of AWS, can be made to: seeded, so that the same plan and the same
//! requests give the same faults, and counted, so that a test knows what it
//! has survived.

mod answer;
mod body;
mod engine;
mod glob;
mod plan;

pub use self::engine::{FaultCount, Faults};
pub use self::plan::{FaultPlan, FaultPlanError};

pub(crate) use self::answer::refusal;
pub(crate) use self::body::cut;
pub(crate) use self::engine::{Ending, Handover, Refusal};
