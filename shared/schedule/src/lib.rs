//! AWS schedule expressions, and when they fire.
//!
//! ```
//! use chrono::{DateTime, Utc};
//! use chrono_tz::Europe::Berlin;
//! use millrace_schedule::Schedule;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let schedule: Schedule = "cron(0 2 ? * MON-FRI *)".parse()?;
//! let friday: DateTime<Utc> = "2026-11-20T12:00:00Z".parse()?;
//! let monday = schedule.next_after(friday, Berlin);
//! assert_eq!(monday, Some("2026-11-23T01:00:00Z".parse()?));
//! # Ok(())
//! # }
//! ```
//!
//! Sources: "Schedule types in EventBridge Scheduler" (Scheduler User Guide),
//! "Cron expressions reference" and "Rate expressions reference" (EventBridge
//! User Guide). Nothing here reads a clock.
//!
//! A cron expression follows the wall clock of its time zone. A time that the
//! clock skips in spring is not fired; one that it shows twice in autumn is
//! fired once, the first time. A day of a rate is 24 hours.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod at;
mod cron;
mod days;
mod error;
mod expected;
mod field;
mod rate;
mod schedule;
mod span;
mod zone;

pub use at::At;
pub use cron::Cron;
pub use error::ScheduleError;
pub use expected::{Expected, Late};
pub use rate::{Rate, RateUnit};
pub use schedule::Schedule;
