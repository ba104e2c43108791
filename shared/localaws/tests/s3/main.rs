//! The embedded S3 as the unmodified SDK sees it.

#![allow(clippy::unwrap_used)]

mod buckets;
mod checksums;
mod client;
mod conditions;
mod copying;
mod documents;
mod durability;
mod forms;
mod lifecycle;
mod listing;
mod multipart;
mod notification;
mod objects;
mod raw;
mod versions;
