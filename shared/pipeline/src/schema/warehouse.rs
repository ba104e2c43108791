//! The part of the schema that is about databases: where they are, and what
//! becomes of rows there.

use millrace_contract::LoadMode;
use serde_json::{Value, json};

use super::{list_of_texts, of, table, text};

pub(super) fn warehouse() -> Value {
    table(
        "The database that datasets are loaded into.",
        &["url"],
        json!({
            "url": text("postgres://…, mysql://… or sqlite://…, or where that is: `env:NAME`, `file:/path` or \
                         `secretsmanager:NAME[?OPTIONS][#KEY]`. `env:DATABASE_URL` if there is \
                         no `[warehouse]`."),
        }),
    )
}

pub(super) fn ledger() -> Value {
    table(
        "The database that keeps account of files; the warehouse unless given.",
        &["url"],
        json!({ "url": text("As the warehouse's.") }),
    )
}

pub(super) fn load() -> Value {
    table(
        "The table that rows are loaded into.",
        &["table"],
        json!({
            "table": text("Table name."),
            "schema": text("The database's schema that the table is in; where new tables go by \
                            themselves unless given."),
            "create_schema": {
                "type": "boolean",
                "description": "Whether the schema is created where it is missing.",
                "default": false,
            },
            "mode": of::<LoadMode>(),
            "key": list_of_texts("Key columns of mode `upsert`."),
            "order_by": text("Column by which mode `upsert` tells the newest row of a key: the \
                              greatest value wins, also against what is in the table, null is \
                              less than any value, and of equals the last wins."),
            "sql": {
                "type": ["string", "array"],
                "description": "Statements of mode `merge`, run in the load's transaction. \
                                `{input}` stands for the rows of the file, which have the \
                                columns of the dataset and `_load_id`, and `{table}` for the \
                                table.",
                "items": { "type": "string" },
            },
            "primary_key": list_of_texts("Columns of the table's primary key."),
            "indexes": {
                "type": "array",
                "description": "Indexes, each a list of its columns.",
                "items": { "type": "array", "items": { "type": "string" } },
            },
        }),
    )
}

pub(super) fn view() -> Value {
    table(
        "A query that is kept in the warehouse under a name.",
        &["sql"],
        json!({
            "sql": text("The query, in the database's own SQL."),
            "schema": text("The database's schema that the view is in."),
            "depends_on": {
                "type": "array",
                "description": "Views of this file that have to be there first. Tables need not \
                                be named: they are waited for.",
                "items": { "type": "string" },
            },
        }),
    )
}
