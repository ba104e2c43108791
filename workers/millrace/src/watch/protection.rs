//! The runtime's port to protect its task, answered by the agent of ECS.

use std::time::Duration;

use async_trait::async_trait;
use millrace_runtime::{ProtectionError, TaskProtection};
use millrace_services::Agent;

/// Protects the task that this process is in.
pub(super) struct ByAgent(pub(super) Agent);

#[async_trait]
impl TaskProtection for ByAgent {
    async fn protect(&self, lasting: Option<Duration>) -> Result<(), ProtectionError> {
        self.0.protect(lasting).await.map_err(ProtectionError::new)
    }
}
