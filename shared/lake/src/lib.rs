//! The lake's Parquet, read back: as the rows of one file, which the load stage
//! takes, and as tables, which SQL takes.

mod batches;
mod folder;
mod object;
mod table;

pub use batches::{LakeError, Missing, batches};
pub use folder::{FolderError, ParquetFolder};
pub use table::{LakeTable, TableError};
