//! What stands in columns that a file does not have.

use millrace_contract::{ColumnDef, FileFormat};
use millrace_format::Plan;

use crate::support::{plan, run};

/// A plan whose columns have these defaults.
fn defaulted(format: FileFormat, columns: &[&str], defaults: &[(&str, &str)]) -> Plan {
    let mut plan = plan(format, columns);
    for (name, default) in defaults {
        let column: &mut ColumnDef =
            plan.columns.iter_mut().find(|column| column.name == *name).unwrap();
        column.default = Some((*default).to_owned());
    }
    plan
}

#[test]
fn a_column_that_a_file_lacks_has_its_default_and_a_null_stays_one() {
    let columns = ["id int64", "day date %d/%m/%Y", "kind string required", "price decimal(5,2)"];
    let defaults = [("day", "2024-12-31"), ("kind", "it's"), ("price", "0.50")];
    let plan = defaulted(FileFormat::Csv, &columns, &defaults);
    let outcome = run("id\n1\n2\n", &plan).unwrap();
    assert_eq!(outcome.rows(), ["1|2024-12-31|it's|0.50", "2|2024-12-31|it's|0.50"]);
    // Where the column is there, it is read as ever.
    let outcome = run("id,day,kind,price\n1,02/01/2024,a,\n", &plan).unwrap();
    assert_eq!(outcome.rows(), ["1|2024-01-02|a|∅"]);
}

#[test]
fn an_object_that_lacks_a_key_has_its_default_and_a_null_stays_one() {
    let columns = ["id int64", "kind string", "ok bool required"];
    let plan = defaulted(FileFormat::Ndjson, &columns, &[("kind", "none"), ("ok", "true")]);
    let text = "{\"id\":1}\n{\"id\":2,\"kind\":null,\"ok\":false}\n{\"id\":3,\"kind\":\"k\"}\n\
                {\"id\":4,\"ok\":null}\n";
    let outcome = run(text, &plan).unwrap();
    assert_eq!(outcome.rows(), ["1|none|true", "2|∅|false", "3|k|true"]);
    assert_eq!(outcome.rejects.len(), 1, "a null is not a key that is missing");
}
