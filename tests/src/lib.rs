//! What tests of several crates share.

mod postgres;

pub use postgres::{TestDatabase, TestServer};
