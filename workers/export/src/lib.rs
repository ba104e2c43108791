//! The export stage: rows of a database become objects, by the clock or by hand.
//!
//! A run is known by its export, the time it is for and its parameters. It is
//! claimed in the ledger, reads one snapshot, writes objects of bounded size
//! under names that follow from the run, then the manifest that says they are
//! all there, and last its end in the ledger, with which an incremental export's
//! watermark moves. Whoever dies in between leaves nothing that says it is
//! complete, and the next attempt writes the same objects again.

mod folder;
mod handler;
mod manifest;
mod objects;
mod run;

pub use handler::Exports;
pub use manifest::{Manifest, ManifestColumn, ManifestWatermark};
