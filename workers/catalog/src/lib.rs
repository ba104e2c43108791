//! The catalog stage: datasets of the lake become tables that Athena finds.
//!
//! A message says which dataset changed, and not what. The dataset is claimed, what
//! lives is read from the ledger, and the lists, the table and the partitions are made
//! what they are to be; then the ledger knows. All of it may be repeated, cut short and
//! asked for out of order: who comes last goes by the newest ledger.

mod apply;
mod error;
mod handler;
mod lists;
mod plan;
mod shown;
mod site;

pub use error::RegisterError;
pub use handler::{Registered, Registrar};
pub use lists::{keys, write};
pub use plan::Plan;
pub use shown::{Shown, shown};
pub use site::{Permit, Site};

/// The stage whose failpoints lie here.
pub(crate) const STAGE: &str = "catalog";
