//! What Glue asks for: an operation on a table needs its permission on the table, its
//! database and the catalog ("Specifying AWS Glue resource ARNs", AWS Glue Developer
//! Guide).

use super::named::{Named, json, text};
use super::{Permission, one};

/// The permissions of a request.
pub(super) fn permissions(operation: &str, body: &[u8], named: &Named<'_>) -> Vec<Permission> {
    let body = json(body);
    let of = |name: &str| text(&body, name).map(str::to_lowercase);
    let within = |input: &str| text(&body[input], "Name").map(str::to_lowercase);
    let is_database = operation.ends_with("Database") || operation.ends_with("Databases");
    let (database, table) = match is_database {
        true => (of("Name").or_else(|| within("DatabaseInput")), None),
        false => {
            let table = of("TableName").or_else(|| of("Name")).or_else(|| within("TableInput"));
            (of("DatabaseName"), table)
        }
    };
    let mut resources = vec!["catalog".to_owned()];
    resources.extend(database.as_ref().map(|database| format!("database/{database}")));
    let table = database.zip(table).map(|(database, table)| format!("table/{database}/{table}"));
    resources.extend(table);
    let resources = resources.into_iter().map(|resource| named.arn("glue", "", &resource));
    resources.map(|resource| one("glue", operation, resource)).collect()
}
