//! Describing secrets and their versions, and lists of them.

use std::cmp::Reverse;

use serde::Deserialize;
use serde_json::{Value, json};

use super::state::Secret;
use super::tags::tag_list;
use super::{Secrets, invalid, seconds};
use crate::service::{ServiceError, read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeSecret {
    secret_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListVersions {
    secret_id: String,
    #[serde(default)]
    include_deprecated: bool,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListSecrets {
    #[serde(default)]
    include_planned_deletion: bool,
    #[serde(default)]
    filters: Vec<Filter>,
    sort_by: Option<String>,
    sort_order: Option<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BatchGet {
    secret_id_list: Option<Vec<String>>,
    filters: Option<Vec<Filter>>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Filter {
    key: String,
    values: Vec<String>,
}

impl Secrets {
    pub(super) fn describe(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: DescribeSecret = read(body)?;
        let (name, secret) = self.find_any(&request.secret_id)?;
        let mut view = secret_view(&name, &secret);
        if !secret.versions.is_empty() {
            view["VersionIdsToStages"] = secret.stages();
        }
        Ok(view)
    }

    pub(super) fn list_versions(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: ListVersions = read(body)?;
        let (name, secret) = self.find_any(&request.secret_id)?;
        let versions = secret.versions.iter();
        let mut versions: Vec<_> = versions
            .filter(|(_, version)| request.include_deprecated || !version.stages.is_empty())
            .collect();
        versions.sort_by_key(|(id, version)| (version.created_at, *id));
        let ids: Vec<&String> = versions.iter().map(|(id, _)| *id).collect();
        let (range, token) = page_of(&ids, request.max_results, request.next_token.as_ref())?;
        let view = |(id, version): &(&String, &super::state::Version)| {
            let mut view = json!({
                "VersionId": id,
                "CreatedDate": seconds(version.created_at),
                "KmsKeyIds": [secret.kms_key.as_deref().unwrap_or("DefaultEncryptionKey")],
            });
            if !version.stages.is_empty() {
                view["VersionStages"] = json!(version.stages);
            }
            view
        };
        let page: Value = versions[range].iter().map(view).collect();
        let mut answer = json!({"ARN": secret.arn, "Name": name, "Versions": page});
        if let Some(token) = token {
            answer["NextToken"] = json!(token);
        }
        Ok(answer)
    }

    pub(super) fn list(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: ListSecrets = read(body)?;
        check_filters(&request.filters)?;
        let state = self.current();
        let mut found: Vec<(&String, &Secret)> = state
            .secrets
            .iter()
            .filter(|(_, secret)| request.include_planned_deletion || secret.deleted_at.is_none())
            .filter(|(name, secret)| request.filters.iter().all(|one| one.matches(name, secret)))
            .collect();
        let key = |(name, secret): &(&String, &Secret)| {
            let at = match request.sort_by.as_deref() {
                Some("name") => 0,
                Some("last-changed-date") => secret.changed_at,
                Some("last-accessed-date") => secret.accessed_at.unwrap_or_default(),
                Some(_) | None => secret.created_at,
            };
            (at, (*name).clone())
        };
        match request.sort_order.as_deref() {
            Some("desc") => found.sort_by_key(|one| Reverse(key(one))),
            Some(_) | None => found.sort_by_key(key),
        }
        let names: Vec<&String> = found.iter().map(|(name, _)| *name).collect();
        let (range, token) = page_of(&names, request.max_results, request.next_token.as_ref())?;
        let view = |(name, secret): &(&String, &Secret)| {
            let mut view = secret_view(name, secret);
            if !secret.versions.is_empty() {
                view["SecretVersionsToStages"] = secret.stages();
            }
            view
        };
        let mut answer = json!({"SecretList": found[range].iter().map(view).collect::<Value>()});
        if let Some(token) = token {
            answer["NextToken"] = json!(token);
        }
        Ok(answer)
    }

    pub(super) fn batch_get(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: BatchGet = read(body)?;
        let (ids, token) = match (request.secret_id_list, request.filters) {
            (Some(ids), None) if (1..=20).contains(&ids.len()) => (ids, None),
            (None, Some(filters)) => {
                check_filters(&filters)?;
                let state = self.current();
                let found = state.secrets.iter().filter(|(name, secret)| {
                    secret.deleted_at.is_none()
                        && filters.iter().all(|filter| filter.matches(name, secret))
                });
                let names: Vec<&String> = found.map(|(name, _)| name).collect();
                let limit = request.max_results.or(Some(20));
                let (range, token) = page_of(&names, limit, request.next_token.as_ref())?;
                (names[range].iter().map(|name| (*name).clone()).collect(), token)
            }
            (Some(_), None) => return Err(invalid("SecretIdList must have 1 to 20 elements.")),
            (Some(_), Some(_)) | (None, None) => {
                return Err(invalid(
                    "Either 'SecretIdList' or 'Filters' must be provided, but not both.",
                ));
            }
        };
        let (mut values, mut errors) = (Vec::new(), Vec::new());
        for id in ids {
            match self.current_value(&id) {
                Ok(value) => values.push(value),
                Err(error) => errors.push(
                    json!({"SecretId": id, "ErrorCode": error.code, "Message": error.message}),
                ),
            }
        }
        let mut answer = json!({"SecretValues": values, "Errors": errors});
        if let Some(token) = token {
            answer["NextToken"] = json!(token);
        }
        Ok(answer)
    }
}

impl Filter {
    /// Whether one of its values matches, or none of those with a `!`.
    fn matches(&self, name: &str, secret: &Secret) -> bool {
        self.values.iter().any(|value| match value.strip_prefix('!') {
            Some(value) => !self.matches_one(value, name, secret),
            None => self.matches_one(value, name, secret),
        })
    }

    fn matches_one(&self, value: &str, name: &str, secret: &Secret) -> bool {
        let begins = |text: &str| text.starts_with(value);
        let description = secret.description.as_deref().unwrap_or_default();
        match self.key.as_str() {
            "name" => begins(name),
            "description" => has_word(description, value),
            "tag-key" => secret.tags.keys().any(|key| begins(key)),
            "tag-value" => secret.tags.values().any(|value| begins(value)),
            "all" => value.split_whitespace().all(|word| {
                has_word(name, word)
                    || has_word(description, word)
                    || secret
                        .tags
                        .iter()
                        .any(|(key, tag)| has_word(key, word) || has_word(tag, word))
            }),
            // Of secrets that services own or that are replicas: there are none.
            _ => false,
        }
    }
}

/// Whether `text`, or a word in it, begins with `prefix`, in whatever case.
fn has_word(text: &str, prefix: &str) -> bool {
    let (text, prefix) = (text.to_lowercase(), prefix.to_lowercase());
    let mut words = text.split(|letter: char| !letter.is_alphanumeric());
    text.starts_with(&prefix) || words.any(|word| word.starts_with(&prefix))
}

fn check_filters(filters: &[Filter]) -> Result<(), ServiceError> {
    const KEYS: [&str; 7] =
        ["description", "name", "tag-key", "tag-value", "primary-region", "owning-service", "all"];
    match filters.iter().find(|filter| !KEYS.contains(&filter.key.as_str())) {
        Some(filter) => Err(ServiceError::validation(format!("`{}` is no filter.", filter.key))),
        None => Ok(()),
    }
}

fn secret_view(name: &str, secret: &Secret) -> Value {
    let mut view = json!({
        "ARN": secret.arn,
        "Name": name,
        "CreatedDate": seconds(secret.created_at),
        "LastChangedDate": seconds(secret.changed_at),
        "RotationEnabled": secret.rotates.unwrap_or(false),
        "Tags": tag_list(&secret.tags),
    });
    for (member, at) in
        [("LastAccessedDate", secret.accessed_at), ("DeletedDate", secret.deleted_at)]
    {
        if let Some(at) = at {
            view[member] = seconds(at);
        }
    }
    for (member, text) in [
        ("Description", &secret.description),
        ("KmsKeyId", &secret.kms_key),
        ("Type", &secret.kind),
        ("RotationLambdaARN", &secret.rotation_function),
    ] {
        if let Some(text) = text {
            view[member] = json!(text);
        }
    }
    if let Some(rules) = &secret.rotation_rules {
        view["RotationRules"] = rules.clone();
    }
    view
}

/// The range of a page and the token of the next: the last name on this one.
fn page_of(
    names: &[&String],
    limit: Option<i64>,
    token: Option<&String>,
) -> Result<(std::ops::Range<usize>, Option<String>), ServiceError> {
    let limit = match limit.unwrap_or(100) {
        limit @ 1..=100 => limit as usize,
        limit => return Err(invalid(format!("MaxResults must be from 1 to 100, not {limit}."))),
    };
    let start = match token {
        None => 0,
        Some(token) => {
            names.iter().position(|name| *name == token).map(|at| at + 1).ok_or_else(|| {
                ServiceError::new("InvalidNextTokenException", "The NextToken value is invalid.")
            })?
        }
    };
    let end = names.len().min(start + limit);
    let next = (end < names.len()).then(|| names[end - 1].clone());
    Ok((start..end, next))
}
