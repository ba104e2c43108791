//! Stage 2: raw objects become Parquet and rejects.
//!
//! One object version is read front to back, typed, checked and written to the
//! lake under names that follow from its identity; then the load task is
//! recorded and sent on. A second delivery of the task finds the record and
//! sends the same again.

mod bridge;
mod error;
mod handler;
mod outputs;
mod references;
mod run;

pub use error::TransformError;
pub use handler::Transform;
