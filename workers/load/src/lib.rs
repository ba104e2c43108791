//! Stage 3: Parquet becomes rows in a database.
//!
//! The outputs of one file are read back in order, batch by batch, with the
//! columns that their folders hold put back in, and go to the table in one
//! transaction with the commit record. A lost lease stops the commit.

mod handler;

pub use handler::Load;
