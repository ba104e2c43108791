//! How Parquet is written: sorted, with bloom filters, in files of a size, with
//! the origin of every row in the metadata.

use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use bytes::Bytes;
use millrace_contract::{Dictionary, LimitOptions, ParquetCompression, ParquetOptions};
use millrace_format::{Limits, Plan, transform};
use parquet::basic::{Compression, Encoding};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData, SortingColumn};
use parquet::file::properties::ReaderProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::serialized_reader::ReadOptionsBuilder;

use super::support::*;

fn reader(file: &[u8]) -> SerializedFileReader<Bytes> {
    let properties = ReaderProperties::builder().set_read_bloom_filter(true).build();
    let options =
        ReadOptionsBuilder::new().with_page_index().with_reader_properties(properties).build();
    SerializedFileReader::new_with_options(Bytes::copy_from_slice(file), options).unwrap()
}

fn metadata(file: &[u8]) -> Arc<ParquetMetaData> {
    Arc::new(reader(file).metadata().clone())
}

fn group_rows(file: &[u8]) -> Vec<i64> {
    metadata(file).row_groups().iter().map(RowGroupMetaData::num_rows).collect()
}

/// `id,day,note` lines whose ids are shuffled.
fn shuffled(rows: u64) -> String {
    let row = |n: u64| {
        let id = n.wrapping_mul(7919) % rows;
        let note =
            if n.is_multiple_of(5) { String::new() } else { format!("note {}", n * 31 % 1000) };
        format!("{id},{},{note}\n", n % 3)
    };
    (0..rows).fold("id,day,note\n".to_owned(), |text, n| text + &row(n))
}

fn small_blocks() -> Plan {
    let mut plan = csv(&["id int64", "day int64", "note string"]);
    plan.limits.block_bytes = 10_000;
    plan
}

fn ints(batch: &RecordBatch, name: &str) -> Vec<Option<i64>> {
    batch.column_by_name(name).unwrap().as_primitive::<Int64Type>().iter().collect()
}

/// The batches of each row group of a file.
fn groups(file: &[u8]) -> Vec<RecordBatch> {
    let whole = read_parquet(file);
    let whole = arrow::compute::concat_batches(&whole[0].schema(), &whole).unwrap();
    let mut start = 0;
    let group = |rows: i64| {
        let part = whole.slice(start, rows as usize);
        start += rows as usize;
        part
    };
    group_rows(file).into_iter().map(group).collect()
}

#[test]
fn a_bloom_filter_knows_what_is_not_there() {
    let mut plan = small_blocks();
    plan.parquet.bloom_filter = vec!["ID".into(), "note".into()];
    plan.parquet.row_group_rows = 6000;
    let outcome = run(shuffled(10_000), &plan).unwrap();
    let reader = reader(&outcome.files[0]);
    let groups: Vec<_> = (0..2).map(|group| reader.get_row_group(group).unwrap()).collect();
    let knows =
        |id: i64| groups.iter().any(|group| group.get_column_bloom_filter(0).unwrap().check(&id));
    assert!((0..10_000).all(knows));
    let mistaken = (10_000..20_000).filter(|&id| knows(id)).count();
    assert!(mistaken < 500, "{mistaken} of 10000");
    assert!(groups.iter().all(|group| group.get_column_bloom_filter(1).is_none()));
    assert!(groups[0].get_column_bloom_filter(2).unwrap().check("note 31"));
    assert!(!groups[0].get_column_bloom_filter(2).unwrap().check("note 1000"));
}

#[test]
fn rows_are_sorted_within_their_row_group_and_the_file_says_so() {
    let mut plan = small_blocks();
    plan.parquet.sort_by = ["note desc", "Id"].map(Into::into).to_vec();
    plan.parquet.row_group_rows = 3000;
    let outcome = run(shuffled(10_000), &plan).unwrap();
    let file = &outcome.files[0];
    assert_eq!(group_rows(file), [3000, 3000, 3000, 1000]);
    let sorting =
        |column_idx, descending| SortingColumn { column_idx, descending, nulls_first: false };
    for group in metadata(file).row_groups() {
        assert_eq!(group.sorting_columns(), Some(&vec![sorting(2, true), sorting(0, false)]));
    }
    for group in groups(file) {
        let notes = group.column(2).as_string::<i32>().iter().map(|note| note.map(str::to_owned));
        let keys: Vec<_> = notes.zip(ints(&group, "id")).collect();
        assert!(keys.iter().any(|(note, _)| note.is_none()));
        let in_order = |pair: &[(Option<String>, Option<i64>)]| {
            let [(a, id_a), (b, id_b)] = pair else { return true };
            // `None` is less than any note, and so last of the descending.
            a > b || (a == b && id_a <= id_b)
        };
        assert!(keys.windows(2).all(in_order));
    }
    let mut ids: Vec<_> = outcome.batches().iter().flat_map(|batch| ints(batch, "id")).collect();
    ids.sort();
    assert!(ids.into_iter().eq((0..10_000).map(Some)));
}

#[test]
fn equal_rows_stay_in_the_order_of_the_file() {
    let mut plan = csv(&["k int64", "n int64"]);
    plan.parquet.sort_by = vec!["k".into()];
    let rows = (0..2000).fold("k,n\n".to_owned(), |text, n| text + &format!("{},{n}\n", n % 3));
    let outcome = run(rows, &plan).unwrap();
    let group = &groups(&outcome.files[0])[0];
    let keys: Vec<_> = ints(group, "k").into_iter().zip(ints(group, "n")).collect();
    assert!(keys.is_sorted());
}

#[test]
fn sorting_keeps_to_the_bounds_of_memory() {
    let mut plan = small_blocks();
    plan.parquet.sort_by = vec!["id".into()];
    plan.parquet.partition_by = vec!["day".into()];
    plan.limits.row_group_bytes = 50_000;
    let outcome = run(shuffled(10_000), &plan).unwrap();
    assert_eq!(outcome.files.len(), 3);
    for file in &outcome.files {
        assert!(group_rows(file).len() > 1, "{:?}", group_rows(file));
        assert!(groups(file).iter().all(|group| ints(group, "id").is_sorted()));
    }
}

#[test]
fn row_groups_have_the_size_that_is_asked_for() {
    let mut plan = small_blocks();
    plan.parquet.row_group_size = Some(30_000);
    let outcome = run(shuffled(10_000), &plan).unwrap();
    let groups = metadata(&outcome.files[0]);
    let bytes: Vec<_> = groups.row_groups().iter().map(RowGroupMetaData::num_rows).collect();
    let (last, whole) = bytes.split_last().unwrap();
    // A row has some 28 bytes: two numbers, a text and its length.
    assert!(whole.len() > 5 && whole.iter().all(|rows| (900..1500).contains(rows)), "{bytes:?}");
    assert!(*last < 1500);
}

#[test]
fn files_end_near_their_size_and_the_next_begins() {
    let mut plan = small_blocks();
    plan.parquet.compression = ParquetCompression::Uncompressed;
    plan.parquet.dictionary = Dictionary::None;
    plan.parquet.row_group_rows = 500;
    plan.parquet.file_size = Some(40_000);
    let outcome = run(shuffled(20_000), &plan).unwrap();
    let sizes: Vec<u64> = outcome.report.outputs.iter().map(|output| output.bytes).collect();
    let (last, whole) = sizes.split_last().unwrap();
    assert!(whole.len() > 5, "{sizes:?}");
    assert!(whole.iter().all(|size| (30_000..60_000).contains(size)), "{sizes:?}");
    assert!(*last < 60_000);
    let ids: Vec<_> = outcome.batches().iter().flat_map(|batch| ints(batch, "id")).collect();
    let expected = (0..20_000_u64).map(|n| Some((n.wrapping_mul(7919) % 20_000) as i64));
    assert!(ids.into_iter().eq(expected), "rows keep their order over all files");
}

#[test]
fn the_number_of_files_is_bounded() {
    let mut plan = small_blocks();
    plan.parquet.row_group_rows = 500;
    plan.parquet.file_size = Some(1);
    plan.limits.partitions = 4;
    let outcome = run(shuffled(10_000), &plan).unwrap();
    let rows: Vec<_> = outcome.report.outputs.iter().map(|output| output.rows).collect();
    assert_eq!(rows, [500, 500, 500, 8500]);
}

#[test]
fn any_number_of_threads_writes_the_same_files() {
    let text = shuffled(30_000);
    for (partition_by, sort_by) in
        [(vec![], vec![]), (vec!["day".into()], vec!["note".into(), "id desc".into()])]
    {
        let mut plan = small_blocks();
        plan.parquet = ParquetOptions {
            partition_by,
            sort_by,
            row_group_size: Some(40_000),
            file_size: Some(30_000),
            bloom_filter: vec!["id".into()],
            ..ParquetOptions::default()
        };
        let [one, four] = [1, 4].map(|threads| {
            plan.threads = NonZeroUsize::new(threads).unwrap();
            let outcome = run(&text, &plan).unwrap();
            (outcome.files, outcome.report.outputs)
        });
        assert!(one.0.len() > 5, "{} files", one.0.len());
        assert!(one == four);
    }
}

#[test]
fn every_file_carries_the_balance_of_the_whole_source() {
    let mut plan = csv(&["id int64", "note string"]);
    plan.metadata = vec![("millrace.source.key".into(), "raw/a.csv".into())];
    plan.csv.comment = Some("#".into());
    plan.parquet.row_group_rows = 2;
    plan.parquet.file_size = Some(1);
    plan.limits.block_bytes = 16;
    let text = "id,note\n1,a\n# a word\n2,b\n\nx,c\n3,d\n4,e\n5,f\n";
    let outcome = run(text, &plan).unwrap();
    assert!(outcome.files.len() > 1);
    for file in &outcome.files {
        let metadata = metadata(file);
        let pairs = metadata.file_metadata().key_value_metadata().unwrap();
        let value = |key: &str| pairs.iter().find(|pair| pair.key == key).unwrap().value.clone();
        insta::allow_duplicates! {
            insta::assert_snapshot!(
                value("millrace.balance").unwrap(),
                @r#"{"read":8,"written":5,"rejected":1,"skipped":{"blank_line":1,"comment":1}}"#
            );
        }
        assert_eq!(value("millrace.source.key").as_deref(), Some("raw/a.csv"));
    }
}

#[test]
fn dictionaries_are_where_they_are_asked_for() {
    let has_dictionary = |dictionary: Dictionary| {
        let mut plan = csv(&["id int64", "day int64", "note string"]);
        plan.parquet.dictionary = dictionary;
        let outcome = run(shuffled(3000), &plan).unwrap();
        let metadata = metadata(&outcome.files[0]);
        let columns = metadata.row_group(0).columns().iter();
        columns.map(|c| c.encodings().any(|e| e == Encoding::RLE_DICTIONARY)).collect::<Vec<_>>()
    };
    // The days repeat, but their differences are as short as a dictionary's numbers.
    assert_eq!(has_dictionary(Dictionary::Repeating), [false, false, true]);
    assert_eq!(has_dictionary(Dictionary::All), [true, true, true]);
    assert_eq!(has_dictionary(Dictionary::None), [false, false, false]);
    assert_eq!(has_dictionary(Dictionary::Columns(vec!["Day".into()])), [false, true, false]);
}

#[test]
fn pages_are_compressed_as_asked_and_statistics_are_cut() {
    let mut plan = small_blocks();
    let text = format!("id,day,note\n1,1,{}\n2,,b\n", "a".repeat(1000));
    for (compression, expected) in [
        ("zstd(3)", Compression::ZSTD(Default::default())),
        ("gzip", Compression::GZIP(Default::default())),
        ("snappy", Compression::SNAPPY),
        ("uncompressed", Compression::UNCOMPRESSED),
    ] {
        plan.parquet.compression = compression.parse().unwrap();
        let outcome = run(&text, &plan).unwrap();
        let metadata = metadata(&outcome.files[0]);
        let group = metadata.row_group(0);
        for column in group.columns() {
            // A file names the codec, not the level.
            let name =
                |compression| format!("{compression:?}").split('(').next().map(str::to_owned);
            assert_eq!(name(column.compression()), name(expected));
        }
        let statistics = group.column(2).statistics().unwrap();
        assert_eq!(statistics.min_bytes_opt().unwrap(), "a".repeat(64).as_bytes());
        assert!(!statistics.min_is_exact() && statistics.max_is_exact());
        assert_eq!(group.column(1).statistics().unwrap().null_count_opt(), Some(1));
        assert!(metadata.column_index().is_some() && metadata.offset_index().is_some());
    }
}

#[test]
fn instants_are_microseconds_in_utc() {
    let plan = csv(&["at timestamptz", "n int64"]);
    let outcome =
        run("at,n\n1677-01-01T00:00:00.000001Z,1\n2999-12-31T23:59:59Z,2\n", &plan).unwrap();
    let batches = outcome.batches();
    let at = batches[0].column(0).as_primitive::<TimestampMicrosecondType>();
    // Outside of what nanoseconds reach in 64 bits.
    assert_eq!(at.values().to_vec(), [-9_246_095_999_999_999, 32_503_679_999_000_000]);
    assert_eq!(at.null_count(), 0);
}

#[test]
fn options_that_name_no_column_are_refused() {
    let refused = |change: &dyn Fn(&mut ParquetOptions)| {
        let mut plan = csv(&["id int64", "ok bool", "day date", "tags list<string>"]);
        change(&mut plan.parquet);
        run("id,ok,day,tags\n1,true,2024-01-01,[]\n", &plan).err().unwrap().to_string()
    };
    let errors = [
        refused(&|parquet| parquet.sort_by = vec!["idd".into()]),
        refused(&|parquet| parquet.sort_by = vec!["id".into(), "ID desc".into()]),
        refused(&|parquet| {
            parquet.partition_by = vec!["day".into()];
            parquet.sort_by = vec!["day".into()];
        }),
        refused(&|parquet| parquet.sort_by = vec!["tags".into()]),
        refused(&|parquet| parquet.bloom_filter = vec!["ok".into()]),
        refused(&|parquet| parquet.dictionary = Dictionary::Columns(vec!["x".into()])),
    ];
    insta::assert_snapshot!(errors.join("\n"));
}

#[test]
fn a_value_too_long_for_a_folder_is_refused_before_anything_is_opened() {
    let mut plan = csv(&["p string", "q string", "n int64"]);
    plan.parquet.partition_by = vec!["p".into(), "q".into()];
    let row = |p: usize, q: usize| format!("p,q,n\n{},{},1\n", "/".repeat(p), "q".repeat(q));
    assert_eq!(run(row(84, 253), &plan).unwrap().files.len(), 1);
    let refused = [(85, 1), (1, 254)].map(|(p, q)| {
        let mut sink = MemorySink::default();
        let error = transform(row(p, q).as_bytes(), &plan, &mut sink).unwrap_err();
        assert!(error.is_contract());
        assert_eq!(sink.finished_of_opened(), (0, 0));
        error.to_string()
    });
    insta::assert_snapshot!(refused.join("\n"));
}

#[test]
fn a_datasets_limits_are_the_plans() {
    let mut dataset = dataset(millrace_contract::FileFormat::Csv, &["id int64"]);
    assert_eq!(Plan::of(&dataset).limits, Limits::default());
    dataset.limits = LimitOptions {
        row_bytes: Some(1000),
        columns: Some(3),
        decompression_ratio: Some(20),
        decompressed_bytes: Some(1 << 30),
        partitions: Some(7),
        reject_raw_bytes: Some(100),
    };
    dataset.parquet.row_group_size = Some(256 << 20);
    let expected = Limits {
        row_bytes: 1000,
        columns: 3,
        decompression_ratio: 20,
        decompressed_bytes: 1 << 30,
        partitions: 7,
        reject_raw_bytes: 100,
        row_group_bytes: 256 << 20,
        ..Limits::default()
    };
    assert_eq!(Plan::of(&dataset).limits, expected);
}
