//! Stage 2: raw objects become Parquet and rejects.
//!
//! One object version is read front to back, typed, checked and written to the
//! lake under names that follow from its identity; then the load task is
//! recorded and sent on. A second delivery of the task finds the record and
//! sends the same again.

mod bridge;
mod columns;
mod error;
mod first_rows;
mod handler;
mod local;
mod references;
mod run;
mod selection;

pub use error::TransformError;
pub use first_rows::{FirstRows, first_rows};
pub use handler::Transform;
pub use local::{LocalOutcome, LocalTransform};
