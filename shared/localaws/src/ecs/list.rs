//! Pages of names and tags as lists: what all lists of ECS share.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::name::invalid;
use super::state::Tags;
use crate::page::page;
use crate::service::ServiceError;

/// How much of a list is wanted, and from where.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page {
    max_results: Option<i64>,
    next_token: Option<String>,
    sort: Option<String>,
}

impl Page {
    /// Whether the list is wanted from its end.
    pub(super) fn descends(&self) -> bool {
        self.sort.as_deref() == Some("DESC")
    }

    /// The page as it is answered: ARNs under `member`. `names` are in order.
    ///
    /// # Errors
    /// `InvalidParameterException` if more than 100 are wanted.
    pub(super) fn answer(
        &self,
        member: &str,
        names: impl Iterator<Item = String>,
        default: usize,
        arn: impl Fn(&str) -> String,
    ) -> Result<Value, ServiceError> {
        let limit = match self.max_results {
            None => default,
            Some(limit @ 1..=100) => limit as usize,
            Some(limit) => {
                return Err(invalid(format!("maxResults must be from 1 to 100, not {limit}")));
            }
        };
        let token = self.next_token.as_ref();
        let after = |name: &String| {
            token.is_none_or(|token| if self.descends() { name < token } else { name > token })
        };
        let (names, token) = page(names.filter(after), limit, String::clone);
        let arns: Vec<String> = names.iter().map(|name| arn(name)).collect();
        let mut answer = Map::from_iter([(member.to_owned(), json!(arns))]);
        if let Some(token) = token {
            answer.insert("nextToken".to_owned(), token.into());
        }
        Ok(answer.into())
    }
}

/// Tags of a request.
///
/// # Errors
/// `InvalidParameterException` for more than 50, a key that is missing, too
/// long or reserved, or a value that is too long.
pub(super) fn tags_of(list: &[Value]) -> Result<Tags, ServiceError> {
    if list.len() > 50 {
        return Err(invalid("Tags can not be more than 50."));
    }
    let tag = |tag: &Value| {
        let part = |name: &str| tag.get(name).and_then(Value::as_str).unwrap_or_default();
        let (key, value) = (part("key"), part("value"));
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(invalid("A tag has a key of 1 to 128 and a value of up to 256 characters"));
        }
        if key.to_lowercase().starts_with("aws:") {
            return Err(invalid("Tag keys must not begin with `aws:`"));
        }
        Ok((key.to_owned(), value.to_owned()))
    };
    list.iter().map(tag).collect()
}

/// Tags of an answer.
pub(super) fn tag_list(tags: &Tags) -> Value {
    tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}

/// Seconds since the epoch, as the JSON protocol writes times.
pub(super) fn seconds(at: crate::clock::Millis) -> Value {
    json!(at as f64 / 1000.0)
}
