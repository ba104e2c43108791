//! Where a database's URL comes from: an environment variable, a file or a
//! secret, as it should, or the pipeline file itself, for trying things out.

use std::fmt;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use crate::entry::Entry;
use crate::secret::SecretName;

/// A database URL, or where to find it. Its debug form shows no password.
#[derive(Debug, Clone)]
pub enum UrlSource {
    /// In the environment variable of this name (`env:NAME`).
    Env(String),
    /// In this file, alone but for white space around it (`file:/path`).
    File(PathBuf),
    /// In AWS Secrets Manager (`secretsmanager:NAME`).
    Secret(SecretName),
    /// In the pipeline file itself.
    Literal(SecretString),
}

/// A URL, or the secret that has to be asked for it.
#[derive(Debug, Clone)]
pub enum Resolved<'a> {
    /// The URL.
    Url(SecretString),
    /// Its place in AWS Secrets Manager, where only the caller can look.
    Secret(&'a SecretName),
}

/// There is no URL where the pipeline file says that it is.
#[derive(Debug, Error)]
pub enum UrlMissing {
    /// The variable that should hold it does not.
    #[error("the variable `{0}` is not set; the pipeline file expects a database URL in it")]
    Variable(String),
    /// The file that should hold it can't be read.
    #[error("file `{}`, which the pipeline file expects a database URL in, can't be read: {source}",
        path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file that should hold it is empty.
    #[error("file `{}` is empty; the pipeline file expects a database URL in it", .0.display())]
    Empty(PathBuf),
}

impl UrlSource {
    /// The variable that holds the URL unless the file says otherwise.
    pub const DEFAULT_VARIABLE: &str = "DATABASE_URL";

    /// The environment variable that holds it, if one does.
    pub(crate) fn variable(&self) -> Option<String> {
        match self {
            Self::Env(name) => Some(name.clone()),
            Self::Literal(_) | Self::File(_) | Self::Secret(_) => None,
        }
    }

    /// The secret that holds it, if one does.
    pub(crate) fn secret(&self) -> Option<&SecretName> {
        match self {
            Self::Secret(name) => Some(name),
            Self::Env(_) | Self::File(_) | Self::Literal(_) => None,
        }
    }

    /// The URL as it is now: a file is read each time, so that a password that
    /// was changed there is found.
    ///
    /// # Errors
    /// [`UrlMissing`], which names the place and never what is in it.
    pub fn resolve(&self) -> Result<Resolved<'_>, UrlMissing> {
        match self {
            Self::Literal(url) => Ok(Resolved::Url(url.clone())),
            Self::Env(name) => match std::env::var(name) {
                Ok(url) if !url.is_empty() => Ok(Resolved::Url(url.into())),
                _ => Err(UrlMissing::Variable(name.clone())),
            },
            Self::File(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|source| UrlMissing::File { path: path.clone(), source })?;
                match text.trim() {
                    "" => Err(UrlMissing::Empty(path.clone())),
                    url => Ok(Resolved::Url(url.to_owned().into())),
                }
            }
            Self::Secret(name) => Ok(Resolved::Secret(name)),
        }
    }

    /// Whether the URL is known to begin with a scheme such as `redshift`: of a
    /// variable that is not set, or a secret, there is no telling.
    pub fn is(&self, scheme: &str) -> bool {
        match self.resolve() {
            Ok(Resolved::Url(url)) => url.expose_secret().split(':').next() == Some(scheme),
            Ok(Resolved::Secret(_)) | Err(_) => false,
        }
    }

    /// Reads `url = "env:NAME"`, `file:/path`, `secretsmanager:NAME` or a URL.
    pub(crate) fn read(entry: &Entry<'_>) -> Option<Self> {
        let text = entry.text()?;
        if let Some(name) = text.strip_prefix("env:") {
            return variable(name, entry);
        }
        if let Some(path) = text.strip_prefix("file:") {
            return file(path, entry);
        }
        if let Some(name) = text.strip_prefix("secretsmanager:") {
            let secret = SecretName::parse(name);
            if secret.is_none() {
                entry.note_with(
                    "this does not name a secret",
                    "write `secretsmanager:` and its name or ARN, then `#KEY` if it is one of \
                     several in the secret's JSON",
                );
            }
            return secret.map(Self::Secret);
        }
        let scheme = text.split(':').next().unwrap_or_default();
        match scheme {
            // Loads into Redshift are planned and shown, but not run yet.
            "postgres" | "postgresql" | "mysql" | "mariadb" | "sqlite" | "redshift" => {
                Some(Self::Literal(text.to_owned().into()))
            }
            _ => {
                let hint = "write postgres://…, mysql://…, sqlite://…, env:NAME, file:/path or \
                            secretsmanager:NAME";
                entry.note_with("this is not the URL of a database", hint);
                None
            }
        }
    }
}

fn file(path: &str, entry: &Entry<'_>) -> Option<UrlSource> {
    if !path.starts_with('/') {
        entry.note_with(
            format!("`{path}` is not an absolute path"),
            "write `file:` and the whole path, as in `file:/run/secrets/database-url`",
        );
        return None;
    }
    Some(UrlSource::File(path.into()))
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
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Secret(name) => write!(f, "secretsmanager:{name}"),
            Self::Literal(url) => {
                let scheme = url.expose_secret().split(':').next().unwrap_or_default();
                write!(f, "{scheme}:// (from the file)")
            }
        }
    }
}
