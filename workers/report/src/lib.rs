//! The report stage: queries become a page of charts, by the clock or by hand.
//!
//! A run is known by its report, the time it is for and its parameters. It is
//! claimed in the ledger, reads the rows of each chart, writes a picture of each
//! under a name that follows from the report, then the page, which is the last, and
//! its end in the ledger. Then people are told, at least once. Whoever dies in
//! between leaves no page, and the next attempt writes the same objects again.

mod handler;
mod local;
mod made;
mod publish;
mod source;
mod told;

pub use handler::{Announce, Reports};
pub use local::local_time;
pub use made::{Made, Moment, ReportFile, make};
pub use source::{Lake, Source};
