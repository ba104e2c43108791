//! What a stage implements.

use async_trait::async_trait;

use crate::{Delivery, Failure, Lease, Outcome};

/// A stage: turns one message into effects and says what happened.
///
/// Messages are delivered at least once, and two workers may hold the same one:
/// effects must be idempotent, and `lease` must be checked right before a
/// commit. A panic is contained and dead-letters the message.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Handles one message. The future is dropped when the worker's stop
    /// timeout ends first; the message is then handed back.
    async fn handle(&self, delivery: &Delivery, lease: &Lease) -> Outcome;

    /// Whether a message costs so little memory and time of its own that it need
    /// not wait for one of the worker's turns. Such messages are handled as they
    /// come, as many as are in hand, so that what they do can be done together.
    fn is_small(&self, _delivery: &Delivery) -> bool {
        false
    }

    /// Told once, when the worker begins to stop: what waits for other messages
    /// need not wait any longer, since none will come. Must return at once.
    fn stopping(&self) {}

    /// Asked, with pauses, after a failure of class outage: has what was down
    /// come back? No messages are received until it has.
    ///
    /// # Errors
    /// Whatever still keeps messages from being handled.
    async fn probe(&self) -> Result<(), Failure> {
        Ok(())
    }
}
