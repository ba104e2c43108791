//! Splitting entries into the requests that SQS allows.

use std::ops::Range;

/// Entries per request at most.
pub const MAX_BATCH: usize = 10;

/// Bytes of all messages of one request together at most.
pub const MAX_BATCH_BYTES: usize = 1024 * 1024;

/// Ranges of at most ten entries.
pub(crate) fn by_count(entries: usize) -> impl Iterator<Item = Range<usize>> {
    (0..entries).step_by(MAX_BATCH).map(move |start| start..(start + MAX_BATCH).min(entries))
}

/// Ranges of at most ten entries and [`MAX_BATCH_BYTES`]. An entry that is too
/// large by itself stands alone.
pub(crate) fn by_bytes(sizes: &[usize]) -> Vec<Range<usize>> {
    let mut ranges = Vec::with_capacity(sizes.len().div_ceil(MAX_BATCH));
    let (mut start, mut bytes) = (0, 0);
    for (at, &size) in sizes.iter().enumerate() {
        if at > start && (at - start == MAX_BATCH || bytes + size > MAX_BATCH_BYTES) {
            ranges.push(start..at);
            (start, bytes) = (at, 0);
        }
        bytes += size;
    }
    if start < sizes.len() {
        ranges.push(start..sizes.len());
    }
    ranges
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_batch_ends_at_ten_entries_or_one_mebibyte() {
        assert_eq!(by_bytes(&[1; 21]), [0..10, 10..20, 20..21]);
        let half = MAX_BATCH_BYTES / 2;
        assert_eq!(by_bytes(&[half, half, 1, half]), [0..2, 2..4]);
        assert_eq!(by_bytes(&[MAX_BATCH_BYTES + 1, 1]), [0..1, 1..2]);
        assert_eq!(by_bytes(&[]), []);
    }

    proptest! {
        #[test]
        fn every_entry_is_in_exactly_one_batch(
            sizes in prop::collection::vec(0..MAX_BATCH_BYTES * 2, 0..60),
        ) {
            let ranges = by_bytes(&sizes);
            let joined: Vec<usize> = ranges.iter().cloned().flatten().collect();
            prop_assert_eq!(joined, (0..sizes.len()).collect::<Vec<_>>());
            for range in ranges {
                prop_assert!((1..=MAX_BATCH).contains(&range.len()));
                let bytes: usize = sizes[range.clone()].iter().sum();
                prop_assert!(bytes <= MAX_BATCH_BYTES || range.len() == 1);
            }
        }

        #[test]
        fn counts_are_split_without_a_gap(entries in 0_usize..100) {
            let joined: Vec<usize> = by_count(entries).flatten().collect();
            prop_assert_eq!(joined, (0..entries).collect::<Vec<_>>());
        }
    }
}
