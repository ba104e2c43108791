//! The name of a secret in AWS Secrets Manager, and the URL that is in it.

use std::fmt::{self, Write as _};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

/// A secret by name or ARN, and which part of it: `NAME[?OPTIONS][#KEY]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretName {
    /// Name or ARN.
    pub id: String,
    /// Added to the URL, as `sslmode=verify-full`.
    options: Option<String>,
    /// The key of the secret's JSON object whose value is the URL.
    key: Option<String>,
}

/// The secret holds no URL. What it holds is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NoUrl {
    /// It has no such key.
    #[error("it has no such key with a text as its value")]
    Key,
    /// It is neither a URL nor JSON with what makes one.
    #[error(
        "it is neither a database URL nor JSON with `engine`, `username`, `password` and `host`"
    )]
    Form,
    /// The database is of a kind that can't be loaded into.
    #[error("its `engine` is no database that this version loads into")]
    Engine,
}

/// What RDS and its rotation keep in a secret ("JSON structure of AWS Secrets
/// Manager database credential secrets").
#[derive(Deserialize)]
struct Credentials {
    engine: String,
    username: String,
    password: String,
    host: String,
    #[serde(default)]
    port: Option<Value>,
    #[serde(default)]
    dbname: Option<String>,
}

impl SecretName {
    /// Takes `NAME[?OPTIONS][#KEY]` apart; nothing if there is no name, or one
    /// that Secrets Manager would not take.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (text, key) = split(text, '#')?;
        let (id, options) = split(text, '?')?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-:!".contains(c);
        (!id.is_empty() && id.chars().all(plain)).then(|| Self { id: id.to_owned(), options, key })
    }

    /// The URL in the secret's text: the text itself, the value of the key, or
    /// one made of what RDS keeps.
    ///
    /// # Errors
    /// [`NoUrl`].
    pub fn url(&self, secret: &SecretString) -> Result<SecretString, NoUrl> {
        let text = secret.expose_secret().trim();
        let mut url = match (&self.key, serde_json::from_str::<Value>(text)) {
            (Some(key), Ok(Value::Object(object))) => {
                object.get(key).and_then(Value::as_str).ok_or(NoUrl::Key)?.to_owned()
            }
            (Some(_), _) => return Err(NoUrl::Key),
            (None, Ok(json)) => {
                let credentials: Credentials =
                    serde_json::from_value(json).map_err(|_| NoUrl::Form)?;
                credentials.url().ok_or(NoUrl::Engine)?
            }
            (None, Err(_)) if text.contains("://") => text.to_owned(),
            (None, Err(_)) => return Err(NoUrl::Form),
        };
        if let Some(options) = &self.options {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(options);
        }
        Ok(url.into())
    }
}

impl Credentials {
    fn url(&self) -> Option<String> {
        let scheme = match self.engine.as_str() {
            "postgres" | "postgresql" | "aurora-postgresql" => "postgres",
            "mysql" | "aurora-mysql" | "mariadb" => "mysql",
            _ => return None,
        };
        let mut url = format!("{scheme}://{}:{}@", escape(&self.username), escape(&self.password));
        url.push_str(&self.host);
        match &self.port {
            Some(Value::Number(port)) => _ = write!(url, ":{port}"),
            Some(Value::String(port)) if !port.is_empty() => _ = write!(url, ":{port}"),
            Some(_) | None => {}
        }
        if let Some(name) = &self.dbname {
            url.push('/');
            url.push_str(&escape(name));
        }
        Some(url)
    }
}

/// All but RFC 3986's unreserved characters as `%XX`.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                escaped.push(char::from(byte));
            }
            _ => _ = write!(escaped, "%{byte:02X}"),
        }
    }
    escaped
}

/// What is before the mark, and what is after it: nothing there is an error.
fn split(text: &str, mark: char) -> Option<(&str, Option<String>)> {
    match text.split_once(mark) {
        None => Some((text, None)),
        Some((_, "")) => None,
        Some((before, after)) => Some((before, Some(after.to_owned()))),
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)?;
        self.options.iter().try_for_each(|options| write!(f, "?{options}"))?;
        self.key.iter().try_for_each(|key| write!(f, "#{key}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(name: &str, secret: &str) -> Result<String, NoUrl> {
        let name = SecretName::parse(name).expect("a name");
        name.url(&secret.to_owned().into()).map(|url| url.expose_secret().to_owned())
    }

    #[test]
    fn the_credentials_that_rds_keeps_make_a_url() {
        let secret = r#"{"username":"ann","password":"p@ss/w:rd é","engine":"postgres",
            "host":"db.example","port":5432,"dbname":"finance"}"#;
        let expected = "postgres://ann:p%40ss%2Fw%3Ard%20%C3%A9@db.example:5432/finance";
        assert_eq!(url("prod/db", secret).expect("a URL"), expected);
        let with = url("prod/db?sslmode=verify-full", secret).expect("a URL");
        assert_eq!(with, format!("{expected}?sslmode=verify-full"));
        assert_eq!(url("db", &secret.replace("postgres", "oracle")), Err(NoUrl::Engine));
    }

    #[test]
    fn a_secret_may_be_the_url_or_have_it_under_a_key() {
        assert_eq!(url("a", "postgres://u:p@h/d\n").expect("a URL"), "postgres://u:p@h/d");
        let secret = r#"{"main":"postgres://u:p@h/d?x=1","n":1}"#;
        assert_eq!(url("a?y=2#main", secret).expect("a URL"), "postgres://u:p@h/d?x=1&y=2");
        assert_eq!(url("a#n", secret), Err(NoUrl::Key));
        assert_eq!(url("a#other", secret), Err(NoUrl::Key));
        assert_eq!(url("a", secret), Err(NoUrl::Form));
        assert_eq!(url("a", "hunter2"), Err(NoUrl::Form));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf#main";
        assert_eq!(SecretName::parse(arn).expect("a name").to_string(), arn);
        for text in ["", "#key", "a#", "a?", "two words"] {
            assert_eq!(SecretName::parse(text), None, "{text}");
        }
    }
}
