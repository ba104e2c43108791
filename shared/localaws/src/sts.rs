//! STS: who the caller is, and credentials for a role. Every caller is the
//! account itself and every role can be assumed.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};
use hyper::Response;
use rand::RngCore;
use s3s::Body;

use crate::arn::Account;
use crate::clock::{Clock, Millis};
use crate::query::{self, Form, Namespace, QueryError, Xml};

/// The STS of one endpoint.
#[derive(Debug)]
pub(crate) struct Sts {
    account: Arc<Account>,
    clock: Clock,
}

impl Sts {
    /// An STS for `account`.
    pub(crate) fn new(account: Arc<Account>, clock: Clock) -> Self {
        Self { account, clock }
    }

    /// Whether there is such an operation.
    pub(crate) fn has(operation: &str) -> bool {
        matches!(operation, "GetCallerIdentity" | "AssumeRole")
    }

    /// Answers one request.
    pub(crate) fn call(&self, form: &Form) -> Response<Body> {
        let action = form.action();
        let result = match action {
            "GetCallerIdentity" => Ok(self.caller_identity()),
            "AssumeRole" => self.assume_role(form),
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

    fn caller_identity(&self) -> Xml {
        let id = &self.account.id;
        let mut xml = Xml::default();
        xml.text("Arn", &format!("arn:aws:iam::{id}:root")).text("UserId", id).text("Account", id);
        xml
    }

    fn assume_role(&self, form: &Form) -> Result<Xml, QueryError> {
        let role = required(form, "RoleArn")?;
        let session = required(form, "RoleSessionName")?;
        let seconds = form.get("DurationSeconds").unwrap_or("3600");
        let seconds: Millis =
            seconds.parse().ok().filter(|seconds| (900..=43_200).contains(seconds)).ok_or_else(
                || {
                    refusal(
                        "ValidationError",
                        format!("`{seconds}` is no DurationSeconds: 900 to 43200"),
                    )
                },
            )?;
        let (_, name) = role.split_once(":role/").ok_or_else(|| {
            refusal("ValidationError", format!("`{role}` is not the ARN of a role"))
        })?;
        let (id, account) = (random_key("AROA"), &self.account.id);
        let mut xml = Xml::default();
        xml.within("AssumedRoleUser", |xml| {
            xml.text("Arn", &format!("arn:aws:sts::{account}:assumed-role/{name}/{session}"));
            xml.text("AssumedRoleId", &format!("{id}:{session}"));
        });
        xml.within("Credentials", |xml| {
            xml.text("AccessKeyId", &random_key("ASIA"));
            xml.text("SecretAccessKey", &random_base64::<30>());
            xml.text("SessionToken", &random_base64::<96>());
            xml.text("Expiration", &timestamp(self.clock.now() + seconds * 1000));
        });
        Ok(xml)
    }
}

fn required<'a>(form: &'a Form, name: &str) -> Result<&'a str, QueryError> {
    form.get(name).filter(|value| !value.is_empty()).ok_or_else(|| {
        refusal("ValidationError", format!("the request must contain the parameter {name}"))
    })
}

fn refusal(code: &'static str, message: String) -> QueryError {
    QueryError::new(Namespace::STS, 400, code, message)
}

fn timestamp(at: Millis) -> String {
    let at = DateTime::<Utc>::from_timestamp_millis(at as i64).unwrap_or_default();
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
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
