//! The maintain stage: what was lost is found, small objects are joined, and what
//! nobody needs any more is removed.
//!
//! Each kind of upkeep is here as functions that a worker runs by the clock and the
//! command line by hand. All of it may be repeated, cut short and done twice at once:
//! what is sent again is known for what it is, what is joined has one placement, and
//! what is removed was needed by nobody.

mod compact;
mod failed;
mod handler;
mod reconcile;
mod retention;
mod site;

pub use compact::{Bin, Compactor};
pub use failed::UpkeepError;
pub use handler::Maintain;
pub use reconcile::{Lost, Page, Reconciler, Resent, Stuck};
pub use retention::Retirement;
pub use site::{Permit, Site};

/// The stage whose failpoints lie here.
pub(crate) const STAGE: &str = "maintain";
