//! One queue in memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use millrace_retry::RequestError;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::state::{State, Stored, Unchanged};
use crate::batch::{MAX_BATCH, MAX_BATCH_BYTES};
use crate::error::named;
use crate::{Depth, Entries, Outgoing, Queue, QueueError, QueueSpec, Receipt, Receive, Received};

/// One queue in memory.
#[derive(Debug)]
pub struct MemoryQueue {
    name: String,
    settings: Mutex<Settings>,
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Settings {
    max_message_size: usize,
    redrive: Option<(u32, Arc<MemoryQueue>)>,
}

impl MemoryQueue {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            settings: Mutex::default(),
            state: Mutex::default(),
            arrived: Notify::new(),
        }
    }

    pub(super) fn configure(&self, spec: &QueueSpec, dead_letters: Option<Arc<MemoryQueue>>) {
        let max = spec.redrive.as_ref().map(|redrive| redrive.max_receive_count);
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = Settings {
            max_message_size: usize::try_from(spec.max_message_size).unwrap_or(MAX_BATCH_BYTES),
            redrive: max.zip(dead_letters),
        };
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn redrive(&self) -> Option<(u32, Arc<MemoryQueue>)> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner).redrive.clone()
    }

    fn insert(&self, stored: Stored) {
        self.state().insert(stored);
        self.arrived.notify_waiters();
    }

    /// What is visible now, at most `request.max` messages.
    fn take(&self, request: Receive) -> Vec<Received> {
        let redrive = self.redrive();
        let max_receive_count = redrive.as_ref().map(|(max, _)| *max);
        let mut redriven = Vec::new();
        let mut taken = Vec::new();
        {
            let mut state = self.state();
            while taken.len() < request.max.clamp(1, MAX_BATCH) {
                let next =
                    state.receive(&self.name, request.visibility, max_receive_count, &mut redriven);
                let Some(received) = next else { break };
                taken.push(received);
            }
        }
        if let Some((_, dead_letters)) = redrive {
            redriven.into_iter().for_each(|stored| dead_letters.insert(stored.redriven()));
        }
        taken
    }

    /// The message and receive that a receipt names.
    fn named(&self, receipt: &Receipt) -> Result<(u64, u32), QueueError> {
        let parts = receipt.as_str().strip_prefix(&self.name).and_then(|rest| {
            let (id, count) = rest.strip_prefix(':')?.split_once(':')?;
            Some((id.parse().ok()?, count.parse().ok()?))
        });
        parts.ok_or_else(|| self.expired("the receipt handle is not of this queue"))
    }

    fn expired(&self, reason: &str) -> QueueError {
        QueueError::ReceiptExpired { queue: self.name.clone(), reason: reason.to_owned() }
    }

    fn send_one(&self, message: &Outgoing) -> Result<(), QueueError> {
        let limit = self.settings.lock().unwrap_or_else(PoisonError::into_inner).max_message_size;
        let bytes = message.bytes();
        if bytes > limit {
            return Err(QueueError::TooLarge { queue: self.name.clone(), bytes, limit });
        }
        if message.body.is_empty() || message.attributes.len() > 10 {
            return Err(self.invalid("sqs:SendMessage", "a body and at most ten attributes"));
        }
        self.insert(Stored::new(message));
        Ok(())
    }

    fn invalid(&self, action: &'static str, expected: &str) -> QueueError {
        let reason = format!("expected {expected}");
        RequestError::Invalid { action, what: named(&self.name), reason }.into()
    }

    fn change_one(&self, receipt: &Receipt, visibility: Duration) -> Result<(), QueueError> {
        let (id, count) = self.named(receipt)?;
        let changed = self.state().change_visibility(id, count, visibility);
        changed.map_err(|unchanged| match unchanged {
            Unchanged::NotInFlight => self.expired("the message is not in flight"),
            Unchanged::HeldTooLong => {
                self.invalid("sqs:ChangeMessageVisibility", "an end within 12 hours of the receive")
            }
        })?;
        self.arrived.notify_waiters();
        Ok(())
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    fn name(&self) -> &str {
        &self.name
    }

    async fn receive(&self, request: Receive) -> Result<Vec<Received>, QueueError> {
        let deadline = Instant::now() + request.wait;
        loop {
            let arrived = self.arrived.notified();
            let taken = self.take(request);
            if !taken.is_empty() || Instant::now() >= deadline {
                return Ok(taken);
            }
            let visible = self.state().next_visible().unwrap_or(deadline);
            tokio::select! {
                () = arrived => {}
                () = tokio::time::sleep_until(visible.min(deadline)) => {}
            }
        }
    }

    async fn send(&self, messages: &[Outgoing]) -> Entries {
        messages.iter().map(|message| self.send_one(message)).collect()
    }

    async fn delete(&self, receipts: &[Receipt]) -> Entries {
        let delete = |receipt| {
            let (id, count) = self.named(receipt)?;
            self.state().delete(id, count);
            Ok(())
        };
        receipts.iter().map(delete).collect()
    }

    async fn change_visibility(&self, changes: &[(Receipt, Duration)]) -> Entries {
        changes.iter().map(|(receipt, visibility)| self.change_one(receipt, *visibility)).collect()
    }

    async fn depth(&self) -> Result<Depth, QueueError> {
        Ok(self.state().depth())
    }
}
