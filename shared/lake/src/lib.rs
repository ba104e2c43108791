//! The lake: objects written to it, which transform and derive do; and read back,
//! Parquet as the rows of one file, which the load stage takes, and as tables,
//! which SQL takes, and the rows that were rejected.

mod batches;
mod folder;
mod object;
mod outputs;
mod parts;
mod rejects;
mod table;
mod upload;

pub use batches::{LakeError, Missing, batches, object_schema, rows_of};
pub use folder::{FolderError, ParquetFolder};
pub use object::LakeFile;
pub use outputs::{LakeSink, Names, SmallObjects};
pub use parts::coalesced;
pub use rejects::{RejectReader, RejectsError};
pub use table::{LakeTable, Live, TableError, live, live_files, live_of, tables_of};
pub use upload::FirstError;
