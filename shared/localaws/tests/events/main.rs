//! Event buses and rules as the unmodified SDK sees them.

#![allow(clippy::unwrap_used)]

mod buses;
mod client;
mod firing;
mod rules;
mod sending;
