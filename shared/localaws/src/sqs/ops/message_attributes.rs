//! Message attributes: their rules on the way in, their selection on the way
//! out.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::super::digest;
use super::super::error::{Code, SqsError};
use super::super::message::{Attribute, AttributeValue};

use crate::hex::hex;

/// Attributes of a message at most.
const MAX_ATTRIBUTES: usize = 10;

/// Attributes in a request, by name.
pub(super) type AttributeMap<'a> = HashMap<Cow<'a, str>, Value<'a>>;

/// An attribute's type and value on the wire.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Value<'a> {
    #[serde(borrow, default)]
    data_type: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    string_value: Option<Cow<'a, str>>,
    /// Base64.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    binary_value: Option<Cow<'a, str>>,
}

/// Bytes that count towards the size limits.
pub(super) fn size(attributes: &AttributeMap<'_>) -> usize {
    let value_size = |value: &Value<'_>| {
        let text = value.string_value.as_ref().map_or(0, |text| text.len());
        let binary = value.binary_value.as_ref().map_or(0, |base64| base64.len() / 4 * 3);
        value.data_type.len() + text + binary
    };
    attributes.iter().map(|(name, value)| name.len() + value_size(value)).sum()
}

/// Checks attributes and sorts them by name.
pub(super) fn accept(attributes: AttributeMap<'_>) -> Result<Vec<Attribute>, SqsError> {
    if attributes.len() > MAX_ATTRIBUTES {
        return Err(wrong(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [{MAX_ATTRIBUTES}].",
            attributes.len()
        )));
    }
    let accepted = attributes.into_iter().map(|(name, value)| accept_one(name.into_owned(), value));
    let mut accepted = accepted.collect::<Result<Vec<_>, _>>()?;
    accepted.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(accepted)
}

/// The one system attribute a sender may set, and the digest to answer with.
pub(super) fn trace_header(
    attributes: AttributeMap<'_>,
) -> Result<(Option<String>, Option<String>), SqsError> {
    let mut header = None;
    for attribute in accept(attributes)? {
        let digest = hex(&digest::of_attributes([&attribute]));
        match attribute.value {
            AttributeValue::Text(text) if attribute.name == "AWSTraceHeader" => {
                header = Some((text, digest));
            }
            AttributeValue::Text(_) | AttributeValue::Binary(_) => {
                let name = attribute.name;
                return Err(wrong(format!("Message system attribute name '{name}' is invalid.")));
            }
        }
    }
    Ok(header.unzip())
}

/// The attributes a receiver asked for, and their digest.
pub(super) fn select<'a>(
    attributes: &'a [Attribute],
    names: &[Cow<'_, str>],
) -> Option<(BTreeMap<&'a str, Value<'a>>, String)> {
    let selected: Vec<&Attribute> = attributes
        .iter()
        .filter(|attribute| names.iter().any(|name| is_meant(name, &attribute.name)))
        .collect();
    if selected.is_empty() {
        return None;
    }
    let md5 = hex(&digest::of_attributes(selected.iter().copied()));
    let values = selected.iter().map(|attribute| (attribute.name.as_str(), value_of(attribute)));
    Some((values.collect(), md5))
}

/// `All`, `.*`, a name, or the beginning of one as in `order.*`.
fn is_meant(asked: &str, name: &str) -> bool {
    match asked.strip_suffix(".*") {
        Some(prefix) => name.starts_with(prefix),
        None => asked == "All" || asked == name,
    }
}

fn value_of(attribute: &Attribute) -> Value<'_> {
    let (string_value, binary_value) = match &attribute.value {
        AttributeValue::Text(text) => (Some(text.into()), None),
        AttributeValue::Binary(bytes) => (None, Some(STANDARD.encode(bytes).into())),
    };
    Value { data_type: attribute.data_type.as_str().into(), string_value, binary_value }
}

fn accept_one(name: String, value: Value<'_>) -> Result<Attribute, SqsError> {
    check_name(&name)?;
    let data_type = value.data_type.into_owned();
    let accepted = match data_type.split('.').next() {
        Some("String") => text(value.string_value),
        Some("Number") => match text(value.string_value) {
            Some(AttributeValue::Text(number)) if !number.parse().is_ok_and(f64::is_finite) => {
                return Err(wrong(format!(
                    "Can't cast the value of message attribute '{name}' to a number."
                )));
            }
            number => number,
        },
        Some("Binary") => binary(value.binary_value),
        _ => {
            return Err(wrong(format!(
                "The message attribute '{name}' has an invalid message attribute type, the set of \
                 supported type prefixes is Binary, Number, and String."
            )));
        }
    };
    let Some(value) = accepted else {
        return Err(wrong(format!(
            "The message attribute '{name}' must contain non-empty message attribute value for \
             message attribute type '{data_type}'."
        )));
    };
    Ok(Attribute { name, data_type, value })
}

fn text(value: Option<Cow<'_, str>>) -> Option<AttributeValue> {
    let text = value.filter(|text| !text.is_empty())?;
    Some(AttributeValue::Text(text.into_owned()))
}

fn binary(value: Option<Cow<'_, str>>) -> Option<AttributeValue> {
    let bytes = STANDARD.decode(value?.as_bytes()).ok()?;
    (!bytes.is_empty()).then_some(AttributeValue::Binary(bytes))
}

fn check_name(name: &str) -> Result<(), SqsError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    let lower = name.to_ascii_lowercase();
    let fine = (1..=256).contains(&name.len())
        && name.bytes().all(allowed)
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains("..")
        && !lower.starts_with("aws.")
        && !lower.starts_with("amazon.");
    match fine {
        true => Ok(()),
        false => Err(wrong(format!("The message attribute name '{name}' is invalid."))),
    }
}

fn wrong(message: String) -> SqsError {
    SqsError::new(Code::InvalidParameterValue, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_asked_for_whole_or_by_their_beginning() {
        for (asked, name, meant) in [
            ("All", "order", true),
            (".*", "order", true),
            ("order", "order", true),
            ("order", "orders", false),
            ("order.*", "order.id", true),
            ("order.*", "other", false),
        ] {
            assert_eq!(is_meant(asked, name), meant, "{asked} {name}");
        }
    }

    #[test]
    fn names_follow_the_rules() {
        for fine in ["a", "order.id", "A-1_b"] {
            assert_eq!(check_name(fine), Ok(()), "{fine}");
        }
        for wrong in ["", ".a", "a.", "a..b", "AWS.x", "amazon.x", "a b"] {
            assert!(check_name(wrong).is_err(), "{wrong}");
        }
    }
}
