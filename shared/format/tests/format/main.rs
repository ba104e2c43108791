//! The crate from outside: bytes in, Parquet and rejects out.
#![allow(clippy::unwrap_used)]

mod books;
mod csv;
mod ndjson;
mod random;
mod real_data;
mod support;
