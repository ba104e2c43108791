//! Collecting: every message is in one object, once, whatever is delivered twice,
//! fails or is lost in between.

#![allow(clippy::unwrap_used)]

mod once;
mod source;
mod world;
