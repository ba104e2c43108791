//! The commands on a file of this machine: no AWS, no ledger, no database.

mod infer;
mod preview;
mod reading;
mod transform;

pub(super) use infer::run as infer;
pub(super) use preview::run as preview;
pub(super) use transform::run as transform;
