//! The catalog port: where databases, tables and partitions are registered, so that
//! Athena finds the lake.
//!
//! [`Glue`] is AWS Glue's Data Catalog, and this crate the only user of its SDK. It
//! speaks to Glue in the cloud and to the embedded one alike.

mod error;
mod glue;
mod partitions;
mod port;
mod wire;

pub use error::CatalogError;
pub use glue::Glue;
pub use port::Catalog;
