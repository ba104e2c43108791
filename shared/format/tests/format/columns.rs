//! What a column can be told about its values: how numbers, words, times and
//! nulls are written, and where they stand in lines of fixed width.

use millrace_contract::{ColumnDef, Encoding, ExtraColumns, FileFormat, NumberFormat};
use millrace_format::{ErrorKind, Plan};

use crate::support::{csv, ndjson, plan, run};

fn number(decimal: char, thousands: Option<char>) -> NumberFormat {
    NumberFormat {
        decimal,
        thousands,
        currency: vec!["€".into(), "$".into()],
        parentheses: true,
        percent: true,
    }
}

#[test]
fn numbers_are_read_as_they_are_written_and_exactly() {
    let mut plan = csv(&["a decimal(12,2)", "b int64", "c float64"]);
    plan.csv.delimiter = ';';
    for column in &mut plan.columns {
        column.number = number(',', Some('.'));
    }
    let text = "a;b;c\n1.234,50 €;1.000;12,5%\n(0,01);-1.234.567;\"€ 1,5\"\n12.50;1;1\n;;\n";
    let outcome = run(text, &plan).unwrap();
    assert_eq!(outcome.rows(), ["1234.50|1000|0.125", "-0.01|-1234567|1.5", "∅|∅|∅"]);
    assert_eq!(outcome.messages(), ["column `a` at line 4: `12.50` is not a decimal(12,2)"]);
    assert_eq!(outcome.rejects[0].raw, "12.50;1;1");
}

#[test]
fn words_nulls_and_spaces_are_those_of_the_column() {
    let mut plan = csv(&["ok bool", "n int64", "s string"]);
    plan.columns[0].true_words = vec!["Ja".into(), "ÄHM".into()];
    plan.columns[0].false_words = vec!["nein".into()];
    plan.columns[1].null = Some(vec!["-".into(), "n/a".into()]);
    plan.columns[2].trim = true;
    let text = "ok,n,s\nJA,-, x \nähm,1,\" y \"\nnein,n/a,  \ntrue,1,z\nja,,z\n";
    let outcome = run(text, &plan).unwrap();
    assert_eq!(outcome.rows(), ["true|∅|x", "true|1|y", "false|∅|∅"]);
    assert_eq!(
        outcome.messages(),
        ["column `ok` at line 5: `true` is not a bool", "column `n` at line 6: `` is not an int64"]
    );
    let mut plan = ndjson(&["n int64"]);
    plan.columns[0].null = Some(vec!["-".into()]);
    assert_eq!(run("{\"n\":\"-\"}\n{\"n\":3}\n", &plan).unwrap().rows(), ["∅", "3"]);
}

#[test]
fn unsigned_times_and_uuids_have_their_types() {
    let plan = csv(&["a uint8", "b uint16", "c uint32", "t time", "u uuid", "p time %I:%M %p"]);
    let text = "a,b,c,t,u,p\n255,65535,4294967295,23:59:58.5,0193F0A17C2E7D00800000000000ABCD,1:05 PM\n\
                256,1,1,00:00,,\n1,1,1,24:00,,\n-1,,,,x,\n,,,,x,\n";
    let outcome = run(text, &plan).unwrap();
    assert_eq!(
        outcome.rows(),
        ["255|65535|4294967295|23:59:58.500|0193f0a1-7c2e-7d00-8000-00000000abcd|13:05:00"]
    );
    assert_eq!(
        outcome.messages(),
        [
            "column `a` at line 3: `256` is not a uint8",
            "column `t` at line 4: `24:00` is not a time",
            "column `a` at line 5: `-1` is not a uint8",
            "column `u` at line 6: `x` is not a uuid",
        ]
    );
}

#[test]
fn clocks_stand_where_the_column_says() {
    let mut plan = csv(&["at timestamptz", "day timestamptz %d.%m.%Y %H:%M"]);
    for column in &mut plan.columns {
        column.zone = Some("Europe/Berlin".into());
    }
    let text = "at,day\n2024-07-01 12:00:00,01.01.2024 12:00\n2024-07-01T12:00:00Z,\n\
                2024-03-31 02:30:00,\n2024-10-27 02:30:00,\n";
    let outcome = run(text, &plan).unwrap();
    assert_eq!(
        outcome.rows(),
        ["2024-07-01T10:00:00Z|2024-01-01T11:00:00Z", "2024-07-01T12:00:00Z|∅"]
    );
    // Clocks are put forward over the one and shown twice the other.
    assert_eq!(outcome.rejects.iter().map(|reject| reject.line).collect::<Vec<_>>(), [4, 5]);
    plan.columns[0].zone = Some("Mars/Olympus".into());
    assert_eq!(run(text, &plan).err().unwrap().kind(), ErrorKind::Contract);
}

fn fixed(columns: &[(&str, u32, u32)]) -> Plan {
    let texts: Vec<_> = columns.iter().map(|(text, ..)| *text).collect();
    let mut plan = plan(FileFormat::Fixed, &texts);
    for (column, (_, start, width)) in plan.columns.iter_mut().zip(columns) {
        (column.start, column.width) = (Some(*start), Some(*width));
    }
    plan
}

#[test]
fn columns_of_fixed_width_are_taken_by_their_places() {
    let mut plan =
        fixed(&[("id int64 required", 1, 4), ("name string", 6, 5), ("v decimal(5,1)", 11, 5)]);
    plan.fixed.skip_lines = 1;
    plan.captures.insert("year".into(), "2024".into());
    let text = "ID   NAME \n   1 añb c  1.5\r\n  22 x\n\n   3\n     nobod\n   4 abcde 12.5  \n   5 abcde 12.5 !\n   x\n";
    let outcome = run(text, &plan).unwrap();
    assert_eq!(
        outcome.rows(),
        ["1|añb c|1.5|2024", "22|x|∅|2024", "3|∅|∅|2024", "4|abcde|12.5|2024"]
    );
    assert_eq!(
        outcome.messages(),
        [
            "column `id` at line 6: a value is required",
            "line 8: `!` stands behind the last column",
            "column `id` at line 9: `x` is not an int64",
        ]
    );
    let balance = &outcome.report.balance;
    assert_eq!(
        (balance.read, balance.skipped["preamble"], balance.skipped["blank_line"]),
        (9, 1, 1)
    );
    plan.extra = ExtraColumns::Ignore;
    assert_eq!(run(text, &plan).unwrap().report.balance.written, 5);
    plan.fixed.encoding = Encoding::Latin1;
    plan.fixed.null = vec!["-".into()];
    let outcome = run(b"h\n   7 \xE9-    -\n", &plan).unwrap();
    assert_eq!(outcome.rows(), ["7|é-|∅|2024"]);
    plan.columns[1] = ColumnDef { width: None, ..plan.columns[1].clone() };
    let error = run(text, &plan).err().unwrap();
    assert_eq!(error.to_string(), "column `name` has no `start` and `width`");
}
