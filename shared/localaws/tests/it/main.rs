//! The endpoint as its users see it: over the wire, by unmodified SDKs.

#![allow(clippy::unwrap_used)]

mod client;
mod dead_letters;
mod fair;
mod fifo;
mod health;
mod messages;
mod move_tasks;
mod permissions;
mod queues;
mod receiving;
mod restart;
mod sns;
mod sns_fifo;
mod sns_http;
mod start;
mod visibility;
