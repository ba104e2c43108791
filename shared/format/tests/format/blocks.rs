//! Several tables in one text file, each a dataset of its own.

use millrace_contract::{CsvOptions, FileFormat, LineEnds, TextBlock};
use millrace_format::Plan;

use crate::support::{Trickle, csv, infer_from, run, run_from};

const STATEMENT: &str = "Account,1\n\n[Positions]\nisin,amount\nA,1\nB,2\n\n[Cash]\ncurrency,sum\n\
                         EUR,3.5\n\"U\nSD\",4\nend of file\n";

fn block(after: Option<&str>, until: Option<&str>, columns: &[&str]) -> Plan {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let mut plan = csv(columns);
    plan.csv.block = Some(TextBlock { after: owned(after), until: owned(until) });
    plan
}

#[test]
fn each_dataset_reads_its_block_and_counts_the_rest() {
    let positions = block(Some("[Positions]"), Some(""), &["isin string", "amount int64"]);
    let outcome = run(STATEMENT, &positions).unwrap();
    assert_eq!(outcome.rows(), ["A|1", "B|2"]);
    let balance = &outcome.report.balance;
    assert_eq!(balance.skipped.get("outside_block"), Some(&10));
    assert_eq!((balance.read, balance.written), (12, 2));
    let cash = block(Some("[Cash]"), Some("end of"), &["currency string", "sum float64"]);
    let outcome = run(STATEMENT, &cash).unwrap();
    assert_eq!(outcome.rows(), ["EUR|3.5", "U\nSD|4.0"]);
    assert_eq!(outcome.report.balance.skipped.get("outside_block"), Some(&9));
    let head = block(None, Some("[Posit"), &["Account string", "x int64 from=1"]);
    let outcome = run(STATEMENT, &head).unwrap();
    assert_eq!(outcome.rows(), Vec::<String>::new());
    assert_eq!(outcome.report.balance.read, 12);
}

#[test]
fn how_the_file_arrives_makes_no_difference() {
    let rows: String = (0..5000).map(|row| format!("{row},x{row}\n")).collect();
    let noise = "noise, and \"more\n".repeat(5000);
    for line_end in ["\n", "\r\n", "\r"] {
        let text = format!("{noise}[T]\n\n\na,b\n{rows}\n{noise}").replace('\n', line_end);
        let mut plan = block(Some("[T]"), Some(""), &["a int64", "b string"]);
        plan.limits.block_bytes = 1000;
        if line_end == "\r" {
            plan.csv.line_ends = LineEnds::Mixed;
        }
        for sizes in [vec![1 << 20], vec![7, 1, 300, 4096]] {
            let outcome =
                run_from(Trickle { bytes: text.as_bytes(), sizes, turn: 0 }, &plan).unwrap();
            let balance = &outcome.report.balance;
            assert_eq!(balance.written, 5000, "{line_end:?}");
            assert_eq!(balance.skipped.get("outside_block"), Some(&10_002), "{line_end:?}");
            assert_eq!(outcome.rows()[4999], "4999|x4999");
        }
    }
}

#[test]
fn places_in_rejects_are_those_of_the_file() {
    let plan = block(Some("[Positions]"), Some("[Cash]"), &["isin string", "amount int8"]);
    let text = STATEMENT.replace("B,2", "B,200");
    let outcome = run(&text, &plan).unwrap();
    let reject = &outcome.rejects[0];
    assert_eq!((reject.line, reject.raw.as_str()), (6, "B,200"));
    assert_eq!(reject.byte_offset, text.find("B,200").unwrap() as u64);
}

#[test]
fn a_file_without_the_block_is_refused() {
    let plan = block(Some("[Bonds]"), None, &["a string"]);
    let error = run(STATEMENT, &plan).err().unwrap();
    assert!(error.is_contract());
    assert_eq!(error.to_string(), "no line begins with `[Bonds]`, behind which the block starts");
}

#[test]
fn columns_are_inferred_from_the_block() {
    let block = TextBlock { after: Some("[Cash]".into()), until: Some("end".into()) };
    let options = CsvOptions { block: Some(block), ..CsvOptions::default() };
    let inferred = infer_from(STATEMENT.as_bytes(), FileFormat::Csv, &options, 1 << 20).unwrap();
    let types: Vec<_> =
        inferred.columns.iter().map(|c| (&*c.name, c.data_type.to_string())).collect();
    assert_eq!(types, [("currency", "string".to_owned()), ("sum", "float64".to_owned())]);
}
