//! Athena's DDL: a table over lists of objects, and its partitions ("CREATE TABLE"
//! and "ALTER TABLE ADD PARTITION", Amazon Athena User Guide).

use std::fmt::Write;

use millrace_contract::{ColumnDef, DataType};

use crate::hive::{INPUT_FORMAT, OUTPUT_FORMAT, SERDE, hive_type};
use crate::table::CatalogTable;

/// Partitions of one statement; Athena takes 256 KiB of SQL.
const PARTITIONS: usize = 500;

/// The statement that makes the database.
pub fn create_database(database: &str) -> String {
    format!("CREATE DATABASE IF NOT EXISTS {};\n", quoted(database))
}

/// The statement that makes the table.
///
/// With `projection`, partitions by a day or a whole number are reckoned and need not
/// be added: their values come from `range`, such as `2020-01-01,NOW`, and lists that
/// are not there are no rows. It is passed over where a partition column is of
/// another type.
pub fn create_table(table: &CatalogTable, database: &str, projection: Option<&str>) -> String {
    let mut sql = format!(
        "CREATE EXTERNAL TABLE IF NOT EXISTS {}.{} (\n",
        quoted(database),
        quoted(&table.name)
    );
    sql.push_str(&columns(&table.columns));
    sql.push_str("\n)\n");
    if let Some(comment) = &table.comment {
        put(&mut sql, format_args!("COMMENT {}\n", literal(comment)));
    }
    if !table.partitioned_by.is_empty() {
        put(&mut sql, format_args!("PARTITIONED BY (\n{}\n)\n", columns(&table.partitioned_by)));
    }
    put(
        &mut sql,
        format_args!(
            "ROW FORMAT SERDE '{SERDE}'\n\
             STORED AS INPUTFORMAT '{INPUT_FORMAT}'\n\
             OUTPUTFORMAT '{OUTPUT_FORMAT}'\n\
             LOCATION {}\n",
            literal(&table.location())
        ),
    );
    let property =
        |(name, value): &(String, String)| format!("  {} = {}", literal(name), literal(value));
    let properties: Vec<String> =
        table_properties(table, projection).iter().map(property).collect();
    put(&mut sql, format_args!("TBLPROPERTIES (\n{}\n);\n", properties.join(",\n")));
    sql
}

/// What a table says of itself beside its columns.
pub(crate) fn table_properties(
    table: &CatalogTable,
    projection: Option<&str>,
) -> Vec<(String, String)> {
    let mut properties = vec![("classification".to_owned(), "parquet".to_owned())];
    properties.extend(projected(table, projection).unwrap_or_default());
    properties
}

/// The properties by which all partitions are reckoned; none if one can't be
/// ("Supported types for partition projection", Amazon Athena User Guide).
pub(crate) fn projected(
    table: &CatalogTable,
    range: Option<&str>,
) -> Option<Vec<(String, String)>> {
    let range = range?;
    if table.partitioned_by.is_empty() {
        return None;
    }
    let mut properties = vec![("projection.enabled".to_owned(), "true".to_owned())];
    for column in &table.partitioned_by {
        let name = &column.name;
        let is_whole =
            matches!(column.data_type, DataType::Int16 | DataType::Int32 | DataType::Int64);
        let (kind, range) = if column.data_type == DataType::Date {
            ("date", range.to_owned())
        } else if is_whole {
            ("integer", whole_range(table, column)?)
        } else {
            return None;
        };
        properties.push((format!("projection.{name}.type"), kind.to_owned()));
        properties.push((format!("projection.{name}.range"), range));
        if kind == "date" {
            properties.push((format!("projection.{name}.format"), "yyyy-MM-dd".to_owned()));
        }
    }
    Some(properties)
}

/// From the least to the greatest value that there is.
fn whole_range(table: &CatalogTable, column: &ColumnDef) -> Option<String> {
    let index = table.partitioned_by.iter().position(|known| known.name == column.name)?;
    let values = table.partitions.iter().filter_map(|partition| partition.values.get(index));
    let values: Vec<i64> = values.filter_map(|value| value.parse().ok()).collect();
    let (least, greatest) = (values.iter().min()?, values.iter().max()?);
    Some(format!("{least},{greatest}"))
}

/// The statements that add the partitions which have live objects; none for a table
/// without partitions, or one whose partitions are reckoned as in [`create_table`].
pub fn add_partitions(table: &CatalogTable, database: &str, projection: Option<&str>) -> String {
    if table.partitioned_by.is_empty() || projected(table, projection).is_some() {
        return String::new();
    }
    let mut sql = String::new();
    for chunk in table.partitions.chunks(PARTITIONS) {
        put(
            &mut sql,
            format_args!(
                "ALTER TABLE {}.{} ADD IF NOT EXISTS\n",
                quoted(database),
                quoted(&table.name)
            ),
        );
        let lines = chunk.iter().map(|partition| {
            let named = table.partitioned_by.iter().zip(&partition.values);
            let values: Vec<String> = named
                .map(|(column, value)| format!("{} = {}", quoted(&column.name), literal(value)))
                .collect();
            let location = format!("{}{}", table.location(), table.folder(partition));
            format!("  PARTITION ({}) LOCATION {}", values.join(", "), literal(&location))
        });
        put(&mut sql, format_args!("{};\n", lines.collect::<Vec<_>>().join("\n")));
    }
    sql
}

fn columns(columns: &[ColumnDef]) -> String {
    let column = |column: &ColumnDef| {
        let comment = column.description.as_ref();
        let comment = comment.map(|text| format!(" COMMENT {}", literal(text)));
        let (name, data_type) = (quoted(&column.name), hive_type(column.data_type));
        format!("  {name} {data_type}{}", comment.unwrap_or_default())
    };
    columns.iter().map(column).collect::<Vec<_>>().join(",\n")
}

/// A name in backticks, as DDL has it.
fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A text in quotes; Hive's DDL escapes by a backslash.
fn literal(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', " ");
    format!("'{text}'")
}

fn put(sql: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a text does not fail.
    let _ = sql.write_fmt(text);
}
