//! What goes wrong on purpose, whom strict endpoints let in, and driven time.

#![allow(clippy::unwrap_used)]

#[path = "../it/client.rs"]
#[allow(dead_code)]
mod client;

mod clock;
mod keys;
mod requests;
mod setup;
