//! Where a database's URL comes from: an environment variable, as it should, or
//! the file itself, for trying things out.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use crate::entry::Entry;

/// A database URL, or where to find it. Its debug form shows no password.
#[derive(Debug, Clone)]
pub enum UrlSource {
    /// In the environment variable of this name (`env:NAME`).
    Env(String),
    /// In the pipeline file itself.
    Literal(SecretString),
}

/// The variable that should hold a URL does not.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the variable `{0}` is not set; the pipeline file expects a database URL in it")]
pub struct UnsetVariable(pub String);

impl UrlSource {
    /// The variable that holds the URL unless the file says otherwise.
    pub const DEFAULT_VARIABLE: &str = "DATABASE_URL";

    /// The environment variable that holds it, if one does.
    pub(crate) fn variable(&self) -> Option<String> {
        match self {
            Self::Env(name) => Some(name.clone()),
            Self::Literal(_) => None,
        }
    }

    /// The URL, read from the environment if it is there.
    ///
    /// # Errors
    /// [`UnsetVariable`] if the variable is unset or empty.
    pub fn resolve(&self) -> Result<SecretString, UnsetVariable> {
        match self {
            Self::Literal(url) => Ok(url.clone()),
            Self::Env(name) => match std::env::var(name) {
                Ok(url) if !url.is_empty() => Ok(url.into()),
                _ => Err(UnsetVariable(name.clone())),
            },
        }
    }

    /// Reads `url = "env:NAME"` or a URL.
    pub(crate) fn read(entry: &Entry<'_>) -> Option<Self> {
        let text = entry.text()?;
        if let Some(name) = text.strip_prefix("env:") {
            return variable(name, entry);
        }
        let scheme = text.split(':').next().unwrap_or_default();
        match scheme {
            "postgres" | "postgresql" | "sqlite" => Some(Self::Literal(text.to_owned().into())),
            "mysql" | "mariadb" | "redshift" => {
                let hint = "write postgres://…, sqlite://… or env:NAME";
                entry.note_with(format!("`{scheme}:` is not available in this version"), hint);
                None
            }
            _ => {
                let hint = "write postgres://…, sqlite://… or env:NAME";
                entry.note_with("this is not the URL of a database", hint);
                None
            }
        }
    }
}

fn variable(name: &str, entry: &Entry<'_>) -> Option<UrlSource> {
    let word = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !word || name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        entry.note_with(
            format!("`{name}` is not the name of a variable"),
            "write `env:` and the variable's name, as in `env:DATABASE_URL`",
        );
        return None;
    }
    Some(UrlSource::Env(name.to_owned()))
}

impl Default for UrlSource {
    fn default() -> Self {
        Self::Env(Self::DEFAULT_VARIABLE.to_owned())
    }
}

impl fmt::Display for UrlSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::Literal(url) => {
                let scheme = url.expose_secret().split(':').next().unwrap_or_default();
                write!(f, "{scheme}:// (from the file)")
            }
        }
    }
}
