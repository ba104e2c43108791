//! The crate from outside: bytes in, Parquet and rejects out.
#![allow(clippy::unwrap_used)]

mod archives;
mod blocks;
mod books;
mod columns;
mod csv;
mod defaults;
mod dialects;
mod documents;
mod evolving;
mod judged;
mod ndjson;
mod nested;
mod parquet_in;
mod parquet_out;
mod random;
mod real_data;
mod replays;
mod rescue;
mod reshape;
mod rules;
mod sniff;
mod support;
mod workbooks;
mod xlsx;
