//! A dataset as a table: its columns, and its live objects by partition.

use std::collections::BTreeMap;

use millrace_contract::{ColumnDef, Dataset, Output};

/// What stands for null in the name of a partition, as Hive has it.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// An object whose rows are live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveObject {
    /// Bucket.
    pub bucket: String,
    /// The object.
    pub output: Output,
}

/// A dataset as a table.
#[derive(Debug, Clone, PartialEq)]
pub struct CatalogTable {
    /// The table's name: the dataset's, in the letters that Athena takes.
    pub name: String,
    /// The dataset.
    pub dataset: String,
    /// What its rows are.
    pub comment: Option<String>,
    /// The bucket of the lake.
    pub bucket: String,
    /// Columns that are in the objects.
    pub columns: Vec<ColumnDef>,
    /// Columns that are in the names of partitions.
    pub partitioned_by: Vec<ColumnDef>,
    /// Partitions that have live objects, in the order of their values; one without
    /// values where nothing is partitioned.
    pub partitions: Vec<Partition>,
}

/// A partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Values of the partition columns, in order.
    pub values: Vec<String>,
    /// `s3://` URLs of its live objects, in order.
    pub objects: Vec<String>,
    /// Rows of all of them.
    pub rows: u64,
    /// Bytes of all of them.
    pub bytes: u64,
}

impl CatalogTable {
    /// The table of a dataset whose rows have these columns, and lie in these objects.
    pub fn new(
        dataset: &Dataset,
        bucket: &str,
        columns: &[ColumnDef],
        objects: &[LiveObject],
    ) -> Self {
        let by = &dataset.parquet.partition_by;
        let is_partition = |column: &&ColumnDef| by.contains(&column.name);
        let partitioned_by = by
            .iter()
            .filter_map(|name| columns.iter().find(|column| column.name == *name).cloned());
        Self {
            name: table_name(&dataset.name),
            dataset: dataset.name.clone(),
            comment: dataset.description.clone(),
            bucket: bucket.to_owned(),
            columns: columns.iter().filter(|column| !is_partition(column)).cloned().collect(),
            partitioned_by: partitioned_by.collect(),
            partitions: partitions(objects),
        }
    }

    /// What the keys of its lists begin with.
    pub fn manifests_prefix(&self) -> String {
        format!("_symlinks/{}/", self.dataset)
    }

    /// The folder of its lists, as an `s3://` URL.
    pub fn location(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.manifests_prefix())
    }

    /// The folder of a partition below that: `year=2024/`; nothing where there are no
    /// partitions.
    pub fn folder(&self, partition: &Partition) -> String {
        let named = self.partitioned_by.iter().zip(&partition.values);
        named.map(|(column, value)| format!("{}={}/", column.name, escaped(value))).collect()
    }

    /// Rows of all partitions.
    pub fn rows(&self) -> u64 {
        self.partitions.iter().map(|partition| partition.rows).sum()
    }

    /// Bytes of all partitions.
    pub fn bytes(&self) -> u64 {
        self.partitions.iter().map(|partition| partition.bytes).sum()
    }

    /// Objects of all partitions.
    pub fn objects(&self) -> usize {
        self.partitions.iter().map(|partition| partition.objects.len()).sum()
    }
}

/// A name of small letters, digits and `_` ("Name databases, tables, and columns",
/// Amazon Athena User Guide).
pub fn table_name(name: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    name.chars().map(letter).collect()
}

/// The database that a pipeline's tables are in unless it says otherwise: its name, in
/// the letters that Athena takes.
pub fn database_name(pipeline: &str) -> String {
    table_name(pipeline)
}

fn partitions(objects: &[LiveObject]) -> Vec<Partition> {
    let mut by_values: BTreeMap<Vec<String>, Partition> = BTreeMap::new();
    for LiveObject { bucket, output } in objects {
        let value = |(_, value): &(String, Option<String>)| {
            value.clone().unwrap_or_else(|| NULL.to_owned())
        };
        let values: Vec<String> = output.partition.iter().map(value).collect();
        let partition = by_values.entry(values.clone()).or_insert_with(|| Partition {
            values,
            objects: Vec::new(),
            rows: 0,
            bytes: 0,
        });
        partition.objects.push(format!("s3://{bucket}/{}", output.key));
        partition.rows += output.rows;
        partition.bytes += output.bytes;
    }
    by_values.into_values().collect()
}

/// A value as part of a key, as Hive writes those of partitions: what has a meaning
/// there is `%xx`.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '"' | '#' | '%' | '\'' | '*' | '/' | ':' | '=' | '?' | '\\' | '{' | '[' | ']' | '^' => {
                text.push_str(&format!("%{:02X}", u32::from(c)));
            }
            c if c.is_ascii_control() => text.push_str(&format!("%{:02X}", u32::from(c))),
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_folders_are_such_as_athena_takes() {
        assert_eq!(table_name("My-Orders_2"), "my_orders_2");
        assert_eq!(escaped("a/b=c %"), "a%2Fb%3Dc %25");
        assert_eq!(escaped("2026-01-01"), "2026-01-01");
    }

    #[test]
    fn objects_come_together_by_partition_and_null_is_one() {
        let object = |key: &str, value: Option<&str>| LiveObject {
            bucket: "lake".into(),
            output: Output {
                key: key.into(),
                rows: 2,
                bytes: 10,
                first_row: None,
                partition: vec![("day".into(), value.map(str::to_owned))],
                carried: None,
            },
        };
        let all = [
            object("b", Some("2")),
            object("a", Some("1")),
            object("c", Some("2")),
            object("d", None),
        ];
        let found = partitions(&all);
        let values: Vec<&str> =
            found.iter().map(|partition| partition.values[0].as_str()).collect();
        assert_eq!(values, ["1", "2", NULL]);
        assert_eq!((found[1].rows, found[1].bytes), (4, 20));
        assert_eq!(found[1].objects, ["s3://lake/b", "s3://lake/c"]);
    }
}
