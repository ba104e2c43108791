//! Stage 3: Parquet becomes rows in a database.
//!
//! The outputs of one file are read back in order, batch by batch, with the
//! columns that their folders hold put back in, and go to the table in one
//! transaction with the commit record. A lost lease stops the commit. Small files
//! that come at the same time share a transaction.

mod handler;
mod small;

pub use handler::Load;
