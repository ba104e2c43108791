//! What Secrets Manager keeps: secrets, their versions and the stages that are
//! attached to them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::arn::Account;
use crate::clock::Millis;
use crate::service::ServiceError;

/// The stage of the version that is answered unless another is asked for.
pub(super) const CURRENT: &str = "AWSCURRENT";
/// The stage of the version that was current before.
pub(super) const PREVIOUS: &str = "AWSPREVIOUS";

/// Versions without a stage kept at most.
const MAX_DEPRECATED: usize = 100;

/// What there is, by name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// The secrets.
    pub(super) secrets: BTreeMap<String, Secret>,
}

/// A secret.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Secret {
    /// Its ARN, with the six random characters.
    pub(super) arn: String,
    /// Description.
    pub(super) description: Option<String>,
    /// KMS key, as it was given.
    pub(super) kms_key: Option<String>,
    /// `Type`, as it was given.
    pub(super) kind: Option<String>,
    /// When it was created.
    pub(super) created_at: Millis,
    /// When it was last changed.
    pub(super) changed_at: Millis,
    /// The day a value was last asked for.
    pub(super) accessed_at: Option<Millis>,
    /// When it was deleted.
    pub(super) deleted_at: Option<Millis>,
    /// When it can't be restored any more.
    pub(super) gone_at: Option<Millis>,
    /// Tags.
    pub(super) tags: BTreeMap<String, String>,
    /// By id.
    pub(super) versions: BTreeMap<String, Version>,
    /// Resource policy.
    pub(super) policy: Option<String>,
    /// Whether rotation is switched on.
    pub(super) rotates: Option<bool>,
    /// The function that would rotate it.
    pub(super) rotation_function: Option<String>,
    /// When it would be rotated.
    pub(super) rotation_rules: Option<Value>,
}

/// A version of a secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Version {
    /// What is secret.
    pub(super) content: Content,
    /// Stages attached to it; without one it is deprecated.
    pub(super) stages: BTreeSet<String>,
    /// When it was created.
    pub(super) created_at: Millis,
}

/// The secret value. It is not shown by `Debug`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Content {
    /// `SecretString`.
    Text(String),
    /// `SecretBinary`, in Base64.
    Binary(String),
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl State {
    /// Drops what can't be restored any more.
    pub(super) fn forget(&mut self, now: Millis) {
        self.secrets.retain(|_, secret| secret.gone_at.is_none_or(|at| at > now));
    }

    /// The name of a secret that is meant by its name, its ARN, or its ARN
    /// without the six random characters.
    pub(super) fn name_of(&self, account: &Account, id: &str) -> Option<&str> {
        if let Some((name, _)) = self.secrets.get_key_value(id) {
            return Some(name);
        }
        let rest = account.name_in("secretsmanager", id)?.strip_prefix("secret:")?;
        let whole = rest.rsplit_once('-').map(|(name, _)| name);
        let matches = |name: &str, partial: bool| {
            let (name, secret) = self.secrets.get_key_value(name)?;
            (partial || secret.arn == id).then_some(name.as_str())
        };
        whole.and_then(|name| matches(name, false)).or_else(|| matches(rest, true))
    }
}

impl Secret {
    /// The version a stage is attached to.
    pub(super) fn staged(&self, stage: &str) -> Option<(&String, &Version)> {
        self.versions.iter().find(|(_, version)| version.stages.contains(stage))
    }

    /// Attaches a stage to a version; it leaves the one that has it. The
    /// version that was current becomes the previous one.
    pub(super) fn attach(&mut self, stage: &str, id: &str) {
        let before = self.staged(stage).map(|(id, _)| id.clone());
        if before.as_deref() == Some(id) {
            return;
        }
        for version in self.versions.values_mut() {
            version.stages.remove(stage);
        }
        if let Some(version) = self.versions.get_mut(id) {
            version.stages.insert(stage.to_owned());
            if stage == CURRENT {
                version.stages.remove(PREVIOUS);
            }
        }
        if let Some(before) = before.filter(|_| stage == CURRENT) {
            self.attach(PREVIOUS, &before);
        }
    }

    /// Adds a version and attaches stages to it; says whether it is new.
    ///
    /// # Errors
    /// `ResourceExistsException` if the id is that of a version with another
    /// content.
    pub(super) fn put(
        &mut self,
        name: &str,
        id: &str,
        content: Content,
        stages: &[String],
        now: Millis,
    ) -> Result<bool, ServiceError> {
        if let Some(version) = self.versions.get(id) {
            if version.content == content {
                return Ok(false);
            }
            return Err(ServiceError::new(
                "ResourceExistsException",
                format!(
                    "You can't use ClientRequestToken {id} because that value is already in use \
                     for a version of secret {name}."
                ),
            ));
        }
        let version = Version { content, stages: BTreeSet::new(), created_at: now };
        self.versions.insert(id.to_owned(), version);
        for stage in stages {
            self.attach(stage, id);
        }
        self.changed_at = now;
        self.drop_oldest_deprecated();
        Ok(true)
    }

    fn drop_oldest_deprecated(&mut self) {
        let deprecated = self.versions.iter().filter(|(_, version)| version.stages.is_empty());
        let mut deprecated: Vec<_> =
            deprecated.map(|(id, version)| (version.created_at, id.clone())).collect();
        deprecated.sort();
        let surplus = deprecated.len().saturating_sub(MAX_DEPRECATED);
        for (_, id) in deprecated.into_iter().take(surplus) {
            self.versions.remove(&id);
        }
    }

    /// The stages of each version that has some.
    pub(super) fn stages(&self) -> Value {
        let staged = self.versions.iter().filter(|(_, version)| !version.stages.is_empty());
        Value::Object(staged.map(|(id, version)| (id.clone(), json!(version.stages))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> Secret {
        let mut secret = Secret::default();
        for (at, id) in ["one", "two"].into_iter().enumerate() {
            let content = Content::Text(id.to_owned());
            secret.put("s", id, content, &[CURRENT.to_owned()], at as Millis).unwrap();
        }
        secret
    }

    #[test]
    fn the_version_before_the_current_one_is_the_previous_one() {
        let mut secret = secret();
        assert_eq!(secret.stages(), json!({"one": [PREVIOUS], "two": [CURRENT]}));
        secret.attach(CURRENT, "one");
        assert_eq!(secret.stages(), json!({"one": [CURRENT], "two": [PREVIOUS]}));
    }

    #[test]
    fn a_version_is_put_once_and_never_changes() {
        let mut secret = secret();
        let again = Content::Text("two".to_owned());
        assert_eq!(secret.put("s", "two", again, &[], 3), Ok(false));
        let other = Content::Text("other".to_owned());
        assert_eq!(
            secret.put("s", "two", other, &[], 3).unwrap_err().code,
            "ResourceExistsException"
        );
    }

    #[test]
    fn a_secret_is_found_by_name_and_by_arn_with_and_without_its_suffix() {
        let account = Account { id: "000000000000".into(), region: "us-east-1".into() };
        let arn = account.arn("secretsmanager", "secret:db/main-a1B2c3");
        let mut state = State::default();
        let secret = Secret { arn: arn.clone(), ..Secret::default() };
        state.secrets.insert("db/main".to_owned(), secret);
        let partial = account.arn("secretsmanager", "secret:db/main");
        let other = account.arn("secretsmanager", "secret:db/main-zzzzzz");
        for (id, expected) in [
            ("db/main", Some("db/main")),
            (&arn, Some("db/main")),
            (&partial, Some("db/main")),
            (&other, None),
            ("db", None),
        ] {
            assert_eq!(state.name_of(&account, id), expected, "{id}");
        }
    }

    #[test]
    fn a_value_is_not_shown() {
        assert!(!format!("{:?}", secret()).contains("Text"));
    }
}
