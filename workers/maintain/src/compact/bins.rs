//! Which outputs go together: of one partition, one contract and one set of columns,
//! in the order of their files' registration, until an object is full.

use std::collections::{BTreeSet, HashMap};

use millrace_contract::{ContractVersion, FileId, JoinedId, LoadTask, Output};
use millrace_ledger::LiveFile;
use millrace_pipeline::Compact;

/// Outputs of one joined object at most, so that what is known of it stays small.
const MOST_PIECES: usize = 1_000;

/// Outputs in all open bins at most: beyond it the fullest goes.
const MOST_OPEN: usize = 100_000;

/// Live rows of joined objects, by key.
pub(super) struct Shares(pub(super) HashMap<String, u64>);

impl Shares {
    /// Whether more than half of a joined object's rows are nobody's any more.
    fn is_mostly_dead(&self, output: &Output, object_rows: u64) -> bool {
        let live = self.0.get(&output.key).copied().unwrap_or_default();
        output.first_row.is_some() && live.saturating_mul(2) < object_rows
    }
}

/// An output that is to be joined.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Piece {
    pub(super) file_id: FileId,
    /// Which of the file's outputs, from 0.
    pub(super) number: u64,
    /// Where its rows lie.
    pub(super) output: Output,
    /// About how many bytes its rows have.
    bytes: u64,
    /// Whether the rest of its object is nobody's.
    is_leftover: bool,
}

/// Outputs that make one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Bin {
    /// Dataset.
    pub dataset: String,
    /// Contract that the files were read under.
    pub(super) contract: ContractVersion,
    /// Bucket.
    pub(super) lake: String,
    pub(super) pieces: Vec<Piece>,
    bytes: u64,
    /// Objects that the rows lie in.
    from: BTreeSet<String>,
    has_leftovers: bool,
}

impl Bin {
    fn new(task: &LoadTask) -> Self {
        Self {
            dataset: task.dataset.clone(),
            contract: task.contract.clone(),
            lake: task.lake.clone(),
            pieces: Vec::new(),
            bytes: 0,
            from: BTreeSet::new(),
            has_leftovers: false,
        }
    }

    fn push(&mut self, piece: Piece) {
        self.bytes += piece.bytes;
        self.from.insert(piece.output.key.clone());
        self.has_leftovers |= piece.is_leftover;
        self.pieces.push(piece);
    }

    /// Objects that are joined.
    pub fn objects(&self) -> u64 {
        self.from.len() as u64
    }

    /// Rows in all.
    pub fn rows(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.output.rows).sum()
    }

    /// About the bytes of the object to be.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Names the object to be.
    pub(super) fn id(&self) -> JoinedId {
        JoinedId::of(
            self.pieces.iter().map(|one| (&one.file_id, one.number, one.output.key.as_str())),
        )
    }

    /// Its key: in the folder of what it is made of.
    pub(super) fn key(&self) -> String {
        let first = self.pieces.first().map(|piece| piece.output.key.as_str()).unwrap_or_default();
        let folder = first.rsplit_once('/').map(|(folder, _)| folder);
        let folder = folder.unwrap_or(&self.dataset);
        format!("{folder}/{}{}.parquet", super::PREFIX, self.id())
    }
}

/// Bins that are being filled.
pub(super) struct Bins<'a> {
    settings: &'a Compact,
    shares: Shares,
    open: HashMap<String, Bin>,
    pieces: usize,
    full: Vec<Bin>,
}

impl<'a> Bins<'a> {
    pub(super) fn new(settings: &'a Compact, shares: Shares) -> Self {
        Self { settings, shares, open: HashMap::new(), pieces: 0, full: Vec::new() }
    }

    /// Adds the outputs of a file that are worth joining. One that is still to be
    /// loaded is left alone: its message says where its rows are.
    pub(super) fn add(&mut self, file: LiveFile) {
        if !file.is_loaded {
            return;
        }
        let task = &file.task;
        for ((number, output), rows) in (0_u64..).zip(&task.outputs).zip(&file.object_rows) {
            let Some(piece) = self.piece(task, number, output, *rows) else { continue };
            let group = group(task, output);
            let bin = self.open.entry(group.clone()).or_insert_with(|| Bin::new(task));
            bin.push(piece);
            self.pieces += 1;
            if bin.bytes >= self.settings.target || bin.pieces.len() >= MOST_PIECES {
                self.close(&group);
            }
        }
        if self.pieces > MOST_OPEN
            && let Some(group) = self.fullest()
        {
            self.close(&group);
        }
    }

    /// The output, if its object is small, or mostly dead.
    fn piece(
        &self,
        task: &LoadTask,
        number: u64,
        output: &Output,
        object_rows: u64,
    ) -> Option<Piece> {
        let is_leftover = self.shares.is_mostly_dead(output, object_rows);
        if output.rows == 0 || (output.bytes >= self.settings.target / 2 && !is_leftover) {
            return None;
        }
        let share = u128::from(output.bytes) * u128::from(output.rows);
        let bytes = share / u128::from(object_rows.max(1));
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let (file_id, output) = (task.file_id.clone(), output.clone());
        Some(Piece { file_id, number, output, bytes, is_leftover })
    }

    fn fullest(&self) -> Option<String> {
        let most = self.open.iter().max_by_key(|(group, bin)| (bin.pieces.len(), (*group).clone()));
        most.map(|(group, _)| group.clone())
    }

    fn close(&mut self, group: &str) {
        let Some(bin) = self.open.remove(group) else { return };
        self.pieces -= bin.pieces.len();
        if self.is_worth_it(&bin) {
            self.full.push(bin);
        }
    }

    /// Whether there are enough objects, or they fill one, or most of one is dead.
    fn is_worth_it(&self, bin: &Bin) -> bool {
        let fills = bin.bytes >= self.settings.target && bin.objects() > 1;
        fills || bin.objects() >= self.settings.min_files || bin.has_leftovers
    }

    /// A bin that is full.
    pub(super) fn full(&mut self) -> Option<Bin> {
        self.full.pop()
    }

    /// What is worth joining of the bins that did not fill.
    pub(super) fn rest(mut self) -> Vec<Bin> {
        let mut groups: Vec<String> = self.open.keys().cloned().collect();
        groups.sort_unstable();
        groups.iter().for_each(|group| self.close(group));
        self.full
    }
}

/// What outputs have in common that go together.
fn group(task: &LoadTask, output: &Output) -> String {
    serde_json::json!([
        task.lake,
        task.contract,
        task.column_version,
        task.columns,
        output.partition,
        folder(&output.key),
    ])
    .to_string()
}

fn folder(key: &str) -> &str {
    key.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use millrace_contract::{Captures, ObjectVersion, RowBalance};

    fn file(number: u32, bytes: u64, rows: u64) -> LiveFile {
        let id = FileId::from_text(format!("{number:032x}"));
        let output = Output {
            key: format!("d/{id}-0000.parquet"),
            rows,
            bytes,
            first_row: None,
            partition: Vec::new(),
            carried: None,
        };
        let task = LoadTask {
            file_id: id,
            dataset: "d".into(),
            contract: ContractVersion::from_text("c"),
            object: ObjectVersion {
                bucket: "raw".into(),
                key: format!("{number}"),
                version_id: None,
                etag: "e".into(),
                sequencer: None,
                size: None,
            },
            captures: Captures::new(),
            published_at: None,
            lake: "lake".into(),
            outputs: vec![output],
            columns: None,
            balance: RowBalance::default(),
            rejects_key: None,
            column_version: None,
            replay: None,
            trace_id: "t".into(),
        };
        LiveFile { task, is_loaded: true, object_rows: vec![rows] }
    }

    fn settings() -> Compact {
        Compact { schedule: None, target: 1_000, min_files: 3 }
    }

    fn sizes(files: Vec<LiveFile>, shares: Shares) -> Vec<usize> {
        let settings = settings();
        let mut bins = Bins::new(&settings, shares);
        let mut found = Vec::new();
        for file in files {
            bins.add(file);
            found.extend(std::iter::from_fn(|| bins.full()));
        }
        found.extend(bins.rest());
        found.iter().map(|bin| bin.pieces.len()).collect()
    }

    fn none() -> Shares {
        Shares(HashMap::new())
    }

    #[test]
    fn small_objects_fill_bins_and_few_or_large_ones_are_left_alone() {
        let small = |count: u32| (0..count).map(|number| file(number, 300, 3)).collect();
        assert_eq!(sizes(small(2), none()), [0; 0]);
        assert_eq!(sizes(small(3), none()), [3]);
        assert_eq!(sizes(small(9), none()), [4, 4]);
        assert_eq!(sizes((0..9).map(|number| file(number, 500, 3)).collect(), none()), [0; 0]);
        let mut waiting: Vec<LiveFile> = small(3);
        waiting[1].is_loaded = false;
        assert_eq!(sizes(waiting, none()), [0; 0]);
    }

    #[test]
    fn other_columns_and_partitions_do_not_go_together() {
        let mut files: Vec<LiveFile> = (0..4).map(|number| file(number, 300, 3)).collect();
        files[1].task.column_version = Some(2);
        files[2].task.outputs[0].partition = vec![("year".into(), Some("2024".into()))];
        assert_eq!(sizes(files, none()), [0; 0]);
    }

    #[test]
    fn what_is_left_of_a_joined_object_that_is_mostly_dead_is_joined_anew() {
        let mut one = file(0, 900, 10);
        one.task.outputs[0].first_row = Some(40);
        one.object_rows = vec![100];
        let key = one.task.outputs[0].key.clone();
        assert_eq!(sizes(vec![one.clone()], Shares([(key.clone(), 49)].into())), [1]);
        assert_eq!(sizes(vec![one], Shares([(key, 50)].into())), [0; 0]);
    }

    #[test]
    fn an_objects_name_follows_from_what_it_is_made_of() {
        let settings = settings();
        let bin = |numbers: [u32; 3]| {
            let mut bins = Bins::new(&settings, none());
            numbers.into_iter().for_each(|number| bins.add(file(number, 300, 3)));
            bins.rest().remove(0)
        };
        assert_eq!(bin([1, 2, 3]).key(), bin([1, 2, 3]).key());
        assert_ne!(bin([1, 2, 3]).key(), bin([1, 2, 4]).key());
        assert!(bin([1, 2, 3]).key().starts_with("d/joined-"));
    }
}
