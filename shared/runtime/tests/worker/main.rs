//! A worker against queues in memory, under a paused clock, with faults
//! injected between the two.

#![allow(clippy::unwrap_used)]

mod adopting;
mod batching;
mod chaos;
mod dead_letters;
mod flaky;
mod leases;
mod log;
mod outages;
mod polling;
mod settling;
mod stopping;
mod watching;
mod world;
