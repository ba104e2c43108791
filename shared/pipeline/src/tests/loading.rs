//! What is said about tables, how rows meet them, and views.

use super::problems::{problems, said};
use super::*;

#[test]
fn what_a_table_can_not_be_is_said() {
    let columns = r#"schema = { mode = "strict", columns = [{ name = "id", type = "int64" }] }"#;
    for (lines, expected) in [
        (
            r#"load = { table = "t", order_by = "at" }"#,
            "1: only mode `upsert` asks which row of a key is the newest",
        ),
        (
            &format!(
                "{columns}\nload = {{ table = \"t\", mode = \"upsert\", key = [\"y\"], order_by = \"it\" }}"
            ),
            "2: `it` is neither a column nor captured by the pattern",
        ),
        (
            "schema = { columns = [{ name = \"j\", type = \"json\" }] }\nload = { table = \"t\", mode = \"upsert\", key = [\"y\"], order_by = \"j\" }",
            "2: column `j` is json, which has no newest; use a time, a number or a text",
        ),
        (r#"load = { table = "t", mode = "merge" }"#, "1: `sql` is missing in `datasets.d.load`"),
        (
            r#"load = { table = "t", mode = "merge", sql = [] }"#,
            "1: mode `merge` needs a statement",
        ),
        (
            r#"load = { table = "t", mode = "merge", sql = "delete from t" }"#,
            "1: none of the statements reads the rows of the file",
        ),
        (
            r#"load = { table = "t", mode = "merge", sql = ["insert into t select * from {input}", "commit"] }"#,
            "1: a load's SQL changes rows, and begins with one of INSERT, UPDATE, DELETE, MERGE, REPLACE, WITH, not with `commit`",
        ),
        (
            r#"load = { table = "t", sql = "insert into t select * from {input}" }"#,
            "1: only mode `merge` has SQL of its own",
        ),
        (
            &format!("{columns}\nload = {{ table = \"t\", primary_key = [\"id\"] }}"),
            "2: column `id` may be null, which no primary key allows",
        ),
        (r#"load = { table = "t", indexes = [["a"], ["a"]] }"#, "1: this index is there twice"),
        (r#"load = { table = "t", indexes = [[]] }"#, "1: an index has columns"),
        (r#"load = { table = "t", create_schema = true }"#, "1: there is no `schema` to create"),
        (
            r#"load = { table = "t", schema = "pg_catalog" }"#,
            "1: `pg_catalog` is a schema of the database's own",
        ),
        (
            r#"load = { table = "t", schema = "a.b" }"#,
            "1: `a.b` has a dot, which stands between schema and table",
        ),
        (
            r#"schema = { columns = [{ name = "a", type = "int8", default = 200 }] }"#,
            "1: `200` is not a int8",
        ),
        (
            r#"schema = { columns = [{ name = "a", type = "json", default = "{}" }] }"#,
            "1: columns of type json can't have a default",
        ),
        (
            "format = \"json\"\nschema = { columns = [{ name = \"a\", type = \"date\", format = \"%d\", default = \"2024-01-01\" }] }",
            "2: with `format`, a column of JSON can't have a `default`",
        ),
        ("[views.v]", "1: `sql` is missing in `views.v`"),
        (
            "[views.v]\nsql = \"drop table t\"",
            "2: a view is a query, and begins with one of SELECT, WITH, VALUES, not with `drop`",
        ),
        ("[views.v]\nsql = \"select 1\"\ndepends_on = [\"w\"]", "3: there is no view `w`"),
        (
            "load = { table = \"v\" }\n[views.v]\nsql = \"select 1\"",
            "2: dataset `d` has a table of the name `v`",
        ),
    ] {
        assert_eq!(said(lines), [expected], "{lines}");
    }
}

#[test]
fn what_is_said_about_a_table_is_read() {
    let pipeline = Pipeline::parse(include_str!("full.toml")).unwrap();
    let expenses = pipeline.dataset("expenses").unwrap();
    assert_eq!(expenses.description.as_deref(), Some("What was spent"));
    let load = expenses.load.as_ref().unwrap();
    assert_eq!(load.full_name(), "finance.expenses");
    assert!(load.create_schema);
    assert_eq!(load.order_by.as_deref(), Some("at"));
    assert_eq!(load.primary_key, ["date", "year"]);
    assert_eq!(load.indexes, [vec!["at", "amount"], vec!["at"]]);
    let year = expenses.schema.columns.iter().find(|column| column.name == "year").unwrap();
    assert_eq!(year.default.as_deref(), Some("2000"));
    assert_eq!(year.description.as_deref(), Some("Of the folder"));
    let clicks = pipeline.dataset("clicks").unwrap().load.as_ref().unwrap();
    assert_eq!(clicks.sql, ["insert into {table} select * from {input}"]);
    let names: Vec<String> = pipeline.views.iter().map(|view| view.full_name()).collect();
    assert_eq!(names, ["monthly", "reports.yearly"]);
}

#[test]
fn a_table_that_holds_one_file_is_of_one_dataset() {
    let text = "version = 1\nname = \"p\"\n[datasets.a]\nmatch = \"a/*.csv\"\n\
                load = { table = \"t\", schema = \"s\" }\n[datasets.b]\nmatch = \"b/*.csv\"\n\
                load = { table = \"t\", schema = \"s\", mode = \"replace_table\" }\n";
    let found: Vec<String> = problems(text).into_iter().map(|problem| problem.message).collect();
    assert_eq!(found, ["`b` and `a` load both into `s.t`"]);
    assert!(Pipeline::parse(&text.replacen("schema = \"s\"", "schema = \"r\"", 1)).is_ok());
}

#[test]
fn views_that_depend_on_each_other_in_a_circle_are_refused() {
    let text = "version = 1\nname = \"p\"\n[datasets.a]\nmatch = \"a/*.csv\"\n[views]\n\
                a = { sql = \"select 1\", depends_on = [\"b\"] }\n\
                b = { sql = \"select 1\", depends_on = [\"a\"] }\n\
                c = { sql = \"select 1\", depends_on = [\"a\"] }\n";
    let found: Vec<String> = problems(text).into_iter().map(|problem| problem.message).collect();
    assert_eq!(
        found,
        ["view `a` depends on itself by way of `b`", "view `b` depends on itself by way of `a`"]
    );
}

#[test]
fn a_view_comes_behind_those_it_depends_on() {
    let pipeline = with_datasets(
        "[datasets.a]\nmatch = \"a/*.csv\"\n[views]\n\
         a = { sql = \"select 1\", depends_on = [\"c\", \"b\"] }\n\
         b = { sql = \"select 1\", depends_on = [\"c\"] }\nc = { sql = \"select 1;\" }\n",
    );
    let names: Vec<&str> = pipeline.views.iter().map(|view| &*view.name).collect();
    assert_eq!(names, ["c", "b", "a"]);
    assert_eq!(pipeline.views[0].sql, "select 1");
}
