//! Where a database is, as something that can be asked again: a rotated
//! password is found where the old one was.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use millrace_ledger::{CurrentUrl, Database, Durability};
use millrace_pipeline::{UrlMissing, UrlSource};
use millrace_secrets::SecretError;
use secrecy::{ExposeSecret, SecretString};

use crate::exit::Usage;
use crate::setup::aws;

/// The place of a database's URL.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) source: UrlSource,
    /// The SQLite file of a local stack, for where the variable is not set.
    pub(crate) local: Option<PathBuf>,
    /// Whether what is meant is the ledger beside a SQLite warehouse.
    pub(crate) beside: bool,
}

impl Place {
    /// Connects, and asks for the URL again whenever the login is refused.
    /// `durability` is what commits to a SQLite file have to survive.
    ///
    /// # Errors
    /// [`Usage`] if there is no URL where it should be, or what the database says.
    pub(crate) async fn connect_for(
        self,
        connections: u32,
        durability: Durability,
    ) -> anyhow::Result<Database> {
        let url = self.read().await?;
        let database = Database::connect_for(&url, connections, durability).await?;
        Ok(database.renewed_by(Arc::new(self)))
    }

    async fn read(&self) -> anyhow::Result<SecretString> {
        let url = match (millrace_secrets::url(&self.source, aws).await, &self.local) {
            (Ok(url), _) => url,
            (Err(SecretError::Missing(UrlMissing::Variable(_))), Some(local)) => {
                format!("sqlite://{}", std::path::absolute(local)?.display()).into()
            }
            (Err(unset @ SecretError::Missing(UrlMissing::Variable(_))), None) => {
                return Err(Usage(format!(
                    "{unset}; set it, or name the folder of a local stack with `--data`"
                ))
                .into());
            }
            (Err(error @ SecretError::Missing(_)), _) => {
                return Err(Usage(error.to_string()).into());
            }
            (Err(error @ (SecretError::Unreadable { .. } | SecretError::NoUrl { .. })), _) => {
                return Err(error.into());
            }
        };
        Ok(match self.beside {
            true => beside(url.expose_secret()).map_or(url, SecretString::from),
            false => url,
        })
    }
}

#[async_trait]
impl CurrentUrl for Place {
    async fn url(&self) -> Result<SecretString, Box<dyn Error + Send + Sync>> {
        self.read().await.map_err(|error| format!("{error:#}").into())
    }
}

/// `sqlite://…/warehouse.db` → `sqlite://…/warehouse.ledger.db`; nothing for
/// other databases.
fn beside(url: &str) -> Option<String> {
    let path = url.strip_prefix("sqlite:")?;
    let (path, query) =
        path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let (stem, ending) = match path.rsplit_once('.') {
        Some((stem, ending)) if !ending.contains('/') => (stem, ending),
        _ => (path, "db"),
    };
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    Some(format!("sqlite:{stem}.ledger.{ending}{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlite_ledger_lies_beside_its_warehouse() {
        let beside = |url| beside(url).expect("sqlite");
        assert_eq!(beside("sqlite:///a/b.db"), "sqlite:///a/b.ledger.db");
        assert_eq!(beside("sqlite:///a.d/b"), "sqlite:///a.d/b.ledger.db");
        assert_eq!(beside("sqlite:b.db?mode=rwc"), "sqlite:b.ledger.db?mode=rwc");
        assert_eq!(super::beside("postgres://h/d"), None);
    }
}
