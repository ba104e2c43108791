//! One contract, held by the ledger on every database: SQLite in a temporary
//! folder, PostgreSQL and MariaDB where they are installed.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod batches;
mod catalogs;
mod columns;
mod connecting;
mod contracts;
mod dead_letters;
mod derivations;
mod exports;
mod failures;
mod found;
mod freshness;
mod history;
mod joined;
mod journey;
mod live;
mod migrations;
mod outages;
mod pace;
mod registering;
mod replays;
mod reports;
mod support;
mod telling;
mod tls;
mod together;
mod upkeep;
