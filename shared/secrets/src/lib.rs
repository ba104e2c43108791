//! Database URLs from where the pipeline file says that they are kept. This is
//! the only crate that names the Secrets Manager SDK, and no error of it holds
//! what a secret holds.

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{DisplayErrorContext, SdkError};
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use millrace_pipeline::{NoUrl, Resolved, SecretName, UrlMissing, UrlSource};
use secrecy::SecretString;
use thiserror::Error;

/// There is no database URL where it should be.
#[derive(Debug, Error)]
pub enum SecretError {
    /// The variable or the file does not have it.
    #[error(transparent)]
    Missing(#[from] UrlMissing),
    /// The secret could not be read.
    #[error(
        "secret `{name}` can't be read: {reason}; the role needs \
        `secretsmanager:GetSecretValue` on it"
    )]
    Unreadable {
        /// Its name, as the pipeline file has it.
        name: SecretName,
        /// What Secrets Manager says.
        reason: String,
    },
    /// The secret holds no URL.
    #[error("secret `{name}` is of no use as a database URL: {why}")]
    NoUrl {
        /// Its name, as the pipeline file has it.
        name: SecretName,
        /// Why not.
        why: NoUrl,
    },
}

/// The URL that a source holds now. `aws` is only asked for where the source is
/// a secret.
///
/// # Errors
/// [`SecretError`], which names the source and never what is in it.
pub async fn url<F>(source: &UrlSource, aws: F) -> Result<SecretString, SecretError>
where
    F: AsyncFnOnce() -> SdkConfig,
{
    let name = match source.resolve()? {
        Resolved::Url(url) => return Ok(url),
        Resolved::Secret(name) => name,
    };
    let text = read(&Client::new(&aws().await), name).await?;
    name.url(&text).map_err(|why| SecretError::NoUrl { name: name.clone(), why })
}

async fn read(client: &Client, name: &SecretName) -> Result<SecretString, SecretError> {
    let unreadable = |reason| SecretError::Unreadable { name: name.clone(), reason };
    let answer = client.get_secret_value().secret_id(&name.id).send().await;
    let answer = answer.map_err(|error| unreadable(reason(&error)))?;
    let text = answer.secret_string.ok_or_else(|| unreadable("it is binary".to_owned()))?;
    Ok(text.into())
}

fn reason(error: &SdkError<GetSecretValueError>) -> String {
    match error.as_service_error() {
        Some(answer) => answer.to_string(),
        None => DisplayErrorContext(error).to_string(),
    }
}
