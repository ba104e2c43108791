//! Exports: what is read, and what is said of those that can't be.

use millrace_contract::{DataType, ExportFormat, ExportSource, QueryPiece, StageName};

use super::problems::problems;
use super::*;

const DATASETS: &str = "version = 1\nname = \"p\"\n[datasets.users]\nmatch = \"in/*.parquet\"\n\
                        load = { table = \"users\" }\n[datasets.users.schema]\n\
                        columns = [{ name = \"day\", type = \"date\" }]\n";

fn with_export(lines: &str) -> String {
    format!("{DATASETS}[exports.x]\n{lines}\n")
}

/// What is said about an export with these lines.
fn said(lines: &str) -> Vec<String> {
    problems(&with_export(lines)).into_iter().map(|problem| problem.message).collect()
}

#[test]
fn an_export_has_defaults_and_its_tables_types() {
    let pipeline =
        Pipeline::parse(&with_export("table = \"users\"\nto = \"exports/users\"")).unwrap();
    let export = pipeline.export("x").unwrap();
    assert_eq!(export.to.bucket, "p-lake");
    assert_eq!(export.to.literal_prefix(), "exports/users/");
    assert_eq!((export.format, export.timezone.as_str()), (ExportFormat::Parquet, "UTC"));
    assert_eq!(export.types["day"], DataType::Date);
    assert!(pipeline.plan().schedules.is_empty());
}

#[test]
fn a_query_keeps_its_values_apart() {
    let lines = "query = \"select * from u where a = :user and b = '{x}' ; \"\nto = \"e/{user}/\"";
    let pipeline = Pipeline::parse(&with_export(lines)).unwrap();
    let ExportSource::Query(pieces) = &pipeline.export("x").unwrap().source else { panic!() };
    assert_eq!(pieces[1], QueryPiece::Parameter("user".into()));
    assert_eq!(pieces[2], QueryPiece::Sql(" and b = '{x}'".into()));
}

#[test]
fn the_stage_is_there_where_there_is_something_to_export() {
    let without = Pipeline::parse(DATASETS).unwrap();
    assert_eq!(without.stages(), StageName::JOURNEY);
    assert_eq!(without.plan().queues.len(), 3);
    let with = Pipeline::parse(&with_export("table = \"t\"\nto = \"e/t\"")).unwrap();
    assert_eq!(with.stages().last(), Some(&StageName::Export));
    let service = &with.plan().services[3];
    assert_eq!(service.name, "p-export");
    assert_eq!(service.access.deletes, service.access.writes);
    assert_eq!(service.access.writes[0].prefix, "e/t/");
}

#[test]
fn a_database_of_its_own_is_a_variable_of_the_export_stage_alone() {
    let lines = "table = \"t\"\nto = \"e/t\"\nurl = \"env:SOURCE\"";
    let plan = Pipeline::parse(&with_export(lines)).unwrap().plan();
    assert_eq!(plan.services[3].variables, ["DATABASE_URL", "SOURCE"]);
    assert_eq!(plan.services[2].variables, ["DATABASE_URL"]);
}

#[test]
fn a_table_of_another_database_is_no_circle() {
    let lines = "table = \"users\"\nbucket = \"raw\"\nto = \"in\"\nurl = \"env:SOURCE\"";
    assert!(Pipeline::parse(&with_export(lines)).is_ok());
}

#[test]
fn what_can_t_be_exported_is_said() {
    let table = "table = \"t\"\nto = \"e/t\"";
    for (lines, expected) in [
        ("to = \"e/t\"", "`table` or `query` is missing in `exports.x`"),
        ("table = \"t\"", "`to` is missing in `exports.x`"),
        (
            "table = \"t\"\nquery = \"select 1\"\nto = \"e/t\"",
            "an export has a table or a query, not both",
        ),
        (
            "query = \"delete from t\"\nto = \"e/t\"",
            "an export's SQL is a query, and begins with one of SELECT, WITH, VALUES, not with `delete`",
        ),
        (
            &format!("{table}\nschedule = \"rate(1 dya)\""),
            "`1 dya` is not a rate: write a positive number and minutes, hours or days",
        ),
        (
            &format!("{table}\nschedule = \"daily\""),
            "`daily` is not `rate(…)`, `cron(…)` or `at(…)`",
        ),
        (&format!("{table}\ntimezone = \"Canberra\""), "`Canberra` is not a time zone"),
        (&format!("{table}\nformat = \"xls\""), "`xls` is not one of parquet, csv, ndjson"),
        (
            &format!("{table}\nformat = \"csv\"\nparquet = {{ compression = \"gzip\" }}"),
            "the format is another, so that these options have no use",
        ),
        (
            "table = \"t\"\nto = \"{user}/t\"",
            "`to` has to begin with a folder that is the same for every run",
        ),
        (
            "table = \"t\"\nto = \"_e/t\"",
            "folders of the lake that begin with `_`, as `_e`, are ours",
        ),
        ("table = \"t\"\nto = \"users/t\"", "`users/` is the folder of dataset `users`"),
        ("table = \"t\"\nto = \"e//t\"", "a key's folders have names; leave the `/` out"),
        ("table = \"t\"\nto = \"e/{a\"", "`e/{a/` has a brace that is no `{name}`"),
        (
            &format!("{table}\nincremental = {{ column = \"id\" }}"),
            "each run of an incremental export needs a folder of its own, or it would replace the \
             rows of the one before",
        ),
        (
            "table = \"t\"\nto = \"e/{user}\"\nschedule = \"rate(1 day)\"",
            "parameter `user` has no value when the schedule fires",
        ),
        (&format!("{table}\nparameters = {{ user = \"a\" }}"), "parameter `user` is used nowhere"),
        (
            "table = \"t\"\nto = \"e/{date}\"\nparameters = { date = \"a\" }",
            "every run has a `date` of its own",
        ),
        (
            &format!("{table}\nsplit = {{ column = \"id\", parts = 1 }}"),
            "`parts` has to be 2 to 16, not 1",
        ),
        (
            "table = \"users\"\nbucket = \"raw\"\nto = \"in\"",
            "what is written there is read as dataset `users`, which is loaded into the table it \
             comes from",
        ),
        (&format!("{table}\n[exports.y]\n{table}"), "export `x` writes there already"),
        (&format!("{table}\ntabel = \"t\""), "unknown key `tabel` in `exports.x`"),
    ] {
        assert_eq!(said(lines), [expected], "{lines}");
    }
}
