//! What of a run is other than before: the parts that are replaced on their own,
//! each a file of the dataset to the rest of the pipeline.

use std::collections::BTreeMap;

use millrace_contract::{
    Captures, ColumnDef, ContractVersion, Derived, FileId, LoadTask, Output, Refresh, RowBalance,
};
use millrace_format::{Made, partition_path};
use millrace_lake::Names;

use crate::kept::Kept;

/// A part: all rows, or those of a partition.
#[derive(Debug, Default)]
struct Part {
    rows: u64,
    outputs: Vec<Output>,
    /// What names the rows of its partitions, each with its folders.
    digests: Vec<(String, String)>,
}

/// What files are made with.
pub(crate) struct Making<'a> {
    pub(crate) derived: &'a Derived,
    pub(crate) contract: &'a ContractVersion,
    /// The lake's bucket.
    pub(crate) lake: &'a str,
    pub(crate) number: u64,
    pub(crate) names: &'a Names,
    pub(crate) columns: &'a [ColumnDef],
    pub(crate) trace_id: &'a str,
}

impl Making<'_> {
    /// The files that are other than those of `live`, in the order of their keys.
    /// What is no longer there is a file without rows; what is kept is left alone.
    pub(crate) fn files(&self, made: &Made, live: &[LoadTask], kept: &Kept) -> Vec<LoadTask> {
        let mut parts = self.parts(made);
        for file in live.iter().filter(|file| file.balance.written > 0) {
            let prefix = self.derived.key("");
            let folders = file.object.key.strip_prefix(&prefix).unwrap_or_default();
            let folders = folders.trim_start_matches('/');
            if !kept.origins.contains_key(folders) {
                parts.entry(folders.to_owned()).or_default();
            }
        }
        if parts.is_empty() && live.is_empty() {
            // So that it is known to be there, and to have no rows.
            parts.insert(String::new(), Part::default());
        }
        let files = parts.into_iter().map(|(folders, part)| self.file(&folders, part));
        files.filter(|file| !live.iter().any(|known| is_same(known, file))).collect()
    }

    /// The parts by their folders.
    fn parts(&self, made: &Made) -> BTreeMap<String, Part> {
        let mut parts: BTreeMap<String, Part> = BTreeMap::new();
        let of = |folders: &str| match self.derived.refresh {
            Refresh::Full => String::new(),
            Refresh::Partition => folders.to_owned(),
        };
        if self.derived.refresh == Refresh::Full {
            parts.insert(String::new(), Part::default());
        }
        for partition in &made.partitions {
            let folders = partition_path(&partition.partition);
            let part = parts.entry(of(&folders)).or_default();
            part.rows += partition.rows;
            part.digests.push((folders, partition.digest.clone()));
        }
        for (ordinal, output) in (0..).zip(&made.outputs) {
            let part = parts.entry(of(&partition_path(&output.partition))).or_default();
            part.outputs.push(Output {
                key: self.names.output(&output.partition, ordinal),
                rows: output.rows,
                bytes: output.bytes,
                first_row: None,
                partition: output.partition.clone(),
                carried: None,
            });
        }
        parts
    }

    fn file(&self, folders: &str, part: Part) -> LoadTask {
        let digests: Vec<(String, &str)> =
            part.digests.iter().map(|(folders, rows)| (folders.clone(), rows.as_str())).collect();
        let rows = Derived::rows_name(&digests);
        let object = self.derived.version(self.lake, folders, self.number, &rows);
        LoadTask {
            file_id: FileId::of(&self.derived.name, &object, self.contract),
            dataset: self.derived.name.clone(),
            contract: self.contract.clone(),
            object,
            captures: Captures::new(),
            published_at: None,
            lake: self.lake.to_owned(),
            outputs: part.outputs,
            columns: Some(self.columns.to_vec()),
            balance: RowBalance { read: part.rows, written: part.rows, ..RowBalance::default() },
            rejects_key: None,
            column_version: None,
            replay: None,
            trace_id: self.trace_id.to_owned(),
        }
    }
}

/// Whether the lake has these rows already, under this contract.
fn is_same(known: &LoadTask, file: &LoadTask) -> bool {
    known.object.key == file.object.key
        && known.contract == file.contract
        && known.columns == file.columns
        && Derived::rows_of(&known.object) == Derived::rows_of(&file.object)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use millrace_contract::DataType;
    use millrace_format::{MadePartition, OutputFile};

    use super::*;

    fn derived(refresh: Refresh) -> Derived {
        Derived {
            name: "spent".into(),
            inputs: vec!["transactions".into()],
            on_change: true,
            debounce: Duration::ZERO,
            after: None,
            schedule: None,
            refresh,
        }
    }

    fn made(days: &[(&str, &str)]) -> Made {
        let partition = |day: &str| vec![("dt".to_owned(), Some(day.to_owned()))];
        Made {
            outputs: days
                .iter()
                .map(|(day, _)| OutputFile { partition: partition(day), rows: 2, bytes: 9 })
                .collect(),
            partitions: days
                .iter()
                .map(|(day, digest)| MadePartition {
                    partition: partition(day),
                    rows: 2,
                    digest: (*digest).to_owned(),
                })
                .collect(),
        }
    }

    fn files(refresh: Refresh, number: u64, made: &Made, live: &[LoadTask]) -> Vec<LoadTask> {
        let derived = derived(refresh);
        let making = Making {
            derived: &derived,
            contract: &ContractVersion::from_text("c"),
            lake: "lake",
            number,
            names: &Names::new("spent", &FileId::from_text("run")),
            columns: &[ColumnDef::new("n", DataType::Int32)],
            trace_id: "t",
        };
        making.files(made, live, &Kept::default())
    }

    fn keys(files: &[LoadTask]) -> Vec<(&str, u64)> {
        files.iter().map(|file| (file.object.key.as_str(), file.balance.written)).collect()
    }

    #[test]
    fn a_partition_is_written_again_where_its_rows_are_others() {
        let refresh = Refresh::Partition;
        let first = files(refresh, 1, &made(&[("1", "a"), ("2", "b")]), &[]);
        assert_eq!(keys(&first), [("derive://spent/dt=1", 2), ("derive://spent/dt=2", 2)]);
        assert_eq!(first[1].outputs[0].key, "spent/dt=2/run-0001.parquet");
        assert!(files(refresh, 2, &made(&[("2", "b"), ("1", "a")]), &first).is_empty());
        let second = files(refresh, 2, &made(&[("2", "b"), ("1", "x")]), &first);
        assert_eq!(keys(&second), [("derive://spent/dt=1", 2)]);
        assert!(second[0].object.sequencer > first[0].object.sequencer);
    }

    #[test]
    fn what_is_no_longer_there_is_a_file_without_rows_once() {
        let refresh = Refresh::Partition;
        let first = files(refresh, 1, &made(&[("1", "a"), ("2", "b")]), &[]);
        let second = files(refresh, 2, &made(&[("1", "a")]), &first);
        assert_eq!(keys(&second), [("derive://spent/dt=2", 0)]);
        let live = [first[0].clone(), second[0].clone()];
        assert!(files(refresh, 3, &made(&[("1", "a")]), &live).is_empty());
    }

    #[test]
    fn all_of_it_is_one_file_and_takes_the_place_of_partitions() {
        let whole = files(Refresh::Full, 1, &made(&[("1", "a"), ("2", "b")]), &[]);
        assert_eq!(keys(&whole), [("derive://spent", 4)]);
        assert!(files(Refresh::Full, 2, &made(&[("2", "b"), ("1", "a")]), &whole).is_empty());
        assert_eq!(files(Refresh::Full, 2, &made(&[("2", "b")]), &whole).len(), 1);
        let parted = files(Refresh::Partition, 2, &made(&[("1", "a")]), &whole);
        assert_eq!(keys(&parted), [("derive://spent", 0), ("derive://spent/dt=1", 2)]);
        let whole = files(Refresh::Full, 3, &made(&[("1", "a")]), &parted);
        assert_eq!(keys(&whole), [("derive://spent", 2), ("derive://spent/dt=1", 0)]);
    }

    #[test]
    fn without_any_row_it_is_there_all_the_same() {
        let none = Made { outputs: Vec::new(), partitions: Vec::new() };
        for refresh in [Refresh::Full, Refresh::Partition] {
            assert_eq!(keys(&files(refresh, 1, &none, &[])), [("derive://spent", 0)]);
        }
    }
}
