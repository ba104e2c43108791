//! Creating, updating, deleting and restoring secrets.

use rand::Rng;
use serde::Deserialize;
use serde_json::{Value, json};

use super::state::{CURRENT, Secret};
use super::tags::{Tag, tags_of};
use super::values::Given;
use super::{Secrets, id_or_token, invalid, missing, refused, seconds};
use crate::clock::Millis;
use crate::service::{ServiceError, read};

const DAY: Millis = 86_400_000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateSecret {
    name: String,
    client_request_token: Option<String>,
    description: Option<String>,
    kms_key_id: Option<String>,
    #[serde(rename = "Type")]
    kind: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(flatten)]
    value: Given,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateSecret {
    secret_id: String,
    client_request_token: Option<String>,
    description: Option<String>,
    kms_key_id: Option<String>,
    #[serde(rename = "Type")]
    kind: Option<String>,
    #[serde(flatten)]
    value: Given,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeleteSecret {
    secret_id: String,
    recovery_window_in_days: Option<i64>,
    #[serde(default)]
    force_delete_without_recovery: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RestoreSecret {
    secret_id: String,
}

impl Secrets {
    pub(super) fn create(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: CreateSecret = read(body)?;
        let name = request.name.as_str();
        check_name(name)?;
        let id = id_or_token(request.client_request_token)?;
        let content = request.value.content()?;
        let tags = tags_of(request.tags)?;
        let now = self.clock.now();
        self.kept.change(|state| {
            state.forget(now);
            if let Some(secret) = state.secrets.get(name) {
                let again = secret.deleted_at.is_none()
                    && secret.versions.get(&id).map(|version| &version.content) == content.as_ref()
                    && content.is_some();
                return if again {
                    Ok(json!({"ARN": secret.arn, "Name": name, "VersionId": id}))
                } else {
                    Err(exists(name, secret))
                };
            }
            let mut secret = Secret {
                arn: self.account.arn("secretsmanager", &format!("secret:{name}-{}", suffix())),
                description: request.description,
                kms_key: request.kms_key_id,
                kind: request.kind,
                created_at: now,
                changed_at: now,
                tags,
                ..Secret::default()
            };
            let mut answer = json!({"ARN": secret.arn, "Name": name});
            if let Some(content) = content {
                secret.put(name, &id, content, &[CURRENT.to_owned()], now)?;
                answer["VersionId"] = json!(id);
            }
            state.secrets.insert(name.to_owned(), secret);
            Ok(answer)
        })
    }

    pub(super) fn update(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: UpdateSecret = read(body)?;
        let id = id_or_token(request.client_request_token)?;
        let content = request.value.content()?;
        self.change(&request.secret_id, |name, secret, now| {
            let mut answer = json!({"ARN": secret.arn, "Name": name});
            if let Some(content) = content {
                secret.put(name, &id, content, &[CURRENT.to_owned()], now)?;
                answer["VersionId"] = json!(id);
            }
            secret.description = request.description.or(secret.description.take());
            secret.kms_key = request.kms_key_id.or(secret.kms_key.take());
            secret.kind = request.kind.or(secret.kind.take());
            secret.changed_at = now;
            Ok(answer)
        })
    }

    pub(super) fn delete(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: DeleteSecret = read(body)?;
        let days = match (request.recovery_window_in_days, request.force_delete_without_recovery) {
            (Some(_), true) => {
                return Err(invalid(
                    "You can't use ForceDeleteWithoutRecovery in conjunction with \
                     RecoveryWindowInDays.",
                ));
            }
            (None, true) => 0,
            (None, false) => 30,
            (Some(days @ 7..=30), false) => days as Millis,
            (Some(_), false) => {
                return Err(invalid(
                    "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
                ));
            }
        };
        let now = self.clock.now();
        self.kept.change(|state| {
            state.forget(now);
            let name = state.name_of(&self.account, &request.secret_id).map(str::to_owned);
            let Some(name) = name else {
                return self.deleted_before(&request);
            };
            let Some(secret) = state.secrets.get_mut(&name) else { return Err(no_secret()) };
            if secret.deleted_at.is_some() && days > 0 {
                return Err(refused(
                    "You can't perform this operation on the secret because it was already \
                     scheduled for deletion.",
                ));
            }
            let gone_at = now + days * DAY;
            secret.deleted_at = Some(now);
            secret.gone_at = Some(gone_at);
            let answer = json!({"ARN": secret.arn, "Name": name, "DeletionDate": seconds(gone_at)});
            state.forget(now);
            Ok(answer)
        })
    }

    /// Deleting without recovery what is not there succeeds, so that it can be
    /// tried again.
    fn deleted_before(&self, request: &DeleteSecret) -> Result<Value, ServiceError> {
        if !request.force_delete_without_recovery {
            return Err(no_secret());
        }
        let id = &request.secret_id;
        let resource = self.account.name_in("secretsmanager", id);
        let name = resource.and_then(|rest| rest.strip_prefix("secret:")).unwrap_or(id);
        let arn = self.account.arn("secretsmanager", &format!("secret:{name}"));
        Ok(json!({"ARN": arn, "Name": name, "DeletionDate": seconds(self.clock.now())}))
    }

    pub(super) fn restore(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: RestoreSecret = read(body)?;
        self.change_any(&request.secret_id, |name, secret, _| {
            secret.deleted_at = None;
            secret.gone_at = None;
            Ok(json!({"ARN": secret.arn, "Name": name}))
        })
    }
}

/// No secret has this name or ARN.
pub(super) fn no_secret() -> ServiceError {
    missing("Secrets Manager can't find the specified secret.")
}

fn exists(name: &str, secret: &Secret) -> ServiceError {
    if secret.deleted_at.is_some() {
        return refused(
            "You can't create this secret because a secret with this name is already scheduled \
             for deletion.",
        );
    }
    ServiceError::new(
        "ResourceExistsException",
        format!("The operation failed because the secret {name} already exists."),
    )
}

fn check_name(name: &str) -> Result<(), ServiceError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+=.@-!".contains(&byte);
    if !name.is_empty() && name.len() <= 512 && name.bytes().all(allowed) {
        return Ok(());
    }
    Err(invalid(
        "Invalid name. Must be a valid name containing alphanumeric characters, or any of the \
         following: -/_+=.@!",
    ))
}

/// What AWS adds to the name in the ARN: six letters and digits.
fn suffix() -> String {
    let mut random = rand::rng();
    (0..6).map(|_| char::from(random.sample(rand::distr::Alphanumeric))).collect()
}
