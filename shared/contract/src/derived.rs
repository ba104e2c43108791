//! Datasets made of datasets: what is run when, beside the definition that every
//! dataset has.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::identity::fingerprint;
use crate::{ContractVersion, ExportSchedule, FileId, ObjectVersion, Sequencer};

/// What the keys of derived files begin with. No object of a bucket has such a
/// key: it names what a query made, as a key names what somebody published.
pub const DERIVED_SCHEME: &str = "derive://";

/// When a derived dataset is made of which others. Its columns, its SQL and its
/// table are in the dataset of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derived {
    /// Name: that of the dataset.
    pub name: String,
    /// The datasets that its SQL reads, in the order in which it names them.
    pub inputs: Vec<String>,
    /// Whether it is made again when files of its inputs are loaded.
    pub on_change: bool,
    /// How long changes are gathered before it is made again, and how long it
    /// rests at least between two beginnings.
    pub debounce: Duration,
    /// What has to be there before a change counts.
    pub after: Option<After>,
    /// When it is made by the clock, if it is.
    pub schedule: Option<ExportSchedule>,
    /// What is written again.
    pub refresh: Refresh,
}

/// Inputs that are waited for together: "after both users and transactions of
/// the day".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After {
    /// The inputs.
    pub all: Vec<String>,
    /// What the patterns of all of them capture: files with the same value belong
    /// together.
    pub per: String,
}

/// What of a derived dataset is written and loaded again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Refresh {
    /// All of it, if any row is another.
    #[default]
    Full,
    /// The partitions of which any row is another.
    Partition,
}

impl Derived {
    /// The key of what a query made: all of it, or one partition, whose folders
    /// are `partition` (`dt=2026-01-31`).
    pub fn key(&self, partition: &str) -> String {
        match partition {
            "" => format!("{DERIVED_SCHEME}{}", self.name),
            partition => format!("{DERIVED_SCHEME}{}/{partition}", self.name),
        }
    }

    /// What run `number` made under a key, in the shape of an object's version:
    /// of two the later run's is the newer one. `rows` names the rows, whatever
    /// their order.
    pub fn version(&self, bucket: &str, partition: &str, number: u64, rows: &str) -> ObjectVersion {
        ObjectVersion {
            bucket: bucket.to_owned(),
            key: self.key(partition),
            version_id: None,
            // Rows that go back to what they were are a new version all the same.
            etag: format!("{rows}-{number}"),
            // Sequencers are compared as if filled up with zeros on the right.
            sequencer: Some(Sequencer::new(format!("{number:016X}"))),
            size: None,
        }
    }

    /// Names what a run is made of: the files of every input, by dataset, and the
    /// SQL.
    pub fn inputs_name(contract: &ContractVersion, inputs: &[(&str, Vec<&FileId>)]) -> String {
        let mut parts = vec![contract.as_str().to_owned()];
        for (dataset, files) in inputs {
            let mut files: Vec<&str> = files.iter().map(|file| file.as_str()).collect();
            files.sort_unstable();
            parts.push(fingerprint(&[&[*dataset], files.as_slice()].concat()));
        }
        fingerprint(&parts.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Names what the rows of a partition come from: tables, each with its columns and
    /// with the part of it that has to be read, and the SQL.
    pub fn origin_name(contract: &ContractVersion, parts: &[[&str; 3]]) -> String {
        let mut words = vec![contract.as_str()];
        words.extend(parts.as_flattened());
        fingerprint(&words)
    }

    /// Names a run, as a file's id names a file: the keys of what it writes begin
    /// with it.
    pub fn run_id(&self, number: u64, inputs: &str) -> FileId {
        Self::run_id_of(&self.name, number, inputs)
    }

    /// The same for the dataset of this name.
    pub fn run_id_of(dataset: &str, number: u64, inputs: &str) -> FileId {
        FileId::from_parts(&["derive", dataset, &number.to_string(), inputs])
    }

    /// Names the rows of several partitions, each given by its folders and what
    /// names its own rows.
    pub fn rows_name(parts: &[(String, &str)]) -> String {
        let mut parts = parts.to_vec();
        parts.sort_unstable();
        let parts: Vec<&str> =
            parts.iter().flat_map(|(folders, rows)| [folders.as_str(), rows]).collect();
        fingerprint(&parts)
    }

    /// What names the rows of a version that [`Derived::version`] made.
    pub fn rows_of(version: &ObjectVersion) -> &str {
        version.etag.rsplit_once('-').map_or(version.etag.as_str(), |(rows, _)| rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_run_is_a_newer_version_of_its_key() {
        let derived = Derived {
            name: "spent".into(),
            inputs: Vec::new(),
            on_change: true,
            debounce: Duration::ZERO,
            after: None,
            schedule: None,
            refresh: Refresh::Partition,
        };
        let version = |number| derived.version("lake", "dt=2026-01-31", number, "abc");
        assert_eq!(version(1).key, "derive://spent/dt=2026-01-31");
        assert_eq!(derived.key(""), "derive://spent");
        assert!(version(16).sequencer > version(2).sequencer);
        assert!(version(256).sequencer > version(16).sequencer);
        assert_ne!(version(1).etag, version(2).etag);
        assert_eq!(Derived::rows_of(&version(2)), "abc");
    }
}
