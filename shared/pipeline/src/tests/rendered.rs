//! What is written as a block is read back as the same dataset.

use millrace_contract::{ColumnDef, DataType, Dataset, Formats, SchemaMode};
use proptest::prelude::*;

use super::*;
use crate::{names, render_dataset};

/// The dataset that a file with nothing but `block` has.
fn read_back(block: &str) -> Dataset {
    with_datasets(block).datasets.remove(0)
}

#[test]
fn a_dataset_reads_back_as_it_was_written() {
    let all = Pipeline::parse(include_str!("full.toml")).unwrap().datasets;
    // What is derived has a block of its own kind.
    for dataset in all.into_iter().filter(|dataset| !dataset.is_derived()) {
        assert_eq!(read_back(&render_dataset(&dataset, &[])), dataset);
    }
}

#[test]
fn a_block_says_what_is_known_and_nothing_else() {
    let mut dataset = with_patterns(&["raw/{year}/*.csv"]).datasets.remove(0);
    dataset.csv.delimiter = ';';
    dataset.csv.quote = None;
    dataset.schema.mode = SchemaMode::Strict;
    dataset.schema.columns = vec![
        ColumnDef::new("id", DataType::Int64),
        ColumnDef {
            from: Some("Grand \"Total\"\\".into()),
            format: Formats(vec!["%d/%m/%Y".into()]),
            required: true,
            ..ColumnDef::new("total = 1 # no comment", DataType::Date)
        },
        ColumnDef::new("bell\u{7}", DataType::String),
    ];
    let notes = ["id: int64, 3 values", "total: date;\n`x`\t", "", "3 rows"].map(str::to_owned);
    insta::assert_snapshot!(render_dataset(&dataset, &notes), @r##"
    [datasets.a]
    match = "raw/{year}/*.csv"
    format = "csv"
    csv = { delimiter = ";", quote = "" }

    [datasets.a.schema]
    # 3 rows
    mode = "strict"
    columns = [
      # id: int64, 3 values
      { name = "id", type = "int64" },
      # total: date;\n`x`\t
      { name = "total = 1 # no comment", from = "Grand \"Total\"\\", type = "date", format = "%d/%m/%Y", required = true },
      # give it another `name`: `bell\u{7}` has a control character
      { name = "bell\u0007", type = "string" },
    ]
    "##);
}

#[test]
fn an_inferred_dataset_without_columns_is_a_block_too() {
    let dataset = with_patterns(&["*.tsv"]).datasets.remove(0);
    assert_eq!(read_back(&render_dataset(&dataset, &["nothing".to_owned()])), dataset);
}

proptest! {
    #[test]
    fn any_column_name_reads_back(
        name in "(\\PC| |\"|'|\\\\|#|=|\\]|\\}){1,15}", from in "(.|\n|\r|\t){0,12}", note in "(.|\n|\r){0,20}"
    ) {
        prop_assume!(names::column(&name).is_ok());
        let mut dataset = with_patterns(&["*.csv"]).datasets.remove(0);
        dataset.schema.columns =
            vec![ColumnDef { from: Some(from), ..ColumnDef::new(name, DataType::Int64) }];
        prop_assert_eq!(read_back(&render_dataset(&dataset, &[note])), dataset);
    }
}
