//! Objects in buckets: the port the stages use, and S3 behind it.
//!
//! The port is small and dyn-safe. Reading resumes after a cut connection and
//! stays pinned to one version ([`ObjectReader`]); writing shows nothing until
//! it is finished ([`ObjectWriter`]). Both hold a bounded amount of memory,
//! however large the object. This is the only crate that names `aws-sdk-s3`.

mod admin;
mod error;
mod inspect;
mod marker;
mod memory;
mod port;
mod probe;
mod reader;
mod s3;
mod writer;

pub use admin::{BucketAdmin, Notification};
pub use error::StorageError;
pub use inspect::BucketFacts;
pub use marker::{Marker, Markers};
pub use memory::MemoryStorage;
pub use port::{
    ByteStream, Download, Links, ListedObject, Listing, NewestVersion, ObjectRef, Pin, Storage,
    Stored, UploadPart,
};
pub use probe::answers;
pub use reader::ObjectReader;
pub use s3::S3Storage;
pub use writer::{ObjectWriter, PART_BYTES};
