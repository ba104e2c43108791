//! From what a request names to ARNs: by name, by URL or by ARN.

use std::fmt;

use hyper::http::request::Parts;
use serde_json::Value;

use crate::arn::Account;
use crate::call::last_part;
use crate::ecs::Ecs;
use crate::query::Form;
use crate::secrets::Secrets;

/// Whose resources are named.
pub(crate) struct Named<'a> {
    /// Whose they are.
    pub(crate) account: &'a Account,
    /// Knows which task asks its agent.
    pub(crate) ecs: &'a Ecs,
    /// Knows the random characters in a secret's ARN.
    pub(crate) secrets: &'a Secrets,
}

impl fmt::Debug for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Named").field("account", self.account).finish_non_exhaustive()
    }
}

impl Named<'_> {
    /// `arn:aws:<service>:…:<prefix><name>` for a name, an ARN as it is.
    pub(super) fn arn(&self, service: &str, prefix: &str, given: &str) -> String {
        match given.starts_with("arn:") {
            true => given.to_owned(),
            false => self.account.arn(service, &format!("{prefix}{given}")),
        }
    }

    /// The queue of a request in JSON.
    pub(super) fn queue(&self, body: &[u8]) -> String {
        let body = json(body);
        let named =
            ["QueueUrl", "QueueName", "SourceArn"].iter().find_map(|name| text(&body, name));
        named.map_or_else(|| "*".to_owned(), |name| self.account.arn("sqs", last_part(name)))
    }

    /// The topic of a form.
    pub(super) fn topic(&self, head: &Parts, body: &[u8]) -> String {
        let form = Form::parse(head.uri.query().unwrap_or_default(), body);
        let named = ["TopicArn", "TargetArn", "SubscriptionArn", "ResourceArn", "Name"];
        let named = named.iter().find_map(|name| form.get(name));
        named.map_or_else(|| "*".to_owned(), |name| self.arn("sns", "", name))
    }

    /// The secret of a request in JSON; by its name if there is none.
    pub(super) fn secret(&self, body: &[u8]) -> String {
        let body = json(body);
        let named = ["SecretId", "Name"].iter().find_map(|name| text(&body, name));
        let arn = |id: &str| {
            self.secrets.arn_of(id).unwrap_or_else(|| self.arn("secretsmanager", "secret:", id))
        };
        named.map_or_else(|| "*".to_owned(), arn)
    }
}

/// The parameters of a request in JSON; null if it is none.
pub(super) fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

/// A parameter that is there and not empty.
pub(super) fn text<'a>(body: &'a Value, name: &str) -> Option<&'a str> {
    body.get(name)?.as_str().filter(|text| !text.is_empty())
}
