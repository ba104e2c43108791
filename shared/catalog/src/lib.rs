//! Datasets of the lake as tables of Amazon Athena: the statements that make them,
//! the lists of objects that they read, and what QuickSight is told of them.
//!
//! The lake keeps the objects of superseded versions until they are removed, so a
//! table over a folder of Parquet would show rows twice. A table here is over lists
//! of objects instead ([`manifests`]): each partition has one, which names the live
//! objects, and is replaced whole, so that whoever reads sees the rows before or the
//! rows after. Pure: what is live comes from the ledger.

mod ddl;
mod hive;
mod manifest;
mod quicksight;
mod spec;
mod table;

pub use ddl::{add_partitions, create_database, create_table};
pub use hive::{INPUT_FORMAT, OUTPUT_FORMAT, SERDE, hive_type};
pub use manifest::{Manifest, manifests};
pub use quicksight::{data_set, s3_manifest};
pub use spec::{
    Change, ColumnSpec, DATASET, PIPELINE, PartitionChanges, PartitionSpec, TableSpec, digest,
};
pub use table::{CatalogTable, LiveObject, Partition, database_name, table_name};
