//! Which names a load can't have, and which of its columns are not there: said
//! all at once, before the database is asked anything.

use std::collections::HashSet;

use millrace_contract::LoadMode;
use millrace_ledger::Dialect;

use crate::LoadPlan;
use crate::column::LOAD_ID;

/// PostgreSQL's limit, held everywhere so that a table can move.
const MAX_NAME_BYTES: usize = 63;

/// Everything that is wrong with the names of a load.
pub(crate) fn check(plan: &LoadPlan<'_>, dialect: Dialect) -> Vec<String> {
    let mut problems = check_table(plan, dialect);
    let mut seen = HashSet::new();
    for field in plan.schema.fields() {
        let name = field.name();
        problems.extend(check_name("column", name));
        if name.eq_ignore_ascii_case(LOAD_ID) {
            problems.push(format!("column `{name}`: the name is reserved"));
        }
        if !seen.insert(name.to_ascii_lowercase()) {
            problems.push(format!("column `{name}` is there twice"));
        }
    }
    problems.extend(check_references(plan));
    problems
}

fn check_table(plan: &LoadPlan<'_>, dialect: Dialect) -> Vec<String> {
    let target = plan.target;
    let mut problems: Vec<String> = check_name("table", &target.table).into_iter().collect();
    if target.table.to_ascii_lowercase().starts_with("millrace_") {
        problems.push(format!("table `{}`: names with `millrace_` are reserved", target.table));
    }
    if let Some(schema) = &target.schema {
        problems.extend(check_name("schema", schema));
        match dialect {
            Dialect::Postgres => {}
            Dialect::MySql => problems.push(format!(
                "schema `{schema}`: in {dialect} a database is one; name it in the URL, and leave \
                 `schema` out"
            )),
            Dialect::Sqlite => problems.push(format!(
                "schema `{schema}`: {dialect} has none, a file is one; leave `schema` out"
            )),
        }
    }
    problems
}

/// Columns that are named by the target and have to be there.
fn check_references(plan: &LoadPlan<'_>) -> Vec<String> {
    let target = plan.target;
    let mut problems = Vec::new();
    if target.mode == LoadMode::Upsert && target.key.is_empty() {
        problems.push("mode `upsert` needs key columns: `key = [\"id\"]`".to_owned());
    }
    if target.mode == LoadMode::Merge && target.sql.is_empty() {
        problems.push("mode `merge` needs a statement: `sql = \"…\"`".to_owned());
    }
    let named = [
        ("key column", &target.key),
        ("primary key column", &target.primary_key),
        ("index column", &target.indexes.concat()),
        ("`order_by` column", &target.order_by.iter().cloned().collect()),
    ];
    for (what, columns) in named {
        for name in columns.iter().filter(|name| plan.schema.index_of(name).is_err()) {
            problems.push(format!("{what} `{name}` is not a column of the dataset"));
        }
    }
    problems
}

fn check_name(what: &str, name: &str) -> Option<String> {
    if name.is_empty() {
        return Some(format!("a {what} without a name"));
    }
    if name.contains('\0') {
        return Some(format!("{what} `{}`: a name can't hold U+0000", name.escape_default()));
    }
    (name.len() > MAX_NAME_BYTES).then(|| {
        format!("{what} `{name}`: the name has {} bytes, at most {MAX_NAME_BYTES}", name.len())
    })
}
