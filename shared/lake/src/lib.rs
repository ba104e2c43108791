//! The lake read back: Parquet as the rows of one file, which the load stage
//! takes, and as tables, which SQL takes; and the rows that were rejected.

mod batches;
mod folder;
mod object;
mod parts;
mod rejects;
mod table;

pub use batches::{LakeError, Missing, batches, object_schema, rows_of};
pub use folder::{FolderError, ParquetFolder};
pub use object::LakeFile;
pub use parts::coalesced;
pub use rejects::{RejectReader, RejectsError};
pub use table::{LakeTable, TableError};
