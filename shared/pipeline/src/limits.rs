//! Reads `[datasets.NAME.limits]`: how much a file may demand. The bounds keep a
//! limit from being none at all, or one that no file keeps to.

use std::ops::RangeInclusive;

use millrace_contract::LimitOptions;

use crate::walk::Section;

/// A row is held in memory whole, several of them at a time.
const ROW_BYTES: RangeInclusive<u64> = 1 << 10..=256 << 20;
const COLUMNS: RangeInclusive<u64> = 1..=100_000;
const RATIO: RangeInclusive<u64> = 2..=1_000_000;
const DECOMPRESSED_BYTES: RangeInclusive<u64> = 1 << 10..=64 << 40;
/// Each has a file of its own, open until the source is read.
const PARTITIONS: RangeInclusive<u64> = 1..=4096;
const REJECT_RAW_BYTES: RangeInclusive<u64> = 0..=16 << 20;

/// The limits a dataset says.
pub(crate) fn read(section: &Section<'_>) -> LimitOptions {
    let Some(limits) = section.section("limits") else { return LimitOptions::default() };
    let size = |name, bounds| limits.get(name).and_then(|entry| entry.size(bounds));
    let number = |name, bounds| limits.get(name).and_then(|entry| entry.number(bounds));
    let count = |name, bounds| number(name, bounds).and_then(|count| u32::try_from(count).ok());
    LimitOptions {
        row_bytes: size("row_bytes", ROW_BYTES),
        columns: count("columns", COLUMNS),
        decompression_ratio: number("decompression_ratio", RATIO),
        decompressed_bytes: size("decompressed_bytes", DECOMPRESSED_BYTES),
        partitions: count("partitions", PARTITIONS),
        reject_raw_bytes: size("reject_raw_bytes", REJECT_RAW_BYTES),
    }
}
