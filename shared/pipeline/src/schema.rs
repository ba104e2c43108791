//! The JSON Schema of the pipeline file: the one list of its keys. Editors
//! complete from it, and the reader accepts what it lists.

use std::ops::RangeInclusive;
use std::sync::OnceLock;

use millrace_contract::{
    ColumnDef, CsvOptions, DataType, Expectation, ExtraColumns, FileFormat, FixedOptions,
    JsonOptions, LimitOptions, MissingColumns, ParquetOptions, SchemaMode, XlsxOptions,
};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::retention;
use crate::stage::{self, StageDefaults};

mod catalog;
mod derived;
mod exports;
mod maintain;
mod reports;
mod retry;
mod streams;
mod told;
mod warehouse;

use catalog::catalog;
use derived::derived;
use exports::export;
use maintain::maintain;
use reports::report;
use retry::retry;
use streams::stream;
use told::{alerts, events, freshness};
use warehouse::{ledger, load, view, warehouse};

/// The JSON Schema of the pipeline file (draft 2020-12), for editors and other
/// tools.
pub fn json_schema() -> Value {
    schema().clone()
}

/// The schema, made once.
pub(crate) fn schema() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(file)
}

fn file() -> Value {
    let mut schema = table(
        "A Millrace pipeline file.",
        &["version", "name", "datasets"],
        json!({
            "version": { "const": 1, "description": "Version of this file's format." },
            "name": text("Prefix of every queue and service; letters, digits, `-` and `_`."),
            "warehouse": warehouse(),
            "ledger": ledger(),
            "lake": lake(),
            "datasets": {
                "type": "object",
                "description": "Kinds of file, by name.",
                "minProperties": 1,
                "additionalProperties": dataset(),
            },
            "views": {
                "type": "object",
                "description": "Views of the warehouse, by name.",
                "additionalProperties": view(),
            },
            "exports": {
                "type": "object",
                "description": "Tables and queries whose rows are written to objects, by name.",
                "additionalProperties": export(),
            },
            "streams": {
                "type": "object",
                "description": "Messages that become objects in batches, by name.",
                "additionalProperties": stream(),
            },
            "derived": {
                "type": "object",
                "description": "Datasets that SQL makes of other datasets, by name.",
                "additionalProperties": derived(),
            },
            "reports": {
                "type": "object",
                "description": "Pages of charts over SQL, by name.",
                "additionalProperties": report(),
            },
            "maintain": maintain(),
            "catalog": catalog(),
            "stages": stages(),
            "alerts": alerts(),
            "events": events(),
        }),
    );
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("millrace.toml");
    schema
}

fn lake() -> Value {
    table(
        "The buckets.",
        &[],
        json!({
            "raw": text("Bucket that files are published to; `<name>-raw` unless given."),
            "curated": text("Bucket for Parquet and rejects; `<name>-lake` unless given."),
        }),
    )
}

fn dataset() -> Value {
    table(
        "One kind of file, one table.",
        &["match"],
        json!({
            "description": text("What the rows are; the table's comment."),
            "match": text("Glob over keys of the raw bucket: `*` and `?` within a path part, \
                           `**` for any number of parts; `{name}` captures part of one as a \
                           column."),
            "format": described::<FileFormat>("Format of the bytes, after decompression; by the \
                                               pattern's ending unless given."),
            "csv": described::<CsvOptions>("How CSV is written."),
            "json": described::<JsonOptions>("How JSON objects are read."),
            "fixed": described::<FixedOptions>("How files of fixed width are written."),
            "xlsx": described::<XlsxOptions>("Which cells of a workbook are read."),
            "schema": columns(),
            "where": text("SQL condition that selects the dataset's rows; others are skipped, \
                           before `required` and `expect` are held against them."),
            "shared": {
                "type": "boolean",
                "description": "Whether other datasets that say so too may take the same files; \
                                true with a `where` unless given.",
            },
            "expect": {
                "type": "array",
                "description": "What must hold for every row, or for the file.",
                "items": of::<Expectation>(),
            },
            "rejects": table("What becomes of bad rows.", &[], json!({
                "max": {
                    "type": ["string", "integer"],
                    "description": "More rejects than this and nothing of the file is loaded: a \
                                    share such as `1%` or a number of rows. No limit unless given.",
                },
            })),
            "transform": transform(),
            "parquet": described::<ParquetOptions>("How Parquet is written."),
            "limits": described::<LimitOptions>("What a file may demand before it is refused."),
            "load": load(),
            "freshness": freshness(),
        }),
    )
}

fn transform() -> Value {
    table(
        "SQL that makes the rows to write of the rows that were read.",
        &["sql"],
        json!({
            "sql": text("One query over the table `input`, which has the dataset's columns, and \
                         over the other datasets of the lake by their names."),
            "memory": {
                "type": ["string", "integer"],
                "description": "Memory it may take before it goes on on disk, such as `128MiB`; \
                                `64MiB` unless given.",
            },
        }),
    )
}

fn columns() -> Value {
    table(
        "The columns and how strictly files are held to them.",
        &[],
        json!({
            "mode": of::<SchemaMode>(),
            "columns": {
                "type": "array",
                "description": "Columns in table order.",
                "items": column(),
            },
            "extra": of::<ExtraColumns>(),
            "missing": of::<MissingColumns>(),
            "rescue": {
                "type": "boolean",
                "description": "Whether what fits no column is kept in the column `_rescued`, a \
                                JSON object of texts by name, instead of breaking the contract or \
                                rejecting the row: columns that are not declared, and values that \
                                are not of the type of a column that may be null.",
                "default": false,
            },
            "sample_bytes": {
                "type": ["string", "integer"],
                "description": "How much decompressed data inference looks at; 64MiB unless given.",
            },
        }),
    )
}

fn column() -> Value {
    let mut column = of::<ColumnDef>();
    column["properties"]["type"] = of::<DataType>();
    column["properties"]["default"]["type"] = json!(["string", "number", "boolean"]);
    column
}

fn stages() -> Value {
    table(
        "How many workers a stage has and how its queue behaves.",
        &[],
        json!({
            "ingest": stage(&StageDefaults::INGEST),
            "transform": stage(&StageDefaults::TRANSFORM),
            "load": stage(&StageDefaults::LOAD),
            "export": stage(&StageDefaults::EXPORT),
            "derive": stage(&StageDefaults::DERIVE),
            "report": stage(&StageDefaults::REPORT),
            "maintain": stage(&StageDefaults::MAINTAIN),
            "collect": stage(&StageDefaults::COLLECT),
            "catalog": stage(&StageDefaults::CATALOG),
        }),
    )
}

fn stage(defaults: &StageDefaults) -> Value {
    let number = |about: &str, default: u64, bounds: RangeInclusive<u64>| {
        let (low, high) = bounds.into_inner();
        json!({ "type": "integer", "description": about, "default": default,
            "minimum": low, "maximum": high })
    };
    table(
        defaults.about,
        &[],
        json!({
            "workers": number("Workers to run; 0 pauses the stage.", defaults.workers, stage::WORKERS),
            "max_workers": number("Workers to scale out to.", defaults.max_workers,
                stage::MAX_WORKERS),
            "concurrency": number("Messages one worker handles at a time.", defaults.concurrency,
                defaults.concurrency_bounds()),
            "connections": number("Database connections one worker has open at most, to each \
                                   database.", defaults.connections, stage::CONNECTIONS),
            "visibility": { "type": "string", "default": defaults.visibility,
                "description": "How long a message is hidden from other workers between two \
                                heartbeats, at most 12h." },
            "max_receive_count": number("Attempts before a message is dead-lettered.",
                defaults.max_receive_count, stage::MAX_RECEIVE_COUNT),
            "retention": { "type": "string", "default": retention::DEFAULT,
                "description": "How long the queue keeps messages, 1m to 13d; dead letters are \
                                kept 14d." },
            "memory": { "type": ["string", "integer"], "default": defaults.memory,
                "description": "Memory of a worker, 64MiB to 120GiB." },
            "retry": retry(),
        }),
    )
}

fn table(description: &str, required: &[&str], properties: Value) -> Value {
    json!({
        "type": "object",
        "description": description,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

fn list_of_texts(description: &str) -> Value {
    json!({ "type": "array", "description": description, "items": { "type": "string" } })
}

fn described<T: JsonSchema>(description: &str) -> Value {
    let mut schema = of::<T>();
    schema["description"] = json!(description);
    schema
}

/// The schema of a contract type, with everything it refers to written out.
fn of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    if let Some(members) = schema.as_object_mut() {
        members.remove("title");
    }
    schema
}

/// The words a schema allows, however they are listed.
pub(crate) fn words(schema: &Value) -> Vec<&str> {
    let listed = schema["enum"].as_array().into_iter().flatten();
    let described = schema["oneOf"].as_array().into_iter().flatten();
    let constants = described.flat_map(|one| {
        let constant = one.get("const").into_iter();
        constant.chain(one["enum"].as_array().into_iter().flatten())
    });
    listed.chain(constants).filter_map(Value::as_str).collect()
}
