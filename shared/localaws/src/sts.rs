//! STS: who the caller is, and credentials for a role. Every role can be
//! assumed; whoever comes without credentials given out here is the account.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::Response;
use rand::RngCore;
use s3s::Body;

use crate::arn::Account;
use crate::clock::{Clock, Millis};
use crate::query::{self, Form, Namespace, QueryError, Xml};
use crate::time::rfc3339;

/// Keys whose holder is remembered.
const MAX_ISSUED: usize = 10_000;

/// The STS of one endpoint.
#[derive(Debug)]
pub(crate) struct Sts {
    account: Arc<Account>,
    clock: Clock,
    /// Who the keys that were given out here stand for, while this runs.
    issued: RwLock<BTreeMap<String, Identity>>,
}

/// Who a caller is.
#[derive(Debug, Clone)]
struct Identity {
    arn: String,
    user_id: String,
}

impl Sts {
    /// An STS for `account`.
    pub(crate) fn new(account: Arc<Account>, clock: Clock) -> Self {
        Self { account, clock, issued: RwLock::default() }
    }

    /// Whether there is such an operation.
    pub(crate) fn has(operation: &str) -> bool {
        matches!(
            operation,
            "AssumeRole"
                | "AssumeRoleWithWebIdentity"
                | "GetAccessKeyInfo"
                | "GetCallerIdentity"
                | "GetSessionToken"
        )
    }

    /// Answers one request, signed with this access key if any.
    pub(crate) fn call(&self, key_id: Option<&str>, form: &Form) -> Response<Body> {
        let action = form.action();
        let result = match action {
            "GetCallerIdentity" => Ok(self.caller_identity(key_id)),
            "AssumeRole" => self.assume_role(form),
            "AssumeRoleWithWebIdentity" => {
                required(form, "WebIdentityToken").and_then(|_| self.assume_role(form))
            }
            "GetSessionToken" => self.session_token(form, key_id),
            "GetAccessKeyInfo" => required(form, "AccessKeyId").map(|_| self.key_info()),
            _ => Err(refusal(
                "InvalidAction",
                format!("this endpoint has no STS operation `{action}`"),
            )),
        };
        match result {
            Ok(xml) => query::accept(Namespace::STS, action, &xml),
            Err(error) => query::refuse(&error),
        }
    }

    fn caller_identity(&self, key_id: Option<&str>) -> Xml {
        let identity = self.identity(key_id);
        let mut xml = Xml::default();
        xml.text("Arn", &identity.arn).text("UserId", &identity.user_id);
        xml.text("Account", &self.account.id);
        xml
    }

    /// Whoever a key was given out to; the account itself for all others.
    fn identity(&self, key_id: Option<&str>) -> Identity {
        let issued = self.issued.read().unwrap_or_else(PoisonError::into_inner);
        let known = key_id.and_then(|key_id| issued.get(key_id)).cloned();
        let id = &self.account.id;
        known.unwrap_or_else(|| Identity {
            arn: format!("arn:aws:iam::{id}:root"),
            user_id: id.clone(),
        })
    }

    fn assume_role(&self, form: &Form) -> Result<Xml, QueryError> {
        let role = required(form, "RoleArn")?;
        let session = required(form, "RoleSessionName")?;
        let seconds = duration(form, 3600)?;
        let (_, name) = role.split_once(":role/").ok_or_else(|| {
            refusal("ValidationError", format!("`{role}` is not the ARN of a role"))
        })?;
        // A role's path is no part of the ARN of a session.
        let name = name.rsplit('/').next().unwrap_or(name);
        let (id, account) = (random_key("AROA"), &self.account.id);
        let identity = Identity {
            arn: format!("arn:aws:sts::{account}:assumed-role/{name}/{session}"),
            user_id: format!("{id}:{session}"),
        };
        let mut xml = Xml::default();
        xml.within("AssumedRoleUser", |xml| {
            xml.text("Arn", &identity.arn).text("AssumedRoleId", &identity.user_id);
        });
        self.give_credentials(&mut xml, identity, seconds);
        Ok(xml)
    }

    fn session_token(&self, form: &Form, key_id: Option<&str>) -> Result<Xml, QueryError> {
        let seconds = duration(form, 43_200)?;
        let mut xml = Xml::default();
        self.give_credentials(&mut xml, self.identity(key_id), seconds);
        Ok(xml)
    }

    fn key_info(&self) -> Xml {
        let mut xml = Xml::default();
        xml.text("Account", &self.account.id);
        xml
    }

    fn give_credentials(&self, xml: &mut Xml, identity: Identity, seconds: Millis) {
        let key_id = random_key("ASIA");
        xml.within("Credentials", |xml| {
            xml.text("AccessKeyId", &key_id);
            xml.text("SecretAccessKey", &random_base64::<30>());
            xml.text("SessionToken", &random_base64::<96>());
            xml.text("Expiration", &rfc3339(self.clock.now() + seconds * 1000));
        });
        let mut issued = self.issued.write().unwrap_or_else(PoisonError::into_inner);
        if issued.len() >= MAX_ISSUED {
            issued.pop_first();
        }
        issued.insert(key_id, identity);
    }
}

fn duration(form: &Form, default: Millis) -> Result<Millis, QueryError> {
    let Some(seconds) = form.get("DurationSeconds") else { return Ok(default) };
    let valid = seconds.parse().ok().filter(|seconds| (900..=129_600).contains(seconds));
    valid.ok_or_else(|| {
        let message = format!("`{seconds}` is no DurationSeconds: 900 to 129600");
        refusal("ValidationError", message)
    })
}

fn required<'a>(form: &'a Form, name: &str) -> Result<&'a str, QueryError> {
    form.get(name).filter(|value| !value.is_empty()).ok_or_else(|| {
        refusal("ValidationError", format!("the request must contain the parameter {name}"))
    })
}

fn refusal(code: &'static str, message: String) -> QueryError {
    QueryError::new(Namespace::STS, 400, code, message)
}

fn random_base64<const N: usize>() -> String {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    STANDARD.encode(bytes)
}

/// A prefix and 16 letters and digits.
fn random_key(prefix: &str) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut bytes = [0u8; 16];
    rand::rng().fill_bytes(&mut bytes);
    let letters = bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    prefix.chars().chain(letters).collect()
}
