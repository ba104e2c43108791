//! Amazon Redshift: the statements of a load, as text. Nothing here is run by
//! this version; `millrace plan` shows them.
//!
//! What differs from PostgreSQL, whose protocol it speaks (sources: "Amazon
//! Redshift and PostgreSQL", "COPY from columnar data formats" and "LOCK" in the
//! Redshift Database Developer Guide): it reads Parquet from S3 by itself, by
//! position; it keeps no uniqueness, has neither `ON CONFLICT` nor `RETURNING`,
//! and no advisory locks. So the commit record is guarded by a table lock, rows
//! go through a staging table, and the load's number follows from its file.

use millrace_contract::{ColumnDef, DataType, LoadMode, LoadTarget};

use crate::column::{LOAD_ID, quote, quote_all, quote_table};
use crate::merge::STAGE;

/// A load to be written as statements.
#[derive(Debug, Clone, Copy)]
pub struct RedshiftLoad<'a> {
    /// The dataset.
    pub dataset: &'a str,
    /// The table, and how rows meet what it holds.
    pub target: &'a LoadTarget,
    /// Columns of the Parquet objects, in their order.
    pub columns: &'a [ColumnDef],
    /// The Parquet objects of one file, as `s3://bucket/key`.
    pub objects: &'a [String],
    /// ARN of the role by which Redshift reads them.
    pub iam_role: &'a str,
    /// Where the file came from: bucket, key and version as the commit record
    /// has them.
    pub source: [&'a str; 3],
    /// The sequencer in the form that sorts, where the event had one.
    pub sequencer: Option<&'a str>,
    /// The contract version.
    pub contract: &'a str,
    /// Rows of the objects, by the row balance.
    pub rows: u64,
    /// The file's id.
    pub file_id: &'a str,
}

/// The statements of one load, in one transaction, in their order; comments say
/// what is asked between them.
///
/// # Errors
/// Why a target can't be loaded into Redshift, in words.
pub fn statements(load: &RedshiftLoad<'_>) -> Result<Vec<String>, String> {
    let target = load.target;
    let (table, stage) = (quote_table(target), quote(STAGE));
    let names = quote_all(load.columns.iter().map(|column| column.name.as_str()));
    let number = load_id(load.file_id);
    let mut statements = vec![
        "BEGIN".to_owned(),
        "LOCK millrace_loads".to_owned(),
        format!("-- no row, or the file was loaded before\n{}", committed(load)),
        format!("-- no row, or a newer version of the key was\n{}", newer(load)),
        create(&format!("TABLE IF NOT EXISTS {table}"), load.columns, &target.primary_key),
        create(&format!("TEMP TABLE {stage}"), load.columns, &[]),
    ];
    statements.extend(load.objects.iter().map(|object| {
        format!(
            "COPY {stage} ({names}) FROM {} IAM_ROLE {} FORMAT AS PARQUET",
            text(object),
            text(load.iam_role)
        )
    }));
    statements.push(format!("-- as many as the row balance says\nSELECT COUNT(*) FROM {stage}"));
    statements.extend(rows(load, &table, &stage, &names, number)?);
    statements.extend([
        format!("DROP TABLE {stage}"),
        enter(load, number),
        "-- the lease is still held\nCOMMIT".to_owned(),
    ]);
    Ok(statements)
}

/// The statements that take rows out of the table and put the new ones in.
fn rows(
    load: &RedshiftLoad<'_>,
    table: &str,
    stage: &str,
    names: &str,
    number: i64,
) -> Result<Vec<String>, String> {
    let target = load.target;
    let insert = |from: &str| {
        format!(
            "INSERT INTO {table} ({names}, {load_id}) SELECT {names}, {number} FROM {from}",
            load_id = quote(LOAD_ID)
        )
    };
    let [bucket, key, version] = load.source.map(text);
    let of_key = format!(
        "DELETE FROM {table} USING millrace_loads AS l WHERE l.load_id = {table}.{} \
         AND l.table_name = {} AND l.bucket = {bucket} AND l.object_key = {key}",
        quote(LOAD_ID),
        text(&target.full_name()),
    );
    Ok(match target.mode {
        LoadMode::Append => vec![format!("{of_key} AND l.version = {version}"), insert(stage)],
        LoadMode::ReplaceFile => vec![of_key, insert(stage)],
        LoadMode::ReplaceTable => vec![format!("DELETE FROM {table}"), insert(stage)],
        LoadMode::Upsert => upsert(load, table, stage, names, insert)?,
        LoadMode::Merge => {
            let put_in = |sql: &String| sql.replace("{input}", stage).replace("{table}", table);
            target.sql.iter().map(put_in).collect()
        }
    })
}

/// Of each key the newest row stays in the staging table, if nothing newer is in
/// the table, and takes the place of the one there.
fn upsert(
    load: &RedshiftLoad<'_>,
    table: &str,
    stage: &str,
    names: &str,
    insert: impl Fn(&str) -> String,
) -> Result<Vec<String>, String> {
    let target = load.target;
    let Some(order) = &target.order_by else {
        return Err(format!(
            "mode `upsert` needs `order_by` in Redshift, which reads the rows of `{}` in no order",
            target.full_name()
        ));
    };
    let (key, order) = (quote_all(target.key.iter().map(String::as_str)), quote(order));
    let same: Vec<String> =
        target.key.iter().map(|name| format!("{table}.{0} = {stage}.{0}", quote(name))).collect();
    let same = same.join(" AND ");
    let newest = format!(
        "(SELECT {names}, ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY {order} DESC NULLS LAST) \
         AS _millrace_row FROM {stage}) AS newest WHERE _millrace_row = 1"
    );
    Ok(vec![
        format!(
            "DELETE FROM {stage} USING {table} WHERE {same} AND {table}.{order} IS NOT NULL \
             AND ({stage}.{order} IS NULL OR {stage}.{order} < {table}.{order})"
        ),
        format!("DELETE FROM {table} USING {stage} WHERE {same}"),
        insert(&newest),
    ])
}

fn create(what: &str, columns: &[ColumnDef], primary_key: &[String]) -> String {
    let mut parts: Vec<String> = columns
        .iter()
        .map(|column| format!("{} {}", quote(&column.name), type_name(column.data_type)))
        .collect();
    if what.starts_with("TABLE") {
        parts.push(format!("{} BIGINT NOT NULL", quote(LOAD_ID)));
    }
    if !primary_key.is_empty() {
        let key = quote_all(primary_key.iter().map(String::as_str));
        parts.push(format!("PRIMARY KEY ({key})"));
    }
    format!("CREATE {what} ({})", parts.join(", "))
}

fn committed(load: &RedshiftLoad<'_>) -> String {
    let [bucket, key, version] = load.source.map(text);
    format!(
        "SELECT load_id FROM millrace_loads WHERE table_name = {} AND bucket = {bucket} \
         AND object_key = {key} AND version = {version} AND contract = {}",
        text(&load.target.full_name()),
        text(load.contract)
    )
}

fn newer(load: &RedshiftLoad<'_>) -> String {
    let [bucket, key, _] = load.source.map(text);
    format!(
        "SELECT file_id FROM millrace_loads WHERE table_name = {} AND bucket = {bucket} \
         AND object_key = {key} AND sequencer_sort > {}",
        text(&load.target.full_name()),
        load.sequencer.map_or_else(|| "NULL".to_owned(), text),
    )
}

fn enter(load: &RedshiftLoad<'_>, number: i64) -> String {
    let [bucket, key, version] = load.source.map(text);
    format!(
        "INSERT INTO millrace_loads (load_id, table_name, bucket, object_key, version, contract, \
         sequencer_sort, file_id, dataset, mode, row_count, replaced, committed_at) VALUES ({number}, {}, {bucket}, \
         {key}, {version}, {}, {}, {}, {}, {}, {}, 0, GETDATE())",
        text(&load.target.full_name()),
        text(load.contract),
        load.sequencer.map_or_else(|| "NULL".to_owned(), text),
        text(load.file_id),
        text(load.dataset),
        text(load.target.mode.as_str()),
        load.rows,
    )
}

/// A load's number: 60 bits of its file's id, so that every attempt has the same.
fn load_id(file_id: &str) -> i64 {
    let digits: String = file_id.chars().take(15).collect();
    i64::from_str_radix(&digits, 16).unwrap_or_default()
}

fn type_name(data_type: DataType) -> String {
    match data_type {
        DataType::Bool => "BOOLEAN",
        DataType::Int8 | DataType::UInt8 | DataType::Int16 => "SMALLINT",
        DataType::UInt16 | DataType::Int32 => "INTEGER",
        DataType::UInt32 | DataType::Int64 => "BIGINT",
        DataType::UInt64 => "DECIMAL(20,0)",
        DataType::Float32 => "REAL",
        DataType::Float64 => "DOUBLE PRECISION",
        DataType::Decimal { precision, scale } => return format!("DECIMAL({precision},{scale})"),
        DataType::Date => "DATE",
        DataType::Time => "TIME",
        DataType::Timestamp { utc: false, .. } => "TIMESTAMP",
        DataType::Timestamp { utc: true, .. } => "TIMESTAMPTZ",
        DataType::Uuid => "CHAR(36)",
        DataType::Binary => "VARBYTE(1024000)",
        DataType::String | DataType::Json => "VARCHAR(65535)",
        DataType::List(_) | DataType::Struct(_) => "SUPER",
    }
    .to_owned()
}

/// A literal. A backslash has a meaning in those of Redshift, so it is doubled.
fn text(text: &str) -> String {
    let text = text.replace('\0', "").replace('\\', "\\\\").replace('\'', "''");
    format!("'{text}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(target: &LoadTarget) -> String {
        let column =
            |name: &str, data_type: &str| ColumnDef::new(name, data_type.parse().expect("a type"));
        let columns = [
            column("id", "int64"),
            column("amount", "decimal(12,2)"),
            column("at", "timestamptz"),
            column("order", "json"),
        ];
        let objects = ["s3://lake/sales/f-0000.parquet".to_owned(), "s3://lake/it's".to_owned()];
        let load = RedshiftLoad {
            dataset: "sales",
            target,
            columns: &columns,
            objects: &objects,
            iam_role: "arn:aws:iam::123456789012:role/load",
            source: ["raw", "in/a.csv", "version 1"],
            sequencer: Some("0055AED6DCD90281E5"),
            contract: "c0ffee",
            rows: 3,
            file_id: "0123456789abcdef0123456789abcdef",
        };
        match statements(&load) {
            Ok(statements) => statements.join(";\n"),
            Err(why) => why,
        }
    }

    #[test]
    fn a_file_that_replaces_its_older_version() {
        let target = LoadTarget {
            table: "sales".into(),
            schema: Some("finance".into()),
            mode: LoadMode::ReplaceFile,
            primary_key: vec!["id".into()],
            ..LoadTarget::default()
        };
        insta::assert_snapshot!(shown(&target));
    }

    #[test]
    fn rows_that_meet_their_key() {
        let target = LoadTarget {
            table: "sales".into(),
            mode: LoadMode::Upsert,
            key: vec!["id".into()],
            order_by: Some("at".into()),
            ..LoadTarget::default()
        };
        insta::assert_snapshot!(shown(&target));
        let unordered = LoadTarget { order_by: None, ..target };
        assert!(shown(&unordered).contains("needs `order_by`"));
    }

    #[test]
    fn a_table_that_holds_one_file_and_rows_that_are_added() {
        let mut target = LoadTarget { table: "sales".into(), ..LoadTarget::default() };
        assert!(shown(&target).contains("AND l.version = 'version 1'"));
        target.mode = LoadMode::ReplaceTable;
        assert!(shown(&target).contains("\nDELETE FROM \"sales\";\nINSERT INTO \"sales\""));
        target.mode = LoadMode::Merge;
        target.sql = vec!["MERGE INTO {table} USING {input} ON true".into()];
        assert!(shown(&target).contains("MERGE INTO \"sales\" USING \"millrace_stage\" ON true"));
    }
}
