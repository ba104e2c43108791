//! What tests of several crates share.

mod mysql;
mod postgres;
mod server;

pub use mysql::{MySqlDatabase, MySqlServer};
pub use postgres::{TestDatabase, TestServer};
