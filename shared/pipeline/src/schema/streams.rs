//! The part of the JSON Schema about streams.

use millrace_contract::{StreamCompression, StreamFormat};
use serde_json::{Value, json};

use super::{described, table, text};
use crate::quantity::{show_duration, show_size};
use crate::streams::{AGE, BYTES, COUNT, KEY, MOST, remembered};

pub(super) fn stream() -> Value {
    let mut to = text(
        "Key of an object in the raw bucket. `{batch}` has to be in it; `{stream}`, `{date}`, \
         `{yyyy}`, `{mm}`, `{dd}`, `{hour}` and `{unix_us}` are known, and any other `{name}` is \
         a member of the message, whose values have batches of their own.",
    );
    to["default"] = json!(KEY);
    table(
        "JSON messages sent to the stage's queue, written to objects in batches.",
        &[],
        json!({
            "to": to,
            "format": described::<StreamFormat>("How an object holds its messages; by the key's \
                                                 ending unless given."),
            "compression": described::<StreamCompression>("How an object is compressed; by the \
                                                           key's ending unless given."),
            "batch": table("When a batch is written: whichever comes first.", &[], json!({
                "count": { "type": "integer", "description": "Messages.", "default": COUNT,
                    "minimum": 1, "maximum": MOST },
                "bytes": { "type": ["string", "integer"], "default": show_size(BYTES),
                    "description": "Bytes before compression, 1KiB to 64MiB; no message may be \
                                    larger." },
                "age": { "type": "string", "default": show_duration(AGE),
                    "description": "Time since its first message, 1s to 15m." },
            })),
            "dedupe": table(
                "Messages that are the same although they were sent twice: the first counts.",
                &[],
                json!({
                    "field": text("Path of a member of the message, such as `id` or `meta.id`."),
                    "attribute": text("Name of a message attribute."),
                }),
            ),
            "envelope": {
                "type": "boolean",
                "description": "Whether each message is written as `{\"meta\": …, \"body\": …}`, \
                                with its batch, id, checksum, place, size and times.",
                "default": false,
            },
            "remember": {
                "type": "string",
                "description": "How long it is remembered which messages were collected, 15d to \
                                400d.",
                "default": remembered(),
            },
        }),
    )
}
