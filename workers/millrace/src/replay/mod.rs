//! Going through files again: which way each can go, and setting it on that way.

mod choose;
mod send;

pub(crate) use choose::{From, Way, again, mend};
pub(crate) use send::{Sender, Sent};
