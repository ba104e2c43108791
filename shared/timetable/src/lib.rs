//! What fires by the clock: the schedules of a pipeline, which are those of one
//! group of EventBridge Scheduler.
//!
//! The only user of the Scheduler SDK. It speaks to Scheduler in the cloud and to
//! the embedded one alike.

mod provision;
mod timetable;

pub use provision::ScheduleSpec;
pub use timetable::{ScheduleEntry, Timetable};
