//! Tags, resource policies and rotation settings of secrets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Secrets, id_or_token, invalid, refused};
use crate::service::{ServiceError, read};

/// A tag as it is written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    key: String,
    value: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tagging {
    secret_id: String,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    tag_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Policy {
    secret_id: Option<String>,
    resource_policy: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Rotation {
    secret_id: String,
    client_request_token: Option<String>,
    #[serde(rename = "RotationLambdaARN")]
    rotation_lambda_arn: Option<String>,
    rotation_rules: Option<Value>,
}

impl Secrets {
    pub(super) fn tag(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: Tagging = read(body)?;
        let tags = tags_of(request.tags)?;
        self.change(&request.secret_id, |_, secret, _| {
            secret.tags.extend(tags);
            if secret.tags.len() > 50 {
                return Err(invalid("A secret has at most 50 tags."));
            }
            Ok(json!({}))
        })
    }

    pub(super) fn untag(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: Tagging = read(body)?;
        self.change(&request.secret_id, |_, secret, _| {
            secret.tags.retain(|key, _| !request.tag_keys.contains(key));
            Ok(json!({}))
        })
    }

    pub(super) fn put_policy(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: Policy = read(body)?;
        let policy = checked_policy(&request)?;
        self.change(&request.secret_id.unwrap_or_default(), |name, secret, _| {
            secret.policy = Some(policy);
            Ok(json!({"ARN": secret.arn, "Name": name}))
        })
    }

    pub(super) fn get_policy(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: Policy = read(body)?;
        let (name, secret) = self.find(&request.secret_id.unwrap_or_default())?;
        let mut answer = json!({"ARN": secret.arn, "Name": name});
        if let Some(policy) = &secret.policy {
            answer["ResourcePolicy"] = json!(policy);
        }
        Ok(answer)
    }

    pub(super) fn delete_policy(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: Policy = read(body)?;
        self.change(&request.secret_id.unwrap_or_default(), |name, secret, _| {
            secret.policy = None;
            Ok(json!({"ARN": secret.arn, "Name": name}))
        })
    }

    pub(super) fn validate_policy(&self, body: &[u8]) -> Result<Value, ServiceError> {
        checked_policy(&read(body)?)?;
        Ok(json!({"PolicyValidationPassed": true, "ValidationErrors": []}))
    }

    /// Keeps how it would be rotated. Nothing rotates it here.
    pub(super) fn rotate(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: Rotation = read(body)?;
        id_or_token(request.client_request_token)?;
        self.change(&request.secret_id, |name, secret, now| {
            secret.rotation_function =
                request.rotation_lambda_arn.or(secret.rotation_function.take());
            if secret.rotation_function.is_none() {
                return Err(refused(
                    "No Lambda rotation function ARN is associated with this secret.",
                ));
            }
            secret.rotation_rules = request.rotation_rules.or(secret.rotation_rules.take());
            secret.rotates = Some(true);
            secret.changed_at = now;
            let current = secret.staged(super::state::CURRENT).map(|(id, _)| id);
            Ok(json!({"ARN": secret.arn, "Name": name, "VersionId": current}))
        })
    }

    pub(super) fn cancel_rotation(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: Rotation = read(body)?;
        self.change(&request.secret_id, |name, secret, now| {
            secret.rotates = Some(false);
            secret.changed_at = now;
            Ok(json!({"ARN": secret.arn, "Name": name}))
        })
    }
}

/// Tags of a request by key.
///
/// # Errors
/// `InvalidParameterException` for more than 50, or a key or value too long.
pub(super) fn tags_of(tags: Vec<Tag>) -> Result<BTreeMap<String, String>, ServiceError> {
    if tags.len() > 50 {
        return Err(invalid("A secret has at most 50 tags."));
    }
    let tag = |tag: Tag| {
        let value = tag.value.unwrap_or_default();
        let fits = (1..=128).contains(&tag.key.chars().count()) && value.chars().count() <= 256;
        if !fits || tag.key.starts_with("aws:") {
            return Err(invalid(format!("`{}` can't be a tag.", tag.key)));
        }
        Ok((tag.key, value))
    };
    tags.into_iter().map(tag).collect()
}

/// Tags of an answer.
pub(super) fn tag_list(tags: &BTreeMap<String, String>) -> Value {
    tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

fn checked_policy(request: &Policy) -> Result<String, ServiceError> {
    let policy = request.resource_policy.as_deref().unwrap_or_default();
    let parsed: Result<Value, _> = serde_json::from_str(policy);
    match parsed {
        Ok(Value::Object(object)) if object.contains_key("Statement") => Ok(policy.to_owned()),
        Ok(_) | Err(_) => Err(ServiceError::new(
            "MalformedPolicyDocumentException",
            "This resource policy contains invalid Json.",
        )),
    }
}
