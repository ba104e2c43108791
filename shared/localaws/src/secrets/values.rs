//! Values of secrets: putting and getting versions, and moving stages.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::state::{CURRENT, Content, Secret, Version};
use super::{Secrets, id_or_token, invalid, missing, refused, seconds};
use crate::service::{ServiceError, read};

/// Bytes of a value at most.
const MAX_VALUE: usize = 65_536;
/// The day that access is noted to.
const DAY: u64 = 86_400_000;

/// The value of a request.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Given {
    secret_string: Option<String>,
    secret_binary: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutValue {
    secret_id: String,
    client_request_token: Option<String>,
    version_stages: Option<Vec<String>>,
    #[serde(flatten)]
    value: Given,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetValue {
    secret_id: String,
    version_id: Option<String>,
    version_stage: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MoveStage {
    secret_id: String,
    version_stage: String,
    remove_from_version_id: Option<String>,
    move_to_version_id: Option<String>,
}

impl Given {
    /// The value, if there is one.
    ///
    /// # Errors
    /// `InvalidParameterException` for both kinds, too much, or no Base64.
    pub(super) fn content(self) -> Result<Option<Content>, ServiceError> {
        let (content, length) = match (self.secret_string, self.secret_binary) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => {
                return Err(invalid(
                    "You can't specify both a binary secret value and a string secret value in \
                     the same secret.",
                ));
            }
            (Some(text), None) => {
                let length = text.len();
                (Content::Text(text), length)
            }
            (None, Some(binary)) => {
                let bytes = STANDARD.decode(&binary);
                let bytes = bytes.map_err(|_| invalid("SecretBinary is not Base64."))?;
                (Content::Binary(binary), bytes.len())
            }
        };
        match length {
            0 => Err(invalid("You must provide either SecretString or SecretBinary.")),
            1..=MAX_VALUE => Ok(Some(content)),
            _ => Err(invalid(format!("A secret value has at most {MAX_VALUE} bytes."))),
        }
    }
}

impl Secrets {
    pub(super) fn put_value(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: PutValue = read(body)?;
        let content = request.value.content()?;
        let content = content
            .ok_or_else(|| invalid("You must provide either SecretString or SecretBinary."))?;
        let id = id_or_token(request.client_request_token)?;
        let stages = request.version_stages.unwrap_or_else(|| vec![CURRENT.to_owned()]);
        if !(1..=20).contains(&stages.len()) {
            return Err(invalid("VersionStages must have 1 to 20 elements."));
        }
        self.change(&request.secret_id, |name, secret, now| {
            secret.put(name, &id, content, &stages, now)?;
            let stages = secret.versions.get(&id).map(|version| &version.stages);
            Ok(json!({"ARN": secret.arn, "Name": name, "VersionId": id, "VersionStages": stages}))
        })
    }

    pub(super) fn get_value(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: GetValue = read(body)?;
        self.value(&request)
    }

    fn value(&self, request: &GetValue) -> Result<Value, ServiceError> {
        let found = self.find(&request.secret_id)?;
        let (name, secret) = (found.0.as_str(), &found.1);
        let (id, version) = select(secret, request)?;
        let view = value_view(name, secret, id, version);
        let now = self.clock.now();
        let today = now - now % DAY;
        if secret.accessed_at != Some(today) {
            self.change(name, |_, secret, _| {
                secret.accessed_at = Some(today);
                Ok(())
            })?;
        }
        Ok(view)
    }

    /// The value of one secret, for `BatchGetSecretValue`.
    pub(super) fn current_value(&self, id: &str) -> Result<Value, ServiceError> {
        let secret_id = id.to_owned();
        self.value(&GetValue { secret_id, version_id: None, version_stage: None })
    }

    /// What `valueFrom` of a container's secret refers to: a name or an ARN,
    /// which may be followed by `:<JSON key>:<stage>:<version>`.
    ///
    /// # Errors
    /// As of `GetSecretValue`; also if the value is no JSON with that key.
    pub(crate) fn value_from(&self, reference: &str) -> Result<String, ServiceError> {
        let (id, mut rest) = split_reference(reference);
        let mut part = || rest.next().filter(|part| !part.is_empty()).map(str::to_owned);
        let key = part();
        let (version_stage, version_id) = (part(), part());
        let value = self.value(&GetValue { secret_id: id, version_id, version_stage })?;
        let text = value["SecretString"].as_str();
        let text = text.ok_or_else(|| refused("The secret value is binary."))?;
        let Some(key) = key else { return Ok(text.to_owned()) };
        let parsed: Map<String, Value> = serde_json::from_str(text)
            .map_err(|_| refused(format!("The secret value is no JSON object with `{key}`.")))?;
        match parsed.get(&key) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(other) => Ok(other.to_string()),
            None => Err(refused(format!("The secret value has no JSON key `{key}`."))),
        }
    }

    pub(super) fn move_stage(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: MoveStage = read(body)?;
        let stage = request.version_stage.as_str();
        self.change(&request.secret_id, |name, secret, now| {
            let holder = secret.staged(stage).map(|(id, _)| id.clone());
            let from = request.remove_from_version_id;
            if let Some(holder) = &holder
                && request.move_to_version_id.as_ref() != Some(holder)
                && from.as_ref() != Some(holder)
            {
                return Err(invalid(format!(
                    "The parameter RemoveFromVersionId can't be empty. Staging label {stage} is \
                     currently attached to version {holder}, so you must explicitly reference \
                     that version in RemoveFromVersionId."
                )));
            }
            if holder.is_none()
                && let Some(from) = from
            {
                return Err(invalid(format!(
                    "Staging label {stage} is not attached to version {from}."
                )));
            }
            match request.move_to_version_id {
                Some(to) if secret.versions.contains_key(&to) => secret.attach(stage, &to),
                Some(to) => return Err(missing_version(&format!("VersionId: {to}"))),
                None if stage == CURRENT => {
                    return Err(invalid(
                        "You can only move staging label AWSCURRENT to a different secret \
                         version. It can't be completely removed.",
                    ));
                }
                None => {
                    secret.versions.values_mut().for_each(|version| {
                        version.stages.remove(stage);
                    });
                }
            }
            secret.changed_at = now;
            Ok(json!({"ARN": secret.arn, "Name": name}))
        })
    }
}

fn select<'a>(
    secret: &'a Secret,
    request: &GetValue,
) -> Result<(&'a String, &'a Version), ServiceError> {
    let stage = request.version_stage.as_deref();
    let Some(id) = &request.version_id else {
        let stage = stage.unwrap_or(CURRENT);
        let found = secret.staged(stage);
        return found.ok_or_else(|| missing_version(&format!("staging label: {stage}")));
    };
    let found = secret.versions.get_key_value(id);
    let (id, version) = found.ok_or_else(|| missing_version(&format!("VersionId: {id}")))?;
    if stage.is_some_and(|stage| !version.stages.contains(stage)) {
        return Err(refused(
            "You provided a VersionStage that is not associated to the provided VersionId.",
        ));
    }
    Ok((id, version))
}

fn value_view(name: &str, secret: &Secret, id: &str, version: &Version) -> Value {
    let mut view = json!({
        "ARN": secret.arn,
        "Name": name,
        "VersionId": id,
        "CreatedDate": seconds(version.created_at),
    });
    if !version.stages.is_empty() {
        view["VersionStages"] = json!(version.stages);
    }
    match &version.content {
        Content::Text(text) => view["SecretString"] = json!(text),
        Content::Binary(binary) => view["SecretBinary"] = json!(binary),
    }
    view
}

/// The secret's name or ARN, and what follows it. ARNs have seven parts.
fn split_reference(reference: &str) -> (String, impl Iterator<Item = &str>) {
    let mut parts = reference.split(':');
    let count = if reference.starts_with("arn:") { 7 } else { 1 };
    let id: Vec<&str> = parts.by_ref().take(count).collect();
    (id.join(":"), parts)
}

fn missing_version(what: &str) -> ServiceError {
    missing(format!("Secrets Manager can't find the specified secret value for {what}"))
}
