//! A stack that suffices for the longest rule.

use std::io;
use std::panic::resume_unwind;
use std::thread::{Builder, scope};

/// DataFusion walks expressions by recursion and takes tens of kilobytes a level
/// where it is not optimised: a rule of some eighty conditions would overflow
/// the two megabytes of an ordinary thread. The memory is reserved, not used.
const STACK_BYTES: usize = 16 << 20;

/// The same for queries, which may be longer.
pub(crate) const QUERY_STACK_BYTES: usize = 128 << 20;

/// Runs `work` on a thread with a stack that suffices for any rule.
pub(crate) fn with_stack<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<T> {
    on_stack(STACK_BYTES, work)
}

/// Runs `work` on a thread with a stack that suffices for any query.
pub(crate) fn with_query_stack<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<T> {
    on_stack(QUERY_STACK_BYTES, work)
}

fn on_stack<T: Send>(bytes: usize, work: impl FnOnce() -> T + Send) -> io::Result<T> {
    scope(|scope| {
        let thread = Builder::new().stack_size(bytes).spawn_scoped(scope, work)?;
        Ok(thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}
