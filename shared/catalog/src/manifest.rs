//! The lists of live objects that a table reads, one for each partition.

use crate::spec::digest;
use crate::table::CatalogTable;

/// A list of live objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Its key in the bucket of the lake.
    pub key: String,
    /// An `s3://` URL a line.
    pub text: String,
}

impl Manifest {
    /// The name of a list in its partition's folder.
    pub const NAME: &str = "manifest";

    /// Names what it lists.
    pub fn digest(&self) -> String {
        digest(&self.text)
    }
}

/// The lists of a table, in the order of its partitions.
///
/// A table that nothing lives in has one empty list where it is not partitioned, so
/// that it is empty and not unreadable.
pub fn manifests(table: &CatalogTable) -> Vec<Manifest> {
    let prefix = table.manifests_prefix();
    if table.partitions.is_empty() && table.partitioned_by.is_empty() {
        return vec![Manifest { key: format!("{prefix}{}", Manifest::NAME), text: String::new() }];
    }
    let manifest = |partition| {
        let text = partition_text(partition);
        Manifest { key: format!("{prefix}{}{}", table.folder(partition), Manifest::NAME), text }
    };
    table.partitions.iter().map(manifest).collect()
}

fn partition_text(partition: &crate::Partition) -> String {
    partition.objects.iter().map(|url| format!("{url}\n")).collect()
}
