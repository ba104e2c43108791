//! The real binary as its users run it: real processes, a real endpoint, real
//! databases.
#![allow(clippy::unwrap_used, clippy::print_stderr, unreachable_pub)]

mod books;
mod chaos;
mod command_line;
mod crash_matrix;
mod crashes;
mod dead_letters;
mod doctor;
mod events;
mod evolving;
mod exports;
mod exports_crash;
mod faults;
mod fleet;
mod frozen;
mod house;
mod journey;
mod modes;
mod outages;
mod real_files;
mod replays;
mod rules;
mod scaling;
mod secrets;
mod sql;
mod stack;
mod telling;
mod warehouse;
mod workbench;
