//! The embedded SQS under load, in a process of its own: what is left after it
//! is killed, and how much memory it takes.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

#[path = "../it/client.rs"]
#[allow(dead_code)]
mod client;
mod killed;
mod known;
mod memory;
mod process;
