//! Where a database's URL comes from, so that it can be asked for again: a
//! password that is rotated must not need a restart.

use std::error::Error;
use std::fmt::Debug;

use async_trait::async_trait;
use secrecy::SecretString;

/// Knows a database's URL as it is now.
#[async_trait]
pub trait CurrentUrl: Debug + Send + Sync {
    /// The URL, from where it is kept.
    ///
    /// # Errors
    /// Why there is none, in words that hold no secret.
    async fn url(&self) -> Result<SecretString, Box<dyn Error + Send + Sync>>;
}
