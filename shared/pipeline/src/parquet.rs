//! Reads `[datasets.NAME.parquet]`: how the files are written, and whether the
//! columns it names can be used so.

use std::ops::RangeInclusive;

use millrace_contract::{DataType, Dictionary, ParquetOptions, SortKey};
use toml::de::DeValue;

use crate::entry::Entry;
use crate::known::Known;
use crate::walk::Section;

/// Rows of a row group at most.
const MOST_ROWS: u32 = 100_000_000;

/// A row group is held in memory while it is written.
const ROW_GROUP_SIZE: RangeInclusive<u64> = 1 << 20..=1 << 30;

const FILE_SIZE: RangeInclusive<u64> = 1 << 20..=5 << 40;

/// The options a dataset says.
pub(crate) fn read(section: &Section<'_>, known: &Known<'_>) -> ParquetOptions {
    let defaults = ParquetOptions::default();
    let Some(parquet) = section.section("parquet") else { return defaults };
    let size = |name, bounds| parquet.get(name).and_then(|entry| entry.size(bounds));
    let rows = parquet.get("row_group_rows").and_then(|entry| entry.number(1..=MOST_ROWS.into()));
    let rows = rows.and_then(|rows| u32::try_from(rows).ok());
    let row_group_size = size("row_group_size", ROW_GROUP_SIZE);
    let partition_by = partition_by(&parquet, known);
    let files = Files { known, partition_by: &partition_by };
    ParquetOptions {
        compression: parquet
            .get("compression")
            .and_then(|entry| entry.parsed())
            .unwrap_or_default(),
        // Of a row group that has a size, rows are as many as fit.
        row_group_rows: rows.unwrap_or(match row_group_size {
            Some(_) => MOST_ROWS,
            None => defaults.row_group_rows,
        }),
        row_group_size,
        file_size: size("file_size", FILE_SIZE),
        sort_by: parquet.get("sort_by").map(|entry| files.sort_by(&entry)).unwrap_or_default(),
        bloom_filter: parquet
            .get("bloom_filter")
            .map(|entry| files.bloom_filter(&entry))
            .unwrap_or_default(),
        dictionary: parquet
            .get("dictionary")
            .map(|entry| files.dictionary(&entry))
            .unwrap_or_default(),
        partition_by,
    }
}

fn partition_by(parquet: &Section<'_>, known: &Known<'_>) -> Vec<String> {
    let said = parquet.get("partition_by").and_then(|entry| entry.texts()).unwrap_or_default();
    for (name, at) in &said {
        let column = known.columns.iter().find(|column| column.name == *name);
        if let Some(column) = column
            && (column.data_type.is_nested() || column.data_type == DataType::Binary)
        {
            at.note(format!("column `{name}` is {}, which names no folder", column.data_type));
        }
    }
    let names: Vec<String> = known.names_in(&said);
    let whole = !known.open
        && !names.is_empty()
        && known.columns.iter().all(|column| names.contains(&column.name));
    if let (true, Some((_, entry))) = (whole, said.first()) {
        entry.note("`partition_by` names every column, so nothing is left for the files");
    }
    names
}

/// What the files hold: everything known but the partition columns.
struct Files<'k> {
    known: &'k Known<'k>,
    partition_by: &'k [String],
}

impl Files<'_> {
    fn sort_by(&self, entry: &Entry<'_>) -> Vec<SortKey> {
        let said = entry.texts().unwrap_or_default();
        let keys: Vec<_> = said.into_iter().map(|(text, at)| (SortKey::from(text), at)).collect();
        let names: Vec<_> = keys.iter().map(|(key, at)| (&*key.column, at.clone())).collect();
        self.columns_in(&names);
        keys.into_iter().map(|(key, _)| key).collect()
    }

    fn bloom_filter(&self, entry: &Entry<'_>) -> Vec<String> {
        let said = entry.texts().unwrap_or_default();
        for (name, at) in &said {
            if self.type_of(name) == Some(DataType::Bool) {
                at.note(format!("column `{name}` has two values only; a bloom filter is no use"));
            }
        }
        self.columns_in(&said)
    }

    fn dictionary(&self, entry: &Entry<'_>) -> Dictionary {
        match entry.value.get_ref() {
            DeValue::Boolean(true) => Dictionary::All,
            DeValue::Boolean(false) => Dictionary::None,
            DeValue::Array(items) if items.is_empty() => Dictionary::None,
            DeValue::Array(_) => {
                Dictionary::Columns(self.columns_in(&entry.texts().unwrap_or_default()))
            }
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Datetime(_)
            | DeValue::Table(_) => {
                entry.note("`dictionary` has to be true, false or a list of columns");
                Dictionary::default()
            }
        }
    }

    /// The names in a list, having noted those that are no column of the files
    /// or have many values in a row.
    fn columns_in(&self, said: &[(&str, Entry<'_>)]) -> Vec<String> {
        for (name, at) in said {
            if self.partition_by.iter().any(|partition| partition == name) {
                at.note(format!("`{name}` is a partition column, which is not in the files"));
            }
            if self.type_of(name).is_some_and(DataType::is_nested) {
                at.note(format!("column `{name}` is a list or a struct, which can't be used here"));
            }
        }
        self.known.names_in(said)
    }

    fn type_of(&self, name: &str) -> Option<DataType> {
        let column = self.known.columns.iter().find(|column| column.name == name);
        column.map(|column| column.data_type)
    }
}
