//! The part of the JSON Schema about the catalog.

use serde_json::{Value, json};

use super::{table, text};
use crate::catalog::DEBOUNCE;

pub(super) fn catalog() -> Value {
    table(
        "The lake's datasets as tables that Athena finds, registered in AWS Glue.",
        &[],
        json!({
            "database": text("Database of the tables, which is made unless it is there; the \
                              pipeline's name, with `_` for `-`, unless given."),
            "projection": text("Range of days, such as `2020-01-01,NOW`, in which partitions by \
                                day are reckoned, and those by a whole number, too; unless given \
                                each is registered."),
            "debounce": {
                "type": "string",
                "description": "How long changes are gathered, up to 15m.",
                "default": DEBOUNCE,
            },
        }),
    )
}
