//! A table and its partitions as a catalog of Athena's is told of them, and what of
//! that is other than before.

use std::collections::BTreeMap;

use millrace_contract::ColumnDef;
use sha2::{Digest, Sha256};

use crate::ddl::{projected, table_properties};
use crate::hive::hive_type;
use crate::table::CatalogTable;

/// The parameter that says which pipeline a table is of.
pub const PIPELINE: &str = "millrace.pipeline";

/// The parameter that says which dataset a table shows.
pub const DATASET: &str = "millrace.dataset";

/// What the parameters begin with by which partitions are reckoned.
const PROJECTION: &str = "projection.";

/// Letters of a column's comment ("Column", AWS Glue API Reference).
const MOST_COMMENT: usize = 255;

/// Letters of a table's description ("TableInput", AWS Glue API Reference).
const MOST_DESCRIPTION: usize = 2048;

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnSpec {
    /// Its name, in small letters.
    pub name: String,
    /// Its type, as Hive writes it.
    pub hive_type: String,
    /// What it is.
    pub comment: Option<String>,
}

/// A table as it is to be, or as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSpec {
    /// Its name.
    pub name: String,
    /// What its rows are.
    pub description: Option<String>,
    /// The folder of its lists, as an `s3://` URL.
    pub location: String,
    /// Columns that are in the objects.
    pub columns: Vec<ColumnSpec>,
    /// Columns that are in the names of partitions.
    pub partition_keys: Vec<ColumnSpec>,
    /// What it says of itself, ours and others'.
    pub parameters: BTreeMap<String, String>,
}

/// A partition as it is to be, or as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionSpec {
    /// Values of the partition columns, in order.
    pub values: Vec<String>,
    /// The folder of its list, as an `s3://` URL.
    pub location: String,
    /// Names its columns.
    pub columns: String,
}

/// What is to be done about a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It is not there.
    Create,
    /// It is as it is to be.
    Nothing,
    /// It differs in what can be changed.
    Update(TableSpec),
    /// It is partitioned by other columns, which can't be changed: the partitions that
    /// it has would have values of those.
    Replace,
    /// It is somebody else's.
    Refuse,
}

/// What is to be done about partitions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartitionChanges {
    /// Those that are not there.
    pub create: Vec<PartitionSpec>,
    /// Those that lie elsewhere or have other columns.
    pub update: Vec<PartitionSpec>,
    /// The values of those in which nothing lives any more.
    pub delete: Vec<Vec<String>>,
}

impl CatalogTable {
    /// The table of a pipeline's dataset; with `projection`, partitions are reckoned
    /// as [`create_table`](crate::create_table) has it.
    pub fn spec(&self, pipeline: &str, projection: Option<&str>) -> TableSpec {
        let own = [("EXTERNAL", "TRUE"), (PIPELINE, pipeline), (DATASET, &self.dataset)];
        let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
        TableSpec {
            name: self.name.clone(),
            description: self.comment.as_deref().map(|text| shortened(text, MOST_DESCRIPTION)),
            location: self.location(),
            columns: self.columns.iter().map(column).collect(),
            partition_keys: self.partitioned_by.iter().map(column).collect(),
            parameters: table_properties(self, projection).into_iter().chain(own).collect(),
        }
    }

    /// The partitions that are registered: those that have live objects, none where
    /// they are reckoned.
    pub fn partition_specs(&self, projection: Option<&str>) -> Vec<PartitionSpec> {
        if self.partitioned_by.is_empty() || projected(self, projection).is_some() {
            return Vec::new();
        }
        let columns = ColumnSpec::digest_of(&self.columns.iter().map(column).collect::<Vec<_>>());
        let (location, partitions) = (self.location(), self.partitions.iter());
        let spec = partitions.map(|partition| PartitionSpec {
            values: partition.values.clone(),
            location: format!("{location}{}", self.folder(partition)),
            columns: columns.clone(),
        });
        spec.collect()
    }
}

impl TableSpec {
    /// What is to be done for a table that was found as this, or was not.
    pub fn change(&self, found: Option<&Self>) -> Change {
        let Some(found) = found else { return Change::Create };
        let is_own = |name| found.parameters.get(name) == self.parameters.get(name);
        if !is_own(PIPELINE) || !is_own(DATASET) {
            return Change::Refuse;
        }
        let keys = |spec: &Self| {
            let keys = spec.partition_keys.iter();
            keys.map(|key| (key.name.clone(), key.hive_type.clone())).collect::<Vec<_>>()
        };
        if keys(self) != keys(found) {
            return Change::Replace;
        }
        let wanted = Self { parameters: self.with_those_of_others(found), ..self.clone() };
        match wanted == *found {
            true => Change::Nothing,
            false => Change::Update(wanted),
        }
    }

    /// Our parameters, and of what was found those that others wrote there.
    fn with_those_of_others(&self, found: &Self) -> BTreeMap<String, String> {
        let is_others = |name: &str| !name.starts_with(PROJECTION);
        let others = found.parameters.iter().filter(|(name, _)| is_others(name));
        let all = others.chain(&self.parameters);
        all.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// Names everything that it says.
    pub fn digest(&self) -> String {
        digest(&format!("{self:?}"))
    }
}

impl ColumnSpec {
    /// Names columns by what a reader sees of them, as [`PartitionSpec::columns`] does.
    /// Comments are the table's alone.
    pub fn digest_of(columns: &[Self]) -> String {
        let columns = columns.iter().map(|one| format!("{}:{}", one.name, one.hive_type));
        digest(&columns.collect::<Vec<_>>().join(","))
    }
}

impl PartitionChanges {
    /// What makes `wanted` of what was found.
    pub fn between(wanted: &[PartitionSpec], found: &[PartitionSpec]) -> Self {
        let by_values = |specs: &'_ [PartitionSpec]| -> BTreeMap<Vec<String>, PartitionSpec> {
            specs.iter().map(|spec| (spec.values.clone(), spec.clone())).collect()
        };
        let (wanted, found) = (by_values(wanted), by_values(found));
        let mut changes = Self::default();
        for (values, spec) in &wanted {
            match found.get(values) {
                None => changes.create.push(spec.clone()),
                Some(known) if known != spec => changes.update.push(spec.clone()),
                Some(_) => {}
            }
        }
        changes.delete = found.into_keys().filter(|values| !wanted.contains_key(values)).collect();
        changes
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.create.is_empty() && self.update.is_empty() && self.delete.is_empty()
    }
}

/// Names are folded, since Athena folds them.
fn column(column: &ColumnDef) -> ColumnSpec {
    ColumnSpec {
        name: column.name.to_lowercase(),
        hive_type: hive_type(column.data_type),
        comment: column.description.as_deref().map(|text| shortened(text, MOST_COMMENT)),
    }
}

/// On one line, since a catalog takes no other, and no longer than it takes.
fn shortened(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= most {
        return line;
    }
    line.chars().take(most - 1).chain(['…']).collect()
}

/// Sixteen hexadecimal digits that follow from a text.
pub fn digest(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use millrace_contract::DataType;

    use super::*;

    fn table() -> CatalogTable {
        let mut amount = ColumnDef::new("Amount", DataType::Int64);
        amount.description = Some("in\ncents".into());
        CatalogTable {
            name: "sales".into(),
            dataset: "sales".into(),
            comment: None,
            bucket: "lake".into(),
            columns: vec![amount],
            partitioned_by: vec![ColumnDef::new("day", DataType::Date)],
            partitions: ["2026-01-01", "2026-01-02"]
                .map(|day| crate::Partition {
                    values: vec![day.into()],
                    objects: Vec::new(),
                    rows: 0,
                    bytes: 0,
                })
                .into(),
        }
    }

    #[test]
    fn a_table_says_whose_it_is_and_what_is_the_same_needs_nothing() {
        let spec = table().spec("shop", None);
        assert_eq!(
            (spec.columns[0].name.as_str(), spec.location.as_str()),
            ("amount", "s3://lake/_symlinks/sales/")
        );
        assert_eq!(spec.columns[0].comment.as_deref(), Some("in cents"));
        assert_eq!(spec.parameters[DATASET], "sales");
        assert_eq!(spec.change(None), Change::Create);
        assert_eq!(spec.change(Some(&spec)), Change::Nothing);
        let mut found = spec.clone();
        found.parameters.insert("recordCount".into(), "7".into());
        assert_eq!(spec.change(Some(&found)), Change::Nothing, "others may write what they like");
        let theirs = table().spec("another", None);
        assert_eq!(spec.change(Some(&theirs)), Change::Refuse);
        found.parameters.clear();
        assert_eq!(spec.change(Some(&found)), Change::Refuse, "made by hand");
    }

    #[test]
    fn columns_evolve_and_what_others_wrote_stays() {
        let mut found = table().spec("shop", Some("2020-01-01,NOW"));
        found.parameters.insert("recordCount".into(), "7".into());
        let mut evolved = table();
        evolved.columns.push(ColumnDef::new("user", DataType::String));
        let Change::Update(wanted) = evolved.spec("shop", None).change(Some(&found)) else {
            panic!("it differs");
        };
        assert_eq!(wanted.columns[1].name, "user");
        assert_eq!(wanted.parameters["recordCount"], "7");
        assert!(!wanted.parameters.contains_key("projection.enabled"), "{wanted:?}");
        evolved.partitioned_by.clear();
        assert_eq!(evolved.spec("shop", None).change(Some(&found)), Change::Replace);
    }

    #[test]
    fn partitions_come_change_and_go() {
        let wanted = table().partition_specs(None);
        assert_eq!(wanted[0].location, "s3://lake/_symlinks/sales/day=2026-01-01/");
        assert!(table().partition_specs(Some("2020-01-01,NOW")).is_empty(), "they are reckoned");
        let gone = PartitionSpec { values: vec!["2025-12-31".into()], ..wanted[0].clone() };
        let other = PartitionSpec { columns: "other".into(), ..wanted[1].clone() };
        let changes = PartitionChanges::between(&wanted, &[gone.clone(), other]);
        assert_eq!(changes.create, wanted[..1]);
        assert_eq!(changes.update, wanted[1..]);
        assert_eq!(changes.delete, [gone.values]);
        assert!(PartitionChanges::between(&wanted, &wanted).is_empty());
    }

    #[test]
    fn a_long_comment_is_cut_at_a_letter() {
        let cut = shortened(&"ä".repeat(300), MOST_COMMENT);
        assert_eq!(cut.chars().count(), MOST_COMMENT);
        assert!(cut.ends_with('…'));
    }
}
