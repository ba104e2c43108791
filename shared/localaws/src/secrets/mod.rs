//! Secrets Manager: secrets and their versions, by the AWS JSON 1.1 protocol.
//!
//! They are kept in a file that only its owner can read. It is not encrypted,
//! and values are neither logged nor shown by `Debug`.

mod lifecycle;
mod listing;
mod password;
mod state;
mod tags;
mod values;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use hyper::Response;
use s3s::Body;
use serde_json::{Value, json};

use self::lifecycle::no_secret;
use self::state::{Secret, State};
use crate::answer;
use crate::arn::Account;
use crate::clock::{Clock, Millis};
use crate::kept::Kept;
use crate::service::{ServiceError, write};

/// The secrets of one endpoint.
#[derive(Debug)]
pub(crate) struct Secrets {
    account: Arc<Account>,
    clock: Clock,
    kept: Kept<State>,
}

impl Secrets {
    /// Opens the secrets kept in `dir`.
    pub(crate) fn open(dir: PathBuf, account: Arc<Account>, clock: Clock) -> io::Result<Self> {
        Ok(Self { account, clock, kept: Kept::open_private(dir, "secrets.json")? })
    }

    /// Answers one request.
    pub(crate) fn call(&self, operation: &str, body: &[u8]) -> Response<Body> {
        match self.answer(operation, body).and_then(|answer| write(&answer)) {
            Ok(json) => answer::json_1_1(json),
            Err(error) => error.refuse(),
        }
    }

    fn answer(&self, operation: &str, body: &[u8]) -> Result<Value, ServiceError> {
        match operation {
            "BatchGetSecretValue" => self.batch_get(body),
            "CancelRotateSecret" => self.cancel_rotation(body),
            "CreateSecret" => self.create(body),
            "DeleteResourcePolicy" => self.delete_policy(body),
            "DeleteSecret" => self.delete(body),
            "DescribeSecret" => self.describe(body),
            "GetRandomPassword" => password::random(body),
            "GetResourcePolicy" => self.get_policy(body),
            "GetSecretValue" => self.get_value(body),
            "ListSecretVersionIds" => self.list_versions(body),
            "ListSecrets" => self.list(body),
            "PutResourcePolicy" => self.put_policy(body),
            "PutSecretValue" => self.put_value(body),
            "RestoreSecret" => self.restore(body),
            "RotateSecret" => self.rotate(body),
            "TagResource" => self.tag(body),
            "UntagResource" => self.untag(body),
            "UpdateSecret" => self.update(body),
            "UpdateSecretVersionStage" => self.move_stage(body),
            "ValidateResourcePolicy" => self.validate_policy(body),
            _ => Err(ServiceError::unknown_operation("Secrets Manager", operation)),
        }
    }

    /// The ARN of a secret that is given by its name or ARN.
    pub(crate) fn arn_of(&self, id: &str) -> Option<String> {
        let state = self.kept.read();
        let name = state.name_of(&self.account, id)?;
        state.secrets.get(name).map(|secret| secret.arn.clone())
    }

    /// What there is now, without what has gone for good.
    fn current(&self) -> State {
        let mut state = State::clone(&self.kept.read());
        state.forget(self.clock.now());
        state
    }

    /// A secret, be it marked for deletion, and its name.
    fn find_any(&self, id: &str) -> Result<(String, Secret), ServiceError> {
        let mut state = self.current();
        let name = state.name_of(&self.account, id).ok_or_else(no_secret)?.to_owned();
        let secret = state.secrets.remove(&name).ok_or_else(no_secret)?;
        Ok((name, secret))
    }

    /// A secret that is not marked for deletion, and its name.
    fn find(&self, id: &str) -> Result<(String, Secret), ServiceError> {
        let (name, secret) = self.find_any(id)?;
        check_not_deleted(&secret)?;
        Ok((name, secret))
    }

    /// Changes a secret that is not marked for deletion.
    fn change<R>(
        &self,
        id: &str,
        change: impl FnOnce(&str, &mut Secret, Millis) -> Result<R, ServiceError>,
    ) -> Result<R, ServiceError> {
        self.change_any(id, |name, secret, now| {
            check_not_deleted(secret)?;
            change(name, secret, now)
        })
    }

    /// Changes a secret, be it marked for deletion.
    fn change_any<R>(
        &self,
        id: &str,
        change: impl FnOnce(&str, &mut Secret, Millis) -> Result<R, ServiceError>,
    ) -> Result<R, ServiceError> {
        let now = self.clock.now();
        self.kept.change(|state| {
            state.forget(now);
            let name = state.name_of(&self.account, id).ok_or_else(no_secret)?.to_owned();
            let secret = state.secrets.get_mut(&name).ok_or_else(no_secret)?;
            change(&name, secret, now)
        })
    }
}

fn check_not_deleted(secret: &Secret) -> Result<(), ServiceError> {
    match secret.deleted_at {
        None => Ok(()),
        Some(_) => Err(refused(
            "You can't perform this operation on the secret because it was marked for deletion.",
        )),
    }
}

/// The id of a new version: the request's token, or a random one.
fn id_or_token(token: Option<String>) -> Result<String, ServiceError> {
    match token {
        None => Ok(answer::random_id().to_string()),
        Some(token) if (32..=64).contains(&token.len()) => Ok(token),
        Some(_) => Err(invalid("ClientRequestToken must be 32-64 characters long.")),
    }
}

/// Parameters that break a rule.
fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::new("InvalidParameterException", message)
}

/// A request that can't be met as things are.
fn refused(message: impl Into<String>) -> ServiceError {
    ServiceError::new("InvalidRequestException", message)
}

/// Something that is not there.
fn missing(message: impl Into<String>) -> ServiceError {
    ServiceError::new("ResourceNotFoundException", message)
}

/// Seconds since the epoch, as the JSON protocol writes times.
fn seconds(at: Millis) -> Value {
    json!(at as f64 / 1000.0)
}
