//! What Amazon QuickSight is told: a data set over a table of Athena, since it reads
//! no Parquet from S3 itself, and a manifest of the objects of an export of CSV or
//! JSON ("Supported formats for Amazon S3 manifest files", Amazon QuickSight User
//! Guide).

use millrace_contract::{ColumnDef, DataType, ExportFormat};
use serde_json::{Value, json};

use crate::table::CatalogTable;

/// The request of `aws quicksight create-data-set` for a table, without the account;
/// `source` is the ARN of an Athena data source.
pub fn data_set(table: &CatalogTable, database: &str, source: &str) -> Value {
    let columns = table.columns.iter().chain(&table.partitioned_by);
    let column =
        |column: &ColumnDef| json!({ "Name": column.name, "Type": type_name(column.data_type) });
    json!({
        "DataSetId": format!("{database}-{}", table.name),
        "Name": table.dataset,
        "ImportMode": "SPICE",
        "PhysicalTableMap": {
            "table": {
                "RelationalTable": {
                    "DataSourceArn": source,
                    "Catalog": "AwsDataCatalog",
                    "Schema": database,
                    "Name": table.name,
                    "InputColumns": columns.map(column).collect::<Vec<_>>(),
                },
            },
        },
    })
}

/// The manifest of an export's folder, for a data source over S3; none for Parquet,
/// which QuickSight does not read there.
pub fn s3_manifest(bucket: &str, prefix: &str, format: ExportFormat) -> Option<Value> {
    let format = match format {
        ExportFormat::Csv => "CSV",
        ExportFormat::Ndjson => "JSON",
        ExportFormat::Parquet => return None,
    };
    let mut manifest = json!({
        "fileLocations": [{ "URIPrefixes": [format!("s3://{bucket}/{prefix}")] }],
        "globalUploadSettings": { "format": format },
    });
    if format == "CSV" {
        manifest["globalUploadSettings"]["containsHeader"] = json!("true");
        manifest["globalUploadSettings"]["textqualifier"] = json!("\"");
    }
    Some(manifest)
}

/// "InputColumn", Amazon QuickSight API Reference.
fn type_name(data_type: DataType) -> &'static str {
    match data_type {
        DataType::Bool => "BOOLEAN",
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Time => "INTEGER",
        DataType::Float32 | DataType::Float64 | DataType::Decimal { .. } => "DECIMAL",
        DataType::Date | DataType::Timestamp { .. } => "DATETIME",
        DataType::String
        | DataType::Json
        | DataType::Uuid
        | DataType::Binary
        | DataType::List(_)
        | DataType::Struct(_) => "STRING",
    }
}
