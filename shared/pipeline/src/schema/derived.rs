//! The part of the JSON Schema about derived datasets.

use millrace_contract::{LimitOptions, ParquetOptions, Refresh};
use serde_json::{Value, json};

use super::warehouse::load;
use super::{described, freshness, list_of_texts, table, text};
use crate::derived::DEBOUNCE;

pub(super) fn derived() -> Value {
    table(
        "A dataset that SQL makes of other datasets.",
        &["sql"],
        json!({
            "description": text("What the rows are; the table's comment."),
            "sql": text("One query over datasets of the lake, derived ones too, by their names."),
            "memory": {
                "type": ["string", "integer"],
                "description": "Memory it may take before it goes on on disk, such as `128MiB`; \
                                `64MiB` unless given.",
            },
            "from": list_of_texts("The datasets it reads, where the query does not say them \
                                   plainly."),
            "partition_by": list_of_texts("Columns whose values become folders of the lake."),
            "refresh": described::<Refresh>("What is written and loaded again."),
            "on_change": {
                "type": "boolean",
                "description": "Whether it is made again when files of what it reads are loaded; \
                                true without a `schedule` unless given.",
            },
            "debounce": {
                "type": "string",
                "default": DEBOUNCE,
                "description": "How long changes are gathered before it is made again, at most \
                                15m.",
            },
            "after": table(
                "Files that are waited for together, as all those of a day.",
                &["per"],
                json!({
                    "all": list_of_texts("Datasets; all that it reads unless given."),
                    "per": text("What the paths of all of them say, as `{date}` in `match`: a \
                                 change counts once each of them has a file of the same value."),
                }),
            ),
            "schedule": text("When it is made: `rate(1 day)`, `cron(0 2 * * ? *)` or \
                              `at(2026-01-31T02:00:00)`."),
            "timezone": text("Time zone of the schedule, such as `Europe/Berlin`; UTC unless \
                              given."),
            "parquet": parquet(),
            "limits": limits(),
            "load": load_of_derived(),
            "freshness": freshness(),
        }),
    )
}

fn load_of_derived() -> Value {
    let mut load = load();
    load["description"] = json!(
        "The table; without it, the rows are in the lake alone. `mode` is \
                                 `replace_file` unless given."
    );
    if let Some(mode) = load["properties"]["mode"].as_object_mut() {
        mode.remove("default");
    }
    load
}

/// Folders are named beside the SQL.
fn parquet() -> Value {
    let mut parquet = described::<ParquetOptions>("How Parquet is written.");
    if let Some(properties) = parquet["properties"].as_object_mut() {
        properties.remove("partition_by");
    }
    parquet
}

/// Of a file's limits the one that what is made of files has, too.
fn limits() -> Value {
    let all = described::<LimitOptions>("");
    let partitions = all["properties"]["partitions"].clone();
    table("What a run may demand.", &[], json!({ "partitions": partitions }))
}
