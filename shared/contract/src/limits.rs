//! What a dataset's files may demand before they are refused:
//! `[datasets.NAME.limits]`.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// What a file may demand before it is refused; where nothing is said, the
/// defaults hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitOptions {
    /// Longest row in bytes, quoted line breaks included; 16MiB unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Size")]
    pub row_bytes: Option<u64>,
    /// Most columns in a header; 10000 unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32")]
    pub columns: Option<u32>,
    /// Most bytes that one compressed byte may become; 300 unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64")]
    pub decompression_ratio: Option<u64>,
    /// Most bytes that a compressed file may become; 1024GiB unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Size")]
    pub decompressed_bytes: Option<u64>,
    /// Most partitions that one file may be written to; 128 unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32")]
    pub partitions: Option<u32>,
    /// Longest raw text kept of a rejected row; 256KiB unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Size")]
    pub reject_raw_bytes: Option<u64>,
}

/// How a number of bytes may be written.
pub(crate) struct Size;

impl JsonSchema for Size {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer"] })
    }
}
