//! Named points, from a worker's start to the delete of a message, where a process
//! can be made to die, to freeze or to dawdle: what the crash tests are driven by.
//!
//! A build without debug assertions has none of it: [`reach`] is empty there and
//! no variable is read, so that no environment can stop a worker in production.
//! A variable of the environment rather than a cargo feature, since the binary
//! that is tested is then the one that every other test runs.
//!
//! ```text
//! MILLRACE_FAILPOINTS="load.after_commit=kill;transform.before_send=kill@3"
//! MILLRACE_FAILPOINTS_DIR=/tmp/fired
//! ```
//!
//! A point is `<stage>.<point>`. `@3` is the third time that a process reaches
//! it; without it the first. Every point fires once among all processes that
//! share the folder: whoever fires leaves a file of its name there, by which a
//! test also sees that it happened. Without a folder every process fires.
//!
//! `MILLRACE_FAILPOINTS_SLOW_MS=300` has every reach of every point take a random time
//! of up to 300 ms, so that whatever relies on who is first comes to light.

#[cfg(debug_assertions)]
mod plan;
mod point;

pub use point::Point;

/// Dies, freezes or dawdles here if the environment says so.
///
/// # Panics
/// In a build with debug assertions, if the environment can't be understood: a
/// test whose crash silently does not happen proves nothing.
#[inline]
pub fn reach(stage: &str, point: Point) {
    #[cfg(debug_assertions)]
    plan::of_environment().reach(stage, point);
    #[cfg(not(debug_assertions))]
    let _ = (stage, point);
}
