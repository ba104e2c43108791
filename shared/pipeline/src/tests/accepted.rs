//! What a good file means.

use std::time::Duration;

use millrace_contract::{
    DataType, Dictionary, DuplicateKeys, Encoding, Escape, ExtraColumns, FileFormat, JsonOptions,
    LimitOptions, LineEnds, LoadMode, MissingColumns, OnFail, ParquetCompression, Ragged,
    RejectLimit, SchemaMode, SheetRef, SortKey, StageName, TextBlock,
};
use secrecy::ExposeSecret;

use super::*;
use crate::{LoadError, Resolved, UrlSource};

fn full() -> Pipeline {
    Pipeline::parse(include_str!("full.toml")).unwrap()
}

#[test]
fn every_key_is_read() {
    let pipeline = full();
    assert_eq!(pipeline.name, "finance");
    assert!(matches!(&pipeline.warehouse, UrlSource::Env(name) if name == "WAREHOUSE"));
    assert_eq!((&*pipeline.lake.raw, &*pipeline.lake.curated), ("my-raw", "my-lake"));
    let expenses = pipeline.dataset("expenses").unwrap();
    assert_eq!(expenses.pattern, "raw/Expenses/{year}/*.csv");
    assert_eq!(expenses.format, FileFormat::Csv);
    let transform = expenses.transform.as_ref().unwrap();
    assert_eq!((&*transform.sql, transform.memory), ("select * from input", 128 << 20));
    assert_eq!((expenses.csv.delimiter, expenses.csv.quote), (';', Some('\'')));
    assert_eq!((expenses.csv.escape, expenses.csv.ragged), (Escape::Backslash, Ragged::Pad));
    assert_eq!((expenses.csv.comment.as_deref(), expenses.csv.skip_lines), (Some("#"), 3));
    assert!(expenses.csv.trailing_delimiter && expenses.csv.line_ends == LineEnds::Mixed);
    let schema = &expenses.schema;
    assert_eq!((schema.extra, schema.missing), (ExtraColumns::Ignore, MissingColumns::Null));
    assert_eq!((expenses.csv.header, expenses.csv.encoding), (false, Encoding::Latin1));
    assert_eq!(expenses.csv.null, ["", "NA"]);
    assert_eq!((expenses.schema.mode, expenses.schema.sample_bytes), (SchemaMode::Strict, 8 << 20));
    let [date, at, amount, _] = &expenses.schema.columns[..] else { panic!("four columns") };
    assert_eq!((date.source_name(), &*date.format.0[0], date.required), ("Date", "%d/%m/%Y", true));
    assert_eq!((at.format.0.len(), at.required), (2, false));
    assert_eq!(amount.data_type, DataType::Decimal { precision: 12, scale: 2 });
    let rules: Vec<_> = expenses.expect.iter().map(|e| (&*e.rule, e.on_fail)).collect();
    assert_eq!(
        rules,
        [("amount > 0", OnFail::RejectRow), ("date is not null", OnFail::RejectFile)]
    );
    assert_eq!(expenses.rejects.max, RejectLimit::Percent(1.0));
    assert_eq!(expenses.parquet.partition_by, ["year"]);
    assert_eq!(expenses.parquet.compression, ParquetCompression::Snappy);
    assert_eq!(expenses.parquet.row_group_rows, 1000);
    assert_eq!(expenses.parquet.row_group_size, Some(32 << 20));
    assert_eq!(expenses.parquet.file_size, Some(128 << 20));
    assert_eq!(expenses.parquet.sort_by, ["at", "amount desc"].map(SortKey::from));
    assert_eq!(expenses.parquet.bloom_filter, ["date"]);
    assert_eq!(expenses.parquet.dictionary, Dictionary::Columns(vec!["amount".into()]));
    let limits = LimitOptions {
        row_bytes: Some(1 << 20),
        columns: Some(200),
        decompression_ratio: Some(1000),
        decompressed_bytes: Some(10 << 30),
        partitions: Some(50),
        reject_raw_bytes: Some(4096),
    };
    assert_eq!(expenses.limits, limits);
    let load = expenses.load.as_ref().unwrap();
    assert_eq!((&*load.table, load.mode), ("expenses", LoadMode::Upsert));
    assert_eq!(load.key, ["date", "year"]);
    let prices = pipeline.dataset("prices").unwrap();
    assert_eq!((prices.filter.as_deref(), prices.shared), (Some("currency = 'EUR'"), false));
}

#[test]
fn a_dataset_with_a_filter_shares_its_files_unless_it_says_otherwise() {
    let shared = |lines: &str| {
        let text = format!("[datasets.d]\nmatch = \"x/*.csv\"\n{lines}\n");
        with_datasets(&text).datasets[0].shared
    };
    assert!(!shared(""));
    assert!(shared("shared = true"));
    assert!(shared("where = \"a = 1\""));
    assert!(!shared("where = \"a = 1\"\nshared = false"));
}

#[test]
fn a_row_group_with_a_size_has_as_many_rows_as_fit() {
    let prices = full().dataset("prices").unwrap().parquet.clone();
    assert_eq!(prices.compression, ParquetCompression::Zstd(3));
    assert_eq!(prices.dictionary, Dictionary::None);
    assert_eq!((prices.row_group_size, prices.row_group_rows), (Some(16 << 20), 100_000_000));
}

#[test]
fn what_is_not_said_has_a_default() {
    let pipeline = with_datasets("[datasets.d]\nmatch = \"raw/*.csv\"");
    assert!(matches!(&pipeline.warehouse, UrlSource::Env(name) if name == "DATABASE_URL"));
    assert!(pipeline.ledger.is_none());
    assert_eq!((&*pipeline.lake.raw, &*pipeline.lake.curated), ("p-raw", "p-lake"));
    let dataset = &pipeline.datasets[0];
    assert_eq!((dataset.csv.delimiter, dataset.csv.header), (',', true));
    assert_eq!(dataset.schema.mode, SchemaMode::Infer);
    assert_eq!(dataset.schema.sample_bytes, 64 << 20);
    assert_eq!(dataset.load, None);
    for stage in StageName::JOURNEY {
        let settings = pipeline.stage(stage);
        assert_eq!((settings.workers, settings.max_workers), (1, 10));
        assert_eq!(settings.visibility, Duration::from_secs(60));
        assert_eq!(settings.max_receive_count, 5);
    }
}

#[test]
fn datasets_keep_their_order_and_formats_follow_the_pattern() {
    let pipeline = full();
    let of_files = pipeline.datasets.iter().filter(|d| !d.is_derived());
    let formats: Vec<_> = of_files.map(|d| (&*d.name, d.format)).collect();
    assert_eq!(
        formats,
        [
            ("expenses", FileFormat::Csv),
            ("clicks", FileFormat::Ndjson),
            ("prices", FileFormat::Tsv),
            ("ledger", FileFormat::Fixed),
            ("budget", FileFormat::Xlsx)
        ]
    );
    assert_eq!(pipeline.datasets[1].rejects.max, RejectLimit::Rows(100));
    let json = JsonOptions { flatten: true, duplicate_keys: DuplicateKeys::Reject };
    assert_eq!(pipeline.datasets[1].json, json);
    assert_eq!(pipeline.datasets[2].csv.delimiter, '\t');
}

#[test]
fn columns_say_how_their_values_are_written_and_where() {
    let pipeline = full();
    let amount = &pipeline.datasets[0].schema.columns[2];
    assert_eq!(amount.null.as_deref(), Some(&["-".to_owned()][..]));
    assert_eq!((amount.number.decimal, amount.number.thousands), (',', Some('.')));
    assert!(amount.number.parentheses && amount.number.percent);
    let ledger = &pipeline.datasets[3];
    assert_eq!((ledger.fixed.skip_lines, ledger.fixed.encoding), (1, Encoding::Windows1252));
    let [_, paid, note, at] = &ledger.schema.columns[..] else { panic!("four columns") };
    assert_eq!((&*paid.true_words[0], &*paid.false_words[0]), ("J", "N"));
    assert_eq!((note.start, note.width, note.trim), (Some(10), Some(30), true));
    assert_eq!(at.zone.as_deref(), Some("Europe/Berlin"));
}

#[test]
fn a_schema_may_evolve_and_keep_what_fits_no_column() {
    let schema = &full().datasets[2].schema;
    assert_eq!((schema.mode, schema.rescue), (SchemaMode::Evolve, true));
    let names: Vec<_> = schema.columns.iter().map(|column| &*column.name).collect();
    assert_eq!(names, ["price", "_rescued"]);
    assert_eq!(schema.columns[1].data_type, DataType::Json);
}

#[test]
fn sheets_and_blocks_are_named() {
    let pipeline = with_datasets(
        "[datasets.a]\nmatch = \"*.xlsx\"\n\
         xlsx = { sheet = \"Q1\", range = \"B3:F\", header = false, skip_rows = 2, null = [\"#N/A\"] }\n\
         [datasets.b]\nmatch = \"*.xlsm\"\nformat = \"xlsx\"\nxlsx = { sheet = 2, table = -1, header_rows = 2 }\n\
         [datasets.c]\nmatch = \"*.parquet\"\n\
         [datasets.d]\nmatch = \"*.csv\"\ncsv = { block = { after = \"[Cash]\", until = \"\" } }",
    );
    let [a, b, c, d] = &pipeline.datasets[..] else { panic!("four datasets") };
    assert_eq!(a.format, FileFormat::Xlsx);
    assert_eq!(a.xlsx.sheet, Some(SheetRef::Name("Q1".into())));
    assert_eq!(a.xlsx.range.map(|range| range.to_string()).as_deref(), Some("B3:F"));
    assert_eq!((a.xlsx.header, a.xlsx.skip_rows, &*a.xlsx.null[0]), (false, 2, "#N/A"));
    assert_eq!(b.xlsx.sheet, Some(SheetRef::Number(2)));
    assert_eq!((b.xlsx.table, b.xlsx.header_rows), (Some(-1), 2));
    assert_eq!(c.format, FileFormat::Parquet);
    let block = TextBlock { after: Some("[Cash]".into()), until: Some(String::new()) };
    assert_eq!(d.csv.block, Some(block));
}

#[test]
fn an_empty_quote_is_none() {
    let pipeline = with_datasets(
        "[datasets.d]\nmatch = \"*.csv\"\ncsv = { quote = \"\", delimiter = \"\\u0001\" }",
    );
    let csv = &pipeline.datasets[0].csv;
    assert_eq!((csv.quote, csv.delimiter), (None, '\u{1}'));
}

#[test]
fn stages_are_set_one_by_one() {
    let pipeline = full();
    let ingest = pipeline.stage(StageName::Ingest);
    assert_eq!((ingest.workers, ingest.concurrency), (0, 16));
    let transform = pipeline.stage(StageName::Transform);
    assert_eq!((transform.workers, transform.max_workers), (12, 12));
    assert_eq!(transform.visibility, Duration::from_secs(5_400));
    assert_eq!((transform.max_receive_count, transform.memory), (3, 2 << 30));
    assert_eq!(transform.retention, Duration::from_secs(9 * 86_400));
    assert_eq!(ingest.retention, Duration::from_secs(4 * 86_400));
    assert_eq!(transform.connections, 2);
    let load = pipeline.stage(StageName::Load);
    assert_eq!((load.max_workers, load.connections), (7, 9));
}

#[test]
fn loads_at_a_time_have_a_connection_each_and_one_beside() {
    let read = |stage: &str| {
        let text = format!(
            "version = 1\nname = \"p\"\n[warehouse]\nurl = \"env:U\"\n\
             [datasets.d]\nmatch = \"*.csv\"\n[stages.load]\n{stage}"
        );
        Pipeline::parse(&text).map(|pipeline| pipeline.stage(StageName::Load).connections)
    };
    assert_eq!(read("").unwrap(), 5);
    assert_eq!(read("concurrency = 12").unwrap(), 13);
    assert_eq!(read("concurrency = 12\nconnections = 20").unwrap(), 20);
    let refused = read("concurrency = 12\nconnections = 12").unwrap_err().to_string();
    assert!(refused.contains("set it to 13 or more"), "{refused}");
}

#[test]
fn a_password_in_the_file_is_kept_out_of_what_is_printed() {
    let text = "version = 1\nname = \"p\"\n[warehouse]\nurl = \"postgres://u:hunter2@h/d\"\n\
                [datasets.d]\nmatch = \"*.csv\"";
    let pipeline = Pipeline::parse(text).unwrap();
    let Ok(Resolved::Url(url)) = pipeline.warehouse.resolve() else { panic!("a URL") };
    assert_eq!(url.expose_secret(), "postgres://u:hunter2@h/d");
    assert!(!format!("{pipeline:?} {}", pipeline.warehouse).contains("hunter2"));
    let problem = pipeline.problem("warehouse.url", "no answer", None);
    assert_eq!(problem.line, 4);
    assert!(!problem.render("f").contains("hunter2"));
}

#[test]
fn an_unset_variable_is_named() {
    let source = UrlSource::Env("MILLRACE_NOBODY_SETS_THIS".into());
    let error = source.resolve().unwrap_err().to_string();
    assert!(error.contains("`MILLRACE_NOBODY_SETS_THIS` is not set"), "{error}");
}

#[test]
fn a_file_is_named_in_its_problems_or_in_why_it_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("my.toml");
    let error = Pipeline::load(&file).unwrap_err();
    assert!(matches!(error, LoadError::Read { .. }));
    assert!(error.to_string().contains("my.toml"), "{error}");
    std::fs::write(&file, "version = 1").unwrap();
    let error = Pipeline::load(&file).unwrap_err().to_string();
    assert!(error.contains("my.toml:1:1: `name` is missing"), "{error}");
}

#[test]
fn the_finance_example_is_a_pipeline() {
    let text = include_str!("../../../../examples/finance/millrace.toml");
    let pipeline = Pipeline::parse(text).unwrap();
    for (folder, dataset) in [("Expenses", "expenses"), ("Incomes", "incomes")] {
        let key = format!("raw/{folder}/2024/2024-01.csv");
        let route = pipeline.route("finance-raw", &key).unwrap();
        assert_eq!((&*route.dataset.name, &*route.captures["year"]), (dataset, "2024"));
    }
}
