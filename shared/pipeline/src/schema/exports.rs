//! The part of the JSON Schema about exports.

use millrace_contract::{ExportFormat, ParquetOptions};
use serde_json::{Value, json};

use super::{described, table, text};
use crate::exports::{MOST_PARTS, OBJECT_ROWS, OBJECT_SIZE};
use crate::quantity::show_size;

pub(super) fn export() -> Value {
    table(
        "Rows of a table or a query, written to objects.",
        &["to"],
        json!({
            "table": text("The table whose rows are exported."),
            "schema": text("The database's schema that the table is in."),
            "query": text("The query whose rows are exported, in the database's own SQL. `:name` \
                           and `{name}` are values that are bound: `date`, `yyyy`, `mm`, `dd`, \
                           `hour`, `minute`, `time`, `export`, `run` and parameters."),
            "url": text("The database, as the warehouse's; the warehouse unless given."),
            "to": text("Folder of the objects, a key of the bucket or an s3://… URL; `{name}` is \
                        a value as in the query."),
            "bucket": {
                "description": "The bucket: of the lake, or the one that files are published to.",
                "enum": ["curated", "raw"],
                "default": "curated",
            },
            "format": described::<ExportFormat>("What the objects are; `parquet` unless given."),
            "parquet": parquet(),
            "object_rows": {
                "type": "integer",
                "description": "Rows of an object at most.",
                "default": OBJECT_ROWS,
                "minimum": 1,
            },
            "object_size": {
                "type": ["string", "integer"],
                "description": "Bytes after which an object ends, 1MiB to 5GiB.",
                "default": show_size(OBJECT_SIZE),
            },
            "incremental": table(
                "Only rows that are new since the last run.",
                &["column"],
                json!({
                    "column": text("A column whose values grow, such as a time of change: rows \
                                    beyond the greatest value of the last run are exported. Rows \
                                    without a value never are."),
                }),
            ),
            "split": table(
                "Reading by several connections at once, which see the same rows (PostgreSQL).",
                &["column", "parts"],
                json!({
                    "column": text("A column of whole numbers, best the primary key."),
                    "parts": { "type": "integer", "minimum": 2, "maximum": MOST_PARTS,
                        "description": "How many connections." },
                }),
            ),
            "types": {
                "type": "object",
                "description": "Types of columns by name, for SQLite, which does not know them \
                                all; those of a dataset that is loaded into the table unless \
                                given.",
                "additionalProperties": described::<millrace_contract::DataType>("Type."),
            },
            "parameters": {
                "type": "object",
                "description": "Values by name where a message brings none.",
                "additionalProperties": { "type": "string" },
            },
            "schedule": text("When it runs: `rate(1 day)`, `cron(0 2 * * ? *)` or \
                              `at(2026-01-31T02:00:00)`; by messages alone unless given."),
            "timezone": text("Time zone of the schedule, and of `{date}` and the like, such as \
                              `Europe/Berlin`; UTC unless given."),
        }),
    )
}

/// Of a dataset's options those that need no columns.
fn parquet() -> Value {
    let all = described::<ParquetOptions>("How Parquet is written.");
    let names = ["compression", "row_group_rows", "row_group_size"];
    let properties = names.map(|name| (name.to_owned(), all["properties"][name].clone()));
    table("How Parquet is written.", &[], Value::Object(properties.into_iter().collect()))
}
