//! Going through files again: which way each can go, and setting it on that way.

mod choose;
mod send;

pub(crate) use choose::{From, SQL_AGAIN, Way, again, in_the_way, mend, merges};
pub(crate) use send::{Anew, Sender, Sent};
