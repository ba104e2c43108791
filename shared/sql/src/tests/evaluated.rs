//! Rules that hold or do not.

use super::*;

#[test]
fn rules_are_evaluated_for_every_row() {
    for (rule, expected) in [
        ("amount > 0", "tfn"),
        ("Amount > 0", "tfn"),
        ("AMOUNT >= -0.01", "ttn"),
        ("amount = 10.5", "tfn"),
        ("amount * 3 = 31.5", "tfn"),
        ("amount between 0 and 100", "tfn"),
        ("abs(amount) < 1", "ftn"),
        ("currency in ('EUR', 'USD')", "tfn"),
        ("upper(currency) in ('EUR', 'USD')", "ttn"),
        ("currency is not null", "ttf"),
        ("not (currency is null)", "ttf"),
        ("qty not in (3, 4)", "ttn"),
        ("amount between 0 and 10.5", "tfn"),
        ("amount not between 0 and 10", "ttn"),
        ("currency ~* '^[a-z]{3}$'", "ttn"),
        ("currency !~ '^[A-Z]{3}$'", "ftn"),
        ("regexp_like(currency, '^[A-Z]{3}$')", "tfn"),
        ("currency similar to '[A-Z]{3}'", "tfn"),
        ("lower(currency) = 'eur'", "tfn"),
        ("trim(currency) <> ''", "ttn"),
        ("substr(currency, 1, 1) = 'E'", "tfn"),
        ("starts_with(currency, 'E')", "tfn"),
        ("currency ilike 'e%'", "tfn"),
        ("date between '2022-01-01' and '2022-12-31'", "tfn"),
        ("date_trunc('year', date) = '2022-01-01'", "tfn"),
        ("at >= '1970-01-01' and at < '1970-01-02'", "ttn"),
        ("date + interval '1 day' > '2022-01-08'", "ttn"),
        ("currency ~ '^[A-Z]{3}$'", "tfn"),
        ("currency like '%U%'", "tfn"),
        ("length(currency) = 3", "ttn"),
        ("date >= '2022-01-08'", "ttn"),
        ("date < date '2023-01-01'", "tfn"),
        ("date_part('year', date) = 2022", "tfn"),
        ("extract(year from date) = 2022", "tfn"),
        ("at < '1970-01-01T00:00:00.000001Z'", "tfn"),
        ("qty % 2 = 0", "ttn"),
        ("qty = 2 or paid", "tfn"),
        ("not paid", "ftn"),
        ("paid", "tfn"),
        ("case when paid then amount > 0 else true end", "ttt"),
        ("coalesce(qty, 0) >= 0", "ttt"),
        ("rate = rate", "ttn"),
        ("rate > 0.1", "ttn"),
        ("rate < amount", "tfn"),
        ("rate between 0.1 and 0.6", "tfn"),
        ("rate in (0.5, 0.25)", "tfn"),
        ("rate * 1.5 = 0.75", "tfn"),
        ("cast(currency as varchar) = 'EUR'", "tfn"),
        ("true", "ttt"),
        ("qty <> 0 -- a comment", "tfn"),
    ] {
        assert_eq!(verdicts(rule).as_deref(), Ok(expected), "{rule}");
    }
}

#[test]
fn a_condition_before_a_division_keeps_it_from_being_asked() {
    assert_eq!(verdicts("qty <> 0 and 10 / qty = 5").as_deref(), Ok("tfn"));
    assert_eq!(verdicts("qty = 0 or 10 / qty = 5").as_deref(), Ok("ttn"));
    assert_eq!(verdicts("10 / nullif(qty, 0) = 5").as_deref(), Ok("tnn"));
    assert_eq!(verdicts("case when qty = 0 then true else 10 / qty = 5 end").as_deref(), Ok("ttn"));
}

#[test]
fn what_cannot_be_evaluated_names_the_rule_and_the_row() {
    let errors: Vec<String> =
        ["10 / qty = 5", "big + 1 > 0", "big * 2 > qty", "cast(currency as int) > 0"]
            .into_iter()
            .map(|rule| verdicts(rule).unwrap_err())
            .collect();
    insta::assert_snapshot!(errors.join("\n"));
}

#[test]
fn a_column_is_matched_exactly_before_letter_case_is_ignored() {
    let columns: [(&str, ArrayRef); 2] =
        [("A", Arc::new(Int64Array::from(vec![1]))), ("a", Arc::new(Int64Array::from(vec![2])))];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    for (rule, holds) in [("a = 2", true), ("A = 1", true), ("\"a\" = 2", true)] {
        let rule = compiled(rule, &batch.schema()).unwrap();
        assert_eq!(rule.check(&batch).unwrap().value(0), holds);
    }
}

#[test]
fn a_batch_without_rows_has_no_verdicts() {
    let empty = batch().slice(0, 0);
    for rule in ["amount > 0", "true", "10 / qty = 5"] {
        assert_eq!(compiled(rule, &empty.schema()).unwrap().check(&empty).unwrap().len(), 0);
    }
}
