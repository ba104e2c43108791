//! The part of the JSON Schema about reports.

use millrace_contract::{ChartKind, ReportSource};
use serde_json::{Value, json};

use super::{described, table, text};
use crate::quantity::show_duration;
use crate::reports::{ROWS, ROWS_BOUNDS, TIMEOUT};

pub(super) fn report() -> Value {
    table(
        "Charts over SQL, made into one page that needs nothing but a browser.",
        &["to", "charts"],
        json!({
            "title": text("What stands above the page; the report's name unless given."),
            "text": text("What stands below the title; an empty line begins a paragraph."),
            "source": described::<ReportSource>("Where the rows come from; `warehouse` unless \
                                                 given."),
            "to": text("Folder of the page, a key of the lake's bucket or an s3://… URL; `{name}` \
                        is `date`, `yyyy`, `mm`, `dd`, `hour`, `minute`, `time`, `report`, `run` \
                        or a parameter."),
            "charts": {
                "type": "array",
                "description": "The charts, in order.",
                "items": chart(),
                "minItems": 1,
            },
            "rows": {
                "type": "integer",
                "description": "Rows of a chart at most; the page says where there are more.",
                "default": ROWS,
                "minimum": ROWS_BOUNDS.start(),
                "maximum": ROWS_BOUNDS.end(),
            },
            "timeout": {
                "type": "string",
                "description": "How long a chart's query may take, 1s to 1h.",
                "default": show_duration(TIMEOUT),
            },
            "parameters": {
                "type": "object",
                "description": "Values by name where a message brings none.",
                "additionalProperties": { "type": "string" },
            },
            "schedule": text("When it is made: `rate(1 day)`, `cron(0 7 * * ? *)` or \
                              `at(2026-01-31T07:00:00)`; by messages alone unless given."),
            "timezone": text("Time zone of the schedule, and of `{date}` and the like, such as \
                              `Europe/Berlin`; UTC unless given."),
            "topic": text("ARN of the SNS topic that is told of the page; the one of `[alerts]` \
                           unless given."),
            "link": {
                "type": "string",
                "description": "How long a link in that message works for whoever has it, 1m to \
                                7d. Without it the message names the object, and who may read it \
                                there can open it.",
            },
        }),
    )
}

fn chart() -> Value {
    table(
        "A chart.",
        &["title", "kind", "sql"],
        json!({
            "title": text("What stands above it."),
            "text": text("What stands below its title."),
            "kind": described::<ChartKind>("How the rows are shown."),
            "sql": text("The query, in the SQL of the source. `:name` and `{name}` are values \
                         that are bound, as in `to`."),
            "x": text("The column along the axis, or of a pie the slices; the first unless \
                       given."),
            "y": {
                "type": "array",
                "description": "The columns whose values are shown; all other numbers unless \
                                given.",
                "items": { "type": "string" },
            },
            "series": text("A column by whose values the rows are split into series."),
            "format": text("How numbers are written: `#,##0.00`, `0.0%` of shares, \
                            `currency:AUD`."),
            "stacked": {
                "type": "boolean",
                "description": "Whether series stand on each other; true for areas and false for \
                                bars unless given.",
            },
        }),
    )
}
