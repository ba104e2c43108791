//! The crate from outside: bytes in, Parquet and rejects out.
#![allow(clippy::unwrap_used)]

mod archives;
mod books;
mod columns;
mod csv;
mod dialects;
mod documents;
mod ndjson;
mod random;
mod real_data;
mod reshape;
mod support;
