//! Message attributes of a publication.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::query::{Group, QueryError};
use crate::sqs::{Attribute, AttributeValue};

use super::invalid;

/// Reads `MessageAttributes.entry.N.{Name, Value.DataType, …}`, by name.
pub(super) fn read<'a>(
    entries: impl Iterator<Item = Group<'a>>,
) -> Result<Vec<Attribute>, QueryError> {
    let mut attributes = entries.map(|entry| read_one(&entry)).collect::<Result<Vec<_>, _>>()?;
    attributes.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(attributes)
}

/// The attributes as a filter policy sees them.
pub(super) fn document(attributes: &[Attribute]) -> Value {
    let entry = |attribute: &Attribute| {
        let AttributeValue::Text(text) = &attribute.value else { return None };
        let parsed = || serde_json::from_str(text).ok();
        let value = match attribute.data_type.as_str() {
            "Number" => parsed()?,
            "String.Array" => parsed()?,
            _ => Value::String(text.clone()),
        };
        Some((attribute.name.clone(), value))
    };
    Value::Object(attributes.iter().filter_map(entry).collect())
}

/// The attributes as the envelope shows them.
pub(super) fn shown(attributes: &[Attribute]) -> Map<String, Value> {
    let entry = |attribute: &Attribute| {
        let value = match &attribute.value {
            AttributeValue::Text(text) => text.clone(),
            AttributeValue::Binary(bytes) => STANDARD.encode(bytes),
        };
        (attribute.name.clone(), json!({"Type": attribute.data_type, "Value": value}))
    };
    attributes.iter().map(entry).collect()
}

fn read_one(entry: &Group<'_>) -> Result<Attribute, QueryError> {
    let wrong = |reason: &str| invalid("MessageAttributes", reason);
    let name = entry.get("Name").filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| wrong("an attribute has no name"))?.to_owned();
    let data_type = entry.get("Value.DataType").unwrap_or_default().to_owned();
    let kind = data_type.split('.').next().unwrap_or_default();
    let text = entry.get("Value.StringValue").filter(|text| !text.is_empty());
    let binary = entry.get("Value.BinaryValue").and_then(|base64| STANDARD.decode(base64).ok());
    let value = match (kind, text, binary) {
        ("String", Some(text), _) => AttributeValue::Text(text.to_owned()),
        ("Number", Some(text), _) if text.parse::<f64>().is_ok() => {
            AttributeValue::Text(text.to_owned())
        }
        ("Binary", _, Some(bytes)) if !bytes.is_empty() => AttributeValue::Binary(bytes),
        _ => return Err(wrong(&format!("attribute '{name}' has no value of type '{data_type}'"))),
    };
    Ok(Attribute { name, data_type, value })
}
