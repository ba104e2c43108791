//! The agent of ECS, as a task reaches it: protection from being stopped when
//! the service is scaled in or deployed.
//!
//! Source: "Amazon ECS task scale-in protection endpoint", ECS Developer Guide.

use std::time::Duration;

use millrace_http::{HttpError, Method, send};
use serde_json::{Value, json};
use thiserror::Error;

/// Where the agent is (set in every container of a task).
const VARIABLE: &str = "ECS_AGENT_URI";

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Minutes of protection that ECS takes: up to 48 hours.
const MINUTES: std::ops::RangeInclusive<u64> = 1..=2_880;

/// The agent beside this task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    uri: String,
}

/// The agent did not do it.
#[derive(Debug, Error)]
pub enum AgentError {
    /// It gave no answer.
    #[error("the agent of ECS can't be asked: {0}")]
    Unanswered(#[from] HttpError),
    /// It refused, or ECS behind it.
    #[error(
        "the agent of ECS answered {status}: {reason}; the task role needs \
         `ecs:UpdateTaskProtection` and `ecs:GetTaskProtection`"
    )]
    Refused {
        /// The status.
        status: u16,
        /// Its words.
        reason: String,
    },
    /// This task is none that can be protected.
    #[error("ECS protects tasks of services only, and says of this one: {0}")]
    NotProtectable(String),
}

impl Agent {
    /// The agent that the environment names; none outside of ECS.
    pub fn from_environment() -> Option<Self> {
        let uri = std::env::var(VARIABLE).ok().filter(|uri| !uri.is_empty())?;
        Some(Self::at(uri))
    }

    /// The agent at an address, as in `ECS_AGENT_URI`.
    pub fn at(uri: impl Into<String>) -> Self {
        Self { uri: uri.into() }
    }

    /// Protects this task for `lasting`, in whole minutes rounded up; or, with
    /// none, no longer.
    ///
    /// # Errors
    /// [`AgentError`] if it is not so; whatever protection there was remains.
    pub async fn protect(&self, lasting: Option<Duration>) -> Result<(), AgentError> {
        let wanted = match lasting {
            Some(lasting) => {
                let minutes = lasting.as_secs().div_ceil(60);
                let minutes = minutes.clamp(*MINUTES.start(), *MINUTES.end());
                json!({"ProtectionEnabled": true, "ExpiresInMinutes": minutes})
            }
            None => json!({"ProtectionEnabled": false}),
        };
        let url = format!("{}/task-protection/v1/state", self.uri.trim_end_matches('/'));
        let body = wanted.to_string().into_bytes();
        let answer = send(Method::PUT, &url, &[], body, PATIENCE).await?;
        let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if let Some(reason) = said["failure"]["Reason"].as_str() {
            return Err(AgentError::NotProtectable(reason.to_owned()));
        }
        match answer.is_success() && said["error"].is_null() {
            true => Ok(()),
            false => Err(AgentError::Refused { status: answer.status, reason: answer.brief() }),
        }
    }
}
