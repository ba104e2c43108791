//! Rows that are gone through again, by where they stand in the file.

use std::collections::BTreeMap;

use millrace_contract::Reject;
use thiserror::Error;

/// Most rows of one selection: 64 MB of places.
const MOST_ROWS: usize = 8_000_000;

/// More rows than can be gone through again one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "more than {MOST_ROWS} rows were rejected, too many to go through one by one; \
     go through the whole file again"
)]
pub struct TooManyRows;

/// Some rows of a file, named by their byte offset, or in a binary format by
/// the number of rows in front of them, as [`Reject::byte_offset`] has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowSelection {
    /// By the archive's member, if the file is an archive; each in order.
    places: BTreeMap<Option<String>, Vec<u64>>,
    rows: usize,
}

impl RowSelection {
    /// Adds the row of a reject. Rejects come in the order of the file.
    ///
    /// # Errors
    /// [`TooManyRows`].
    pub fn add(&mut self, reject: &Reject) -> Result<(), TooManyRows> {
        let places = self.places.entry(reject.member.clone()).or_default();
        match places.binary_search(&reject.byte_offset) {
            Ok(_) => return Ok(()),
            Err(_) if self.rows == MOST_ROWS => return Err(TooManyRows),
            Err(place) => places.insert(place, reject.byte_offset),
        }
        self.rows += 1;
        Ok(())
    }

    /// How many rows they are.
    pub fn len(&self) -> u64 {
        self.rows as u64
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The places of the rows in a member of an archive, or in a file that is
    /// none, in ascending order.
    pub(crate) fn within(&self, member: Option<&str>) -> &[u64] {
        let member = member.map(str::to_owned);
        self.places.get(&member).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use millrace_contract::RejectCause;

    use super::*;

    fn reject(member: Option<&str>, byte_offset: u64) -> Reject {
        Reject {
            member: member.map(str::to_owned),
            line: 1,
            byte_offset,
            column: None,
            cause: RejectCause::Malformed,
            rule: "fields".into(),
            message: String::new(),
            raw: String::new(),
        }
    }

    #[test]
    fn rows_are_told_apart_by_member_and_counted_once() {
        let mut rows = RowSelection::default();
        for (member, offset) in [(None, 7), (None, 3), (None, 7), (Some("a"), 3)] {
            rows.add(&reject(member, offset)).expect("few rows");
        }
        assert_eq!(rows.len(), 3);
        assert_eq!(rows.within(None), [3, 7]);
        assert_eq!(rows.within(Some("a")), [3]);
        assert_eq!(rows.within(Some("b")), [0; 0]);
    }
}
