//! Which rows of a block are gone through, where only some of the file are.

use crate::block::{Block, Lines};

/// The rows of a block that are left out.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    /// By row; empty if all are gone through.
    pub(super) rows: Vec<bool>,
    /// How many they are, with those that could not even be read.
    pub(super) count: u64,
}

impl LeftOut {
    /// All rows of a block but those at `places`, which are offsets in the source
    /// in ascending order. Rows that can't be read are taken out of the block if
    /// they are not among them.
    pub(super) fn all_but(places: &[u64], block: &mut Block) -> Self {
        let is_meant = |offset: u64| places.binary_search(&offset).is_ok();
        let mut malformed = std::mem::take(&mut block.malformed);
        malformed.sort_unstable_by_key(|row| row.start);
        let unreadable = malformed.len();
        let mut offsets = Lines::new(block);
        malformed.retain(|row| is_meant(offsets.offset_of(row.start)));
        let mut offsets = Lines::new(block);
        let rows = (0..block.rows.len()).map(|row| block.rows.span(row).0);
        let rows: Vec<bool> = rows.map(|start| !is_meant(offsets.offset_of(start))).collect();
        let left_out = rows.iter().filter(|&&left_out| left_out).count();
        let count = (left_out + unreadable - malformed.len()) as u64;
        block.malformed = malformed;
        Self { rows, count }
    }

    /// Leaves these rows out too, beside those that are `skipped` for another
    /// reason, and says how many are skipped for that reason alone.
    pub(super) fn join(&self, skipped: &mut Vec<bool>) -> u64 {
        skipped.resize(self.rows.len().max(skipped.len()), false);
        let mut for_the_other = 0;
        for (row, skipped) in skipped.iter_mut().enumerate() {
            let left_out = self.rows.get(row).copied().unwrap_or(false);
            for_the_other += u64::from(*skipped && !left_out);
            *skipped |= left_out;
        }
        for_the_other
    }
}
