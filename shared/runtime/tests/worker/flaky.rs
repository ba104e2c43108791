//! A queue that counts requests, takes its time, and fails when told to.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use millrace_queue::memory::MemoryQueue;
use millrace_queue::{
    Depth, Entries, MAX_BATCH, Outgoing, Queue, QueueError, Queues, Receipt, Receive, Received,
};
use millrace_retry::RequestError;
use tokio::time::Instant;

/// A request that was made, in the order in which they ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Op {
    Receive(usize),
    Send(usize),
    Delete(usize),
    Change(Vec<Duration>),
}

/// How many of the next requests fail, each kind for itself.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    pub(crate) receives: AtomicUsize,
    pub(crate) sends: AtomicUsize,
    /// The messages are sent, but the answer is lost.
    pub(crate) send_answers: AtomicUsize,
    pub(crate) deletes: AtomicUsize,
    pub(crate) changes: AtomicUsize,
    /// Changes answer that the receipt has expired.
    pub(crate) expiries: AtomicUsize,
}

pub(crate) const ALWAYS: usize = usize::MAX / 2;

#[derive(Debug)]
pub(crate) struct Flaky {
    pub(crate) faults: Faults,
    pub(crate) latency: Mutex<Duration>,
    /// Of the next change of visibility alone.
    pub(crate) change_latency: Mutex<Duration>,
    ops: Mutex<Vec<(Instant, Op)>>,
    polling: AtomicUsize,
    left: AtomicUsize,
    pub(crate) most_polling: AtomicUsize,
    inner: Arc<MemoryQueue>,
}

impl Flaky {
    pub(crate) fn new(inner: Arc<MemoryQueue>) -> Self {
        Self {
            faults: Faults::default(),
            latency: Mutex::default(),
            change_latency: Mutex::default(),
            ops: Mutex::default(),
            polling: AtomicUsize::new(0),
            left: AtomicUsize::new(ALWAYS),
            most_polling: AtomicUsize::new(0),
            inner,
        }
    }

    pub(crate) fn ops(&self) -> Vec<Op> {
        self.ops.lock().unwrap().iter().map(|(_, op)| op.clone()).collect()
    }

    pub(crate) fn ops_since(&self, moment: Instant) -> Vec<Op> {
        let ops = self.ops.lock().unwrap();
        ops.iter().filter(|(at, _)| *at >= moment).map(|(_, op)| op.clone()).collect()
    }

    /// When the first such request ended.
    pub(crate) fn moment_of(&self, wanted: impl Fn(&Op) -> bool) -> Instant {
        let ops = self.ops.lock().unwrap();
        ops.iter().find(|(_, op)| wanted(op)).map(|(at, _)| *at).expect("it was made")
    }

    /// Refuses every receive after the next few.
    pub(crate) fn refuse_after(&self, receives: usize) {
        self.left.store(receives, Ordering::SeqCst);
    }

    pub(crate) fn polling(&self) -> usize {
        self.polling.load(Ordering::SeqCst)
    }

    /// Requests that SQS would have been sent.
    pub(crate) fn requests(&self) -> usize {
        let requests = |op: &Op| match op {
            Op::Receive(_) => 1,
            Op::Send(entries) | Op::Delete(entries) => entries.div_ceil(MAX_BATCH),
            Op::Change(changes) => changes.len().div_ceil(MAX_BATCH),
        };
        self.ops().iter().map(requests).sum()
    }

    fn ended(&self, op: Op) {
        self.ops.lock().unwrap().push((Instant::now(), op));
    }

    async fn on_the_way(&self) {
        let latency = *self.latency.lock().unwrap();
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
    }

    fn unavailable(&self) -> QueueError {
        QueueError::unavailable("test", self.inner.name(), "injected")
    }

    fn all_fail(&self, entries: usize, error: QueueError) -> Entries {
        vec![Err(error); entries]
    }
}

fn fails(fault: &AtomicUsize) -> bool {
    fault.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

/// Counts a poll for as long as it lives.
struct Polling<'a>(&'a AtomicUsize);

impl Drop for Polling<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Queue for Flaky {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn receive(&self, request: Receive) -> Result<Vec<Received>, QueueError> {
        let now = self.polling.fetch_add(1, Ordering::SeqCst) + 1;
        let _polling = Polling(&self.polling);
        self.most_polling.fetch_max(now, Ordering::SeqCst);
        self.on_the_way().await;
        if fails(&self.faults.receives) {
            self.ended(Op::Receive(0));
            return Err(self.unavailable());
        }
        if !fails(&self.left) {
            let (what, reason) = (self.name().to_owned(), "injected".to_owned());
            return Err(RequestError::Denied { action: "sqs:ReceiveMessage", what, reason }.into());
        }
        let received = self.inner.receive(request).await?;
        self.ended(Op::Receive(received.len()));
        Ok(received)
    }

    async fn send(&self, messages: &[Outgoing]) -> Entries {
        self.on_the_way().await;
        self.ended(Op::Send(messages.len()));
        if fails(&self.faults.sends) {
            return self.all_fail(messages.len(), self.unavailable());
        }
        let results = self.inner.send(messages).await;
        if fails(&self.faults.send_answers) {
            return self.all_fail(messages.len(), self.unavailable());
        }
        results
    }

    async fn delete(&self, receipts: &[Receipt]) -> Entries {
        self.on_the_way().await;
        self.ended(Op::Delete(receipts.len()));
        if fails(&self.faults.deletes) {
            return self.all_fail(receipts.len(), self.unavailable());
        }
        self.inner.delete(receipts).await
    }

    async fn change_visibility(&self, changes: &[(Receipt, Duration)]) -> Entries {
        let latency = std::mem::take(&mut *self.change_latency.lock().unwrap());
        tokio::time::sleep(latency).await;
        self.on_the_way().await;
        self.ended(Op::Change(changes.iter().map(|(_, visibility)| *visibility).collect()));
        if fails(&self.faults.changes) {
            return self.all_fail(changes.len(), self.unavailable());
        }
        if fails(&self.faults.expiries) {
            let (queue, reason) = (self.name().to_owned(), "injected".to_owned());
            return self.all_fail(changes.len(), QueueError::ReceiptExpired { queue, reason });
        }
        self.inner.change_visibility(changes).await
    }

    async fn depth(&self) -> Result<Depth, QueueError> {
        self.inner.depth().await
    }
}

/// Flaky queues by name.
#[derive(Debug, Default)]
pub(crate) struct FlakyQueues(pub(crate) HashMap<String, Arc<Flaky>>);

#[async_trait]
impl Queues for FlakyQueues {
    async fn queue(&self, name: &str) -> Result<Arc<dyn Queue>, QueueError> {
        let missing = || QueueError::not_found(name);
        Ok(self.0.get(name).cloned().ok_or_else(missing)?)
    }
}
