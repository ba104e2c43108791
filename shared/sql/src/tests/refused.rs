//! Texts that are no rules.

use millrace_contract::{
    ColumnDef, CsvOptions, DataType, FileFormat, ParquetOptions, RejectOptions, Schema as Columns,
    SchemaMode,
};

use super::*;
use crate::problem::MOST_TOKENS;

#[test]
fn what_is_no_condition_over_a_row_is_refused_by_name() {
    let refusals: Vec<String> = [
        "amount >",
        "amount > 0; drop table x",
        "amount > 0 as positive",
        "select 1",
        "amuont > 0",
        "colour = 'red'",
        "t.amount > 0",
        "\"amount\" > 0",
        "amount",
        "amount + 1",
        "null",
        "'text'",
        "sum(amount) > 0",
        "count(*) > 0",
        "row_number() over () = 1",
        "unique(currency) and paid",
        "row_count > 1 and paid",
        "row_count() > 1",
        "amount > (select 1)",
        "exists (select 1)",
        "amount in (select 1)",
        "date <= current_date",
        "at < now()",
        "random() > 0.5",
        "uuid() = currency",
        "lenght(currency) = 3",
        "length(currency, 1) = 3",
        "currency > 5",
        "amount > '5'",
        "currency = qty",
        "currency in (1, 2)",
        "amount = true",
        "date > '31/01/2024'",
        "date > 5",
        "1 / 0 = 1",
        "amount > $1",
        "amount > ?",
        "cast('x' as bigint) > qty",
        "@x > 1",
        "*",
        "",
    ]
    .into_iter()
    .map(|rule| match verdicts(rule) {
        Ok(verdicts) => format!("NOT REFUSED: `{rule}`: {verdicts}"),
        Err(refusal) => refusal,
    })
    .collect();
    insta::assert_snapshot!(refusals.join("\n"));
}

#[test]
fn a_rule_without_end_is_refused_before_it_is_parsed() {
    for long in [vec!["qty = 1"; 130].join(" or "), vec!["qty"; 260].join("+") + " > 0"] {
        assert!(verdicts(&long).unwrap_err().contains("split it"), "{long}");
    }
}

#[test]
fn the_longest_chains_and_nests_do_not_overflow_the_stack() {
    for (link, with) in [("qty = 1", " or "), ("paid", " and "), ("qty", "+"), ("currency", "||")] {
        let count = (MOST_TOKENS - 2) / (link.split(' ').count() + 1);
        let chain = vec![link; count].join(with);
        let rule = match link {
            "qty" => format!("{chain} > 0"),
            "currency" => format!("{chain} = ''"),
            _ => chain,
        };
        verdicts(&rule).unwrap();
    }
    let nests = [
        "(".repeat(200) + "paid" + &")".repeat(200),
        "not ".repeat(400) + "paid",
        "-".repeat(400) + "qty > 0",
    ];
    for nest in nests {
        assert!(verdicts(&nest).is_err());
    }
    verdicts(&("paid".to_owned() + &" is null".repeat(140))).unwrap();
}

/// A dataset with two columns, and rules that reject rows.
pub(super) fn dataset(mode: SchemaMode, rules: &[&str]) -> Dataset {
    let column = |name: &str, data_type| ColumnDef::new(name, data_type);
    Dataset {
        name: "d".into(),
        pattern: "raw/{year}/{kind}-*.csv".into(),
        description: None,
        format: FileFormat::Csv,
        json: Default::default(),
        fixed: Default::default(),
        filter: None,
        shared: false,
        xlsx: Default::default(),
        csv: CsvOptions::default(),
        schema: Columns {
            mode,
            columns: vec![
                column("amount", DataType::Decimal { precision: 12, scale: 2 }),
                column("year", DataType::Int16),
            ],
            sample_bytes: 1,
            ..Columns::default()
        },
        expect: rules.iter().map(|rule| expectation(rule)).collect(),
        rejects: RejectOptions::default(),
        transform: None,
        parquet: ParquetOptions::default(),
        limits: Default::default(),
        load: None,
    }
}

#[test]
fn a_datasets_rules_are_checked_against_its_columns_and_captures() {
    let rules = ["amount > 0", "kind = 'x'", "year > 2000", "amuont > 0", "amount >", "other = 1"];
    let indices = |mode| -> Vec<usize> {
        check_rules(&dataset(mode, &rules), &[])
            .iter()
            .filter_map(|problem| problem.index)
            .collect()
    };
    assert_eq!(indices(SchemaMode::Strict), [3, 4, 5]);
    assert_eq!(indices(SchemaMode::Infer), [4]);
}
