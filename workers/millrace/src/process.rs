//! The process that a command runs in: its allocator, its threads, its end.

use std::process::ExitCode;

use mimalloc::MiMalloc;

use crate::args::Args;
use crate::{commands, exit};

/// A request and a page of Parquet are many short-lived allocations, made on one
/// thread and freed on another.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// What a worker's process is started with, beside its own environment: the allocator
/// gives back what was freed after 10 ms in place of a second. A file with large row
/// groups takes a quarter less memory so. The image says the same. Huge pages, which a
/// few bytes in each keep whole, are off by the crate's feature: on machines that give
/// them they were another fifth.
pub(crate) const ALLOCATOR_SETTING: (&str, &str) = ("MIMALLOC_PURGE_DELAY", "10");

/// Runs the command that was asked for to its end.
pub(crate) fn run(args: Args) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit::failed(&error.into()),
    };
    let outcome = runtime.block_on(commands::run(args));
    // A thread may still wait on standard input; it must not hold up the exit.
    runtime.shutdown_background();
    match outcome {
        Ok(code) => code,
        Err(error) => exit::failed(&error),
    }
}
