//! Sending dead letters again: what each is sent as, the sending itself, and what
//! became of those that went first. `design.md` beside this file says why SQS is not
//! left to do it.
//!
//! A message is sent, then marked as sent again. Whoever is interrupted in between
//! may give the command again: a message that is handled twice has its effect once.

mod body;
mod canary;
mod plan;
mod send;

pub(crate) use body::check_body;
pub(crate) use canary::{Canaries, settle};
pub(crate) use plan::{Plan, Planner};
pub(crate) use send::{AT_A_TIME, Line, Outcome, Redriver};
