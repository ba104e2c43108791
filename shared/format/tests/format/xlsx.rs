//! Sheets of workbooks: cells as a CSV file would have them, rows rejected by
//! the names of their cells, workbooks refused by name.

use millrace_contract::{DataType, FileFormat, SchemaMode, SheetRef};
use millrace_format::{ErrorKind, Plan, infer};

use crate::support::{Outcome, dataset, plan, run};
use crate::workbooks::{Book, DATE, MOMENT, TIME, number, styled, typed, zip};

fn strict(columns: &[&str]) -> Plan {
    plan(FileFormat::Xlsx, columns)
}

/// Sales with every kind of cell; the second sheet is a table that starts at C4.
fn sales() -> Book {
    let mut book = Book::default();
    let header = ["id", "day", "at", "when", "paid", "note"];
    let header: String =
        "ABCDEF".chars().zip(header).map(|(c, name)| book.text(&format!("{c}1"), name)).collect();
    let first = [
        number("A2", "1"),
        styled("B2", DATE, "45292"),
        styled("C2", MOMENT, "45292.75"),
        styled("D2", TIME, "0.5"),
        typed("E2", "b", "1"),
        book.text("F2", "a &amp; b"),
    ];
    let second = [
        number("A3", "9007199254740993"),
        styled("B3", DATE, "45293"),
        typed("E3", "b", "0"),
        typed("F3", "str", "two&#10;lines"),
    ];
    let title = book.text("C2", "Prices of today");
    let names = [book.text("C4", "item"), book.text("D4", "price")].concat();
    let pear = [book.text("C5", "pear"), number("D5", "0.30000000000000004")].concat();
    let plum = [book.text("C7", "plum"), typed("D7", "e", "#N/A")].concat();
    let fig = [book.text("C8", "fig"), number("D8", "2")].concat();
    book.sheet("Sales", &[(1, header), (2, first.concat()), (3, second.concat())]).sheet(
        "Prices",
        &[(2, title), (4, names), (5, pear), (6, styled("C6", DATE, "")), (7, plum), (8, fig)],
    )
}

fn prices(columns: &[&str]) -> Plan {
    let mut plan = strict(columns);
    plan.xlsx.sheet = Some(SheetRef::Name("Prices".into()));
    plan.xlsx.skip_rows = 3;
    plan
}

#[test]
fn cells_become_what_they_show() {
    let columns = ["day date", "id int64", "at timestamp", "when time", "paid bool", "note string"];
    let outcome = run(sales().bytes(), &strict(&columns)).unwrap();
    assert_eq!(
        outcome.rows(),
        [
            "2024-01-01|1|2024-01-01T18:00:00|12:00:00|true|a & b",
            "2024-01-02|9007199254740992|∅|∅|false|two\nlines",
        ]
    );
    let mut book = sales();
    book.is_1904 = true;
    let outcome = run(book.bytes(), &strict(&columns)).unwrap();
    assert!(outcome.rows()[0].starts_with("2028-01-02|"), "{:?}", outcome.rows());
}

#[test]
fn a_table_is_found_where_it_lies_and_errors_are_named_by_their_cells() {
    let outcome = run(sales().bytes(), &prices(&["item string", "price float64"])).unwrap();
    assert_eq!(outcome.rows(), ["pear|0.30000000000000004", "fig|2.0"]);
    assert_eq!(outcome.messages(), ["cell D7: the cell holds the error #N/A"]);
    let reject = &outcome.rejects[0];
    assert_eq!((reject.line, &*reject.rule), (7, "error_cell"));
    assert_eq!(reject.raw, r##"{"item":"plum","price":"#N/A"}"##);
    let skipped = &outcome.report.balance.skipped;
    assert_eq!((skipped.get("preamble"), skipped.get("blank_line")), (Some(&1), Some(&1)));
    let mut plan = prices(&["item string", "price int8"]);
    plan.xlsx.null.push("#N/A".into());
    let outcome = run(sales().bytes(), &plan).unwrap();
    assert_eq!(outcome.rows(), ["plum|∅", "fig|2"]);
    let said = "column `price` at cell D5: `0.30000000000000004` is not an int8";
    assert_eq!(outcome.messages(), [said]);
}

#[test]
fn a_range_is_read_and_nothing_beside_it() {
    let mut plan = strict(&["item string", "price float64 required"]);
    plan.xlsx.sheet = Some(SheetRef::Number(2));
    plan.xlsx.range = Some("C5:D5".parse().unwrap());
    plan.xlsx.header = false;
    assert_eq!(run(sales().bytes(), &plan).unwrap().rows(), ["pear|0.30000000000000004"]);
    plan.xlsx.range = Some("C4:C".parse().unwrap());
    plan.xlsx.header = true;
    plan.columns.truncate(1);
    assert_eq!(run(sales().bytes(), &plan).unwrap().rows(), ["pear", "plum", "fig"]);
}

#[test]
fn values_beside_the_table_reject_their_row() {
    let mut book = Book::default();
    let header = book.text("B1", "a");
    let rows = [
        (1, header),
        (2, number("B2", "1")),
        (3, [number("B3", "2"), number("C3", "3")].concat()),
        (4, [number("A4", "0"), number("B4", "4")].concat()),
    ];
    let outcome = run(book.sheet("S", &rows).bytes(), &strict(&["a int64"])).unwrap();
    assert_eq!(outcome.rows(), ["1"]);
    let said = |row| format!("row {row}: expected 1 fields, found 2");
    assert_eq!(outcome.messages(), [said(3), said(4)]);
}

#[test]
fn columns_are_inferred_from_the_cells() {
    let mut set = dataset(FileFormat::Xlsx, &[]);
    set.schema.mode = SchemaMode::Infer;
    let inferred = infer(&sales().bytes()[..], &set).unwrap();
    let types: Vec<_> = inferred.columns.iter().map(|c| c.data_type.to_string()).collect();
    // Times of day are text until they are declared.
    assert_eq!(types, ["int64", "date", "timestamp", "string", "bool", "string"]);
    assert_eq!((inferred.rows_sampled, &*inferred.columns[1].name), (2, "day"));
    set.xlsx.sheet = Some(SheetRef::Name("prices".into()));
    set.xlsx.skip_rows = 3;
    set.xlsx.null.push("#N/A".into());
    let inferred = infer(&sales().bytes()[..], &set).unwrap();
    assert_eq!(inferred.columns[1].data_type, DataType::Float64);
}

#[test]
fn many_rows_come_out_whole_in_flat_blocks() {
    let mut book = Book::default();
    let header = [book.text("A1", "id"), book.text("B1", "half")].concat();
    let row = |n: u32| {
        let cells =
            [number(&format!("A{n}"), &n.to_string()), number(&format!("B{n}"), &format!("{n}.5"))];
        (n, cells.concat())
    };
    let rows: Vec<_> = std::iter::once((1, header)).chain((2..=20_001).map(row)).collect();
    let mut plan = strict(&["id int64", "half decimal(8,1)"]);
    plan.limits.block_bytes = 4096;
    let outcome = run(book.sheet("S", &rows).bytes(), &plan).unwrap();
    assert_eq!(outcome.report.balance.written, 20_000);
    assert_eq!(outcome.rows()[19_999], "20001|20001.5");
}

#[test]
fn a_sheet_that_is_not_there_is_told_from_those_that_are() {
    for sheet in [SheetRef::Name("Costs".into()), SheetRef::Number(3)] {
        let mut plan = strict(&["id int64"]);
        plan.xlsx.sheet = Some(sheet);
        let error = run(sales().bytes(), &plan).err().unwrap();
        assert!(error.is_contract());
        assert!(error.to_string().ends_with("it has: `Sales`, `Prices`"), "{error}");
    }
}

#[test]
fn workbooks_that_do_not_read_are_refused_by_name() {
    let plan = strict(&["id int64"]);
    let whole = sales().bytes();
    for cut in [50, whole.len() / 2, whole.len() - 5] {
        let error = run(&whole[..cut], &plan).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Unreadable, "{cut}: {error}");
    }
    for at in (0..whole.len()).step_by(5) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x55;
        let _ = run(&damaged, &plan).map(|_: Outcome| ());
    }
    let old = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0\0\0\0\0\0\0\0";
    let error = run(old, &plan).err().unwrap().to_string();
    assert!(error.contains("with a password"), "{error}");
    let error = run(b"a,b\n1,2\n", &plan).err().unwrap().to_string();
    assert!(error.contains("this is not an XLSX workbook: it begins with `a,b"), "{error}");
    let document = zip(&[
        ("[Content_Types].xml".into(), "<Types/>".into()),
        ("word/document.xml".into(), "<w/>".into()),
    ]);
    let error = run(document, &plan).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unreadable, "{error}");
}

#[test]
fn bombs_are_refused_before_they_go_off() {
    let mut book = Book::default();
    let long = "x".repeat(200_000);
    let header = book.text("A1", "id");
    let cell = book.text("A2", &long);
    let bytes = book.sheet("S", &[(1, header), (2, cell)]).bytes();
    let mut plan = strict(&["id string"]);
    assert_eq!(run(&bytes, &plan).unwrap().report.balance.written, 1);
    plan.limits.workbook_bytes = 100_000;
    let error = run(&bytes, &plan).err().unwrap().to_string();
    assert!(error.contains("the workbook's texts would become more than 100000"), "{error}");
    plan.limits.workbook_bytes = 1 << 20;
    plan.limits.row_bytes = 100_000;
    let error = run(&bytes, &plan).err().unwrap().to_string();
    assert!(error.contains("one of its texts would become more than 100000"), "{error}");
    plan.limits.row_bytes = 1 << 20;
    (plan.limits.ratio_grace_bytes, plan.limits.decompression_ratio) = (1000, 100);
    let error = run(&bytes, &plan).err().unwrap().to_string();
    assert!(error.contains("would become more than"), "{error}");
}

/// Two tables with headers of two rows, a title over the first.
fn headcount() -> Book {
    let mut book = Book::default();
    let mut row = |number: u32, cells: &[(&str, &str)]| {
        let cells =
            cells.iter().map(|(column, text)| book.text(&format!("{column}{number}"), text));
        (number, cells.collect::<String>())
    };
    let mut rows = vec![
        row(1, &[("A", "Staff by gender")]),
        row(2, &[("B", "FTE"), ("D", "Percentage")]),
        row(3, &[("A", "Agency"), ("B", "Female"), ("C", "Male"), ("D", "Female")]),
        row(4, &[("A", "Police"), ("B", "1.5"), ("C", "2"), ("D", "0.4")]),
        row(7, &[("B", "Headcount"), ("D", "Percentage")]),
        row(8, &[("A", "Other entities"), ("B", "Female"), ("C", "Male"), ("D", "Female")]),
        row(9, &[("A", "Museum"), ("B", "3"), ("C", "5"), ("D", "0.375")]),
        row(10, &[("A", "Library"), ("B", "4"), ("D", "1")]),
    ];
    // As spreadsheets leave rows behind that were cleared.
    rows.insert(4, (5, styled("A5", DATE, "")));
    book.sheet("pg 18", &rows)
}

const HEADCOUNT: [&str; 4] = [
    "Other entities string",
    "Headcount_Female int64",
    "Headcount_Male int64",
    "Percentage_Female float64",
];

#[test]
fn a_table_is_taken_from_among_others_and_its_header_has_two_rows() {
    let mut plan = strict(&[]);
    for (column, data_type) in HEADCOUNT.map(|column| column.rsplit_once(' ').unwrap()) {
        let name = column.replace(' ', "_").to_lowercase();
        let mut column_def = millrace_contract::ColumnDef::new(&name, data_type.parse().unwrap());
        column_def.from = Some(column.to_owned());
        plan.columns.push(column_def);
    }
    plan.xlsx.header_rows = 2;
    for number in [2, -1] {
        plan.xlsx.table = Some(number);
        let outcome = run(headcount().bytes(), &plan).unwrap();
        assert_eq!(outcome.rows(), ["Museum|3|5|0.375", "Library|4|∅|1.0"]);
        let balance = &outcome.report.balance;
        assert_eq!((balance.read, balance.written), (7, 2));
        let skipped = |rule: &str| balance.skipped.get(rule).copied();
        assert_eq!((skipped("outside_block"), skipped("blank_line")), (Some(4), Some(1)));
    }
}

#[test]
fn a_table_that_is_not_there_is_said_to_be() {
    let mut plan = strict(&["agency string"]);
    plan.xlsx.table = Some(-3);
    let error = run(headcount().bytes(), &plan).err().unwrap();
    assert_eq!(error.to_string(), "the sheet `pg 18` has 2 tables, and none is number -3");
}

#[test]
fn skipped_rows_are_those_of_the_table() {
    let mut dataset = dataset(FileFormat::Xlsx, &[]);
    dataset.schema.mode = SchemaMode::Infer;
    dataset.xlsx.table = Some(1);
    dataset.xlsx.skip_rows = 1;
    dataset.xlsx.header_rows = 2;
    let found = infer(&headcount().bytes()[..], &dataset).unwrap();
    let names: Vec<_> = found.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["Agency", "FTE_Female", "FTE_Male", "Percentage_Female"]);
}
