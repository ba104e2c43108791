//! What tests of several crates share.

mod mysql;
mod postgres;
mod server;

pub use mysql::MySqlDatabase;
pub use postgres::{TestDatabase, TestServer};
