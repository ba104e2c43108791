//! Rules that look beyond the row: as they are written, and as they are refused.

use millrace_contract::{ColumnDef, Dataset};
use millrace_format::{FileCheck, FileRule, RowFilter};

use super::refused::dataset;
use super::*;
use millrace_contract::SchemaMode;

fn rule(rule: &str, on_fail: OnFail) -> Expectation {
    Expectation { rule: rule.to_owned(), on_fail }
}

/// A dataset `orders` with columns of every kind, strictly held to.
fn orders(expect: Vec<Expectation>) -> Dataset {
    let column = |(name, data_type): (&str, &str)| ColumnDef::new(name, data_type.parse().unwrap());
    let columns = [
        ("id", "int64"),
        ("code", "string"),
        ("customer_id", "int64"),
        ("day", "date"),
        ("at", "timestamp"),
    ];
    let mut orders = dataset(SchemaMode::Strict, &[]);
    orders.name = "orders".into();
    orders.schema.columns = columns.map(column).to_vec();
    orders.expect = expect;
    orders
}

fn customers() -> Dataset {
    let mut customers = orders(Vec::new());
    customers.name = "customers".into();
    customers.parquet.partition_by = vec!["day".into()];
    customers
}

fn file_rule(text: &str) -> FileRule {
    let orders = orders(vec![rule(text, OnFail::RejectFile)]);
    let schema = reference::declared_schema(&orders);
    let mut rules = Rules::compile(&orders, &schema, 77).map_err(|problem| problem.to_string());
    rules.as_mut().unwrap().file.remove(0)
}

#[test]
fn rules_over_the_file_are_read_in_every_wording() {
    for (text, columns) in
        [("unique(id)", &[0][..]), ("UNIQUE( Code , id )", &[1, 0]), ("unique(\"id\")", &[0])]
    {
        assert_eq!(
            file_rule(text).check,
            FileCheck::Unique { columns: columns.to_vec() },
            "{text}"
        );
    }
    for (text, least, most) in [
        ("row_count between 1 and 1000000", 1, 1_000_000),
        ("row_count > 0", 1, u64::MAX),
        ("Row_Count >= 2", 2, u64::MAX),
        ("row_count = 100", 100, 100),
        ("row_count < 10", 0, 9),
        ("row_count <= 10", 0, 10),
    ] {
        assert_eq!(file_rule(text).check, FileCheck::RowCount { least, most }, "{text}");
    }
    let hour = 3_600_000_000;
    for (text, column, at_most) in [
        ("max_age(at) <= interval '2 days'", 4, 48 * hour),
        ("max_age(at) < interval '2' day", 4, 48 * hour - 1),
        ("max_age(day) <= '36 hours'", 3, 36 * hour),
        ("max_age(day) <= interval '1 week 1 day'", 3, 8 * 24 * hour),
    ] {
        let check = FileCheck::MaxAge { column, at_most, from: 77 };
        assert_eq!(file_rule(text).check, check, "{text}");
    }
}

#[test]
fn a_reference_names_a_column_and_another_datasets_key() {
    let orders = orders(vec![rule("references(customer_id, customers.id)", OnFail::Warn)]);
    assert_eq!(check_rules(&orders, &[customers(), orders.clone()]), []);
    let schema = reference::declared_schema(&orders);
    let references = Rules::compile(&orders, &schema, 0).unwrap().references;
    let Reference { column, dataset, key, on_fail, .. } = &references[0];
    assert_eq!((*column, dataset.as_str(), key.as_str()), (2, "customers", "id"));
    assert_eq!(*on_fail, OnFail::Warn);
}

#[test]
fn what_is_wrong_with_a_rule_over_the_file_is_said() {
    let texts = [
        "unique(idd)",
        "unique()",
        "unique(id + 1)",
        "unique(id, id)",
        "unique(id) and id > 0",
        "unique(id) = true",
        "row_count <> 5",
        "row_count > -1",
        "row_count between 5 and 1",
        "row_count between id and 5",
        "row_count < 0",
        "max_age(at)",
        "max_age(at) > '2 days'",
        "max_age(at) <= '2 months'",
        "max_age(at, day) <= '2 days'",
        "max_age(code) <= '2 days'",
        "max_age(ad) <= '2 days'",
        "references(customer_id)",
        "references(customer_id, id)",
        "references(custmer_id, customers.id)",
        "references(customer_id, custmers.id)",
        "references(customer_id, elsewhere.id)",
        "references(customer_id, customers.idd)",
        "references(customer_id, customers.colour)",
        "references(code, customers.id)",
        "references(day, customers.day)",
        "references(id, orders.customer_id)",
    ];
    let rules = texts.iter().map(|text| rule(text, OnFail::RejectFile)).collect();
    let orders = orders(rules);
    let problems = check_rules(&orders, &[customers(), orders.clone()]);
    let indices: Vec<_> = problems.iter().filter_map(|problem| problem.index).collect();
    assert_eq!(indices, (0..texts.len()).collect::<Vec<_>>());
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_rule_over_the_file_has_no_row_to_reject() {
    let texts = ["row_count > 0", "max_age(at) <= '2 days'", "unique(id)"];
    let orders = orders(texts.iter().map(|text| rule(text, OnFail::RejectRow)).collect());
    let problems = check_rules(&orders, &[]);
    let indices: Vec<_> = problems.iter().filter_map(|problem| problem.index).collect();
    assert_eq!(indices, [0, 1]);
    assert!(problems.iter().all(|problem| problem.fault == RuleFault::NoRowToReject));
}

#[test]
fn a_column_named_as_a_rule_is_a_column() {
    let mut orders = orders(vec![rule("row_count > 0", OnFail::RejectRow)]);
    orders.schema.columns.push(ColumnDef::new("row_count", "int64".parse().unwrap()));
    let schema = reference::declared_schema(&orders);
    assert_eq!(Rules::compile(&orders, &schema, 0).unwrap().rows.len(), 1);
}

#[test]
fn inferred_columns_are_left_to_the_file() {
    let mut orders = orders(vec![
        rule("unique(other)", OnFail::Warn),
        rule("references(other, customers.other)", OnFail::Warn),
        rule("references(id, customers.other)", OnFail::Warn),
    ]);
    orders.filter = Some("other = 'x'".into());
    let mut customers = customers();
    assert_eq!(check_rules(&orders, std::slice::from_ref(&customers)).len(), 4);
    orders.schema.mode = SchemaMode::Infer;
    customers.schema.mode = SchemaMode::Infer;
    assert_eq!(check_rules(&orders, &[customers]), []);
}

#[test]
fn a_filter_is_a_condition_over_one_row_whose_columns_may_be_null() {
    let mut orders = orders(Vec::new());
    orders.schema.columns[1].required = true;
    orders.filter = Some("code is null or upper(code) = 'A'".into());
    let schema = reference::declared_schema(&orders);
    let filter = Rules::compile(&orders, &schema, 0).unwrap().filter.unwrap();
    assert_eq!(filter.columns(), [1]);
    for (filter, said) in [
        ("cod = 'A'", "where `cod = 'A'`: there is no column `cod`; did you mean `code`?"),
        ("unique(id)", "where `unique(id)`: `unique` looks at more than one row"),
        ("code", "where `code`: it is of type string, not true or false"),
    ] {
        orders.filter = Some(filter.into());
        let problems = check_rules(&orders, &[]);
        assert_eq!((problems.len(), problems[0].key().as_str()), (1, "where"));
        assert!(problems[0].to_string().starts_with(said), "{}", problems[0]);
    }
}
