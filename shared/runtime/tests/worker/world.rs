//! A queue, its dead-letter queue, the next stage's queue, and a worker.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use millrace_queue::memory::Memory;
use millrace_queue::{Depth, Outgoing, Queue, QueueSpec, Receive, Received};
use millrace_retry::FailureClass;
use millrace_runtime::{
    DeadCopy, DeadLetter, Delivery, Done, Failure, FailureLog, FailureLogError, Forward, Handler,
    Lease, Outcome, Standing, Summary, Worker, WorkerConfig,
};
use tokio::time::sleep;

use crate::flaky::{Flaky, FlakyQueues};

pub(crate) const VISIBILITY: Duration = Duration::from_secs(30);
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MAX_RECEIVES: u32 = 3;

pub(crate) struct World {
    pub(crate) queue: Arc<Flaky>,
    pub(crate) dead_letters: Arc<Flaky>,
    pub(crate) next: Arc<Flaky>,
    pub(crate) failures: Arc<Failures>,
    pub(crate) config: WorkerConfig,
}

impl World {
    pub(crate) fn new() -> Self {
        let memory = Memory::new();
        let make = |spec: QueueSpec| Arc::new(Flaky::new(memory.ensure_queue(&spec).unwrap()));
        let dead_letters = make(QueueSpec::new("in-dlq"));
        let mut config = WorkerConfig::new("test", "in").visibility(VISIBILITY);
        config.max_receive_count = MAX_RECEIVES;
        Self {
            queue: make(QueueSpec::new("in").redrive("in-dlq", MAX_RECEIVES)),
            next: make(QueueSpec::new("next")),
            dead_letters,
            failures: Arc::default(),
            config,
        }
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut WorkerConfig)) -> Self {
        change(&mut self.config);
        self
    }

    pub(crate) async fn fill(&self, messages: usize) {
        let bodies: Vec<_> = (0..messages).map(|n| Outgoing::new(format!("m{n}"))).collect();
        for result in self.queue.send(&bodies).await {
            result.unwrap();
        }
    }

    pub(crate) fn worker(&self, handler: impl Handler) -> Worker {
        let queues = [&self.queue, &self.dead_letters, &self.next]
            .map(|queue| (queue.name().to_owned(), Arc::clone(queue)));
        Worker::new(
            self.config.clone(),
            Arc::new(FlakyQueues(HashMap::from(queues))),
            Arc::new(handler),
            Arc::clone(&self.failures) as Arc<dyn FailureLog>,
        )
    }

    /// Runs a worker that is told to stop after a while.
    pub(crate) async fn run(&self, handler: impl Handler, time: Duration) -> Summary {
        self.worker(handler).run(sleep(time)).await.unwrap()
    }

    pub(crate) async fn depth(&self) -> Depth {
        self.queue.depth().await.unwrap()
    }

    pub(crate) async fn received_from(&self, queue: &Flaky) -> Vec<Received> {
        let request = Receive { max: 10, wait: Duration::ZERO, visibility: VISIBILITY };
        let mut all = Vec::new();
        loop {
            let received = queue.receive(request).await.unwrap();
            if received.is_empty() {
                return all;
            }
            all.extend(received);
        }
    }
}

type Handling = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// A handler made of closures that remembers what it was given.
pub(crate) struct Scripted {
    handle: Box<dyn Fn(Delivery, Lease) -> Handling + Send + Sync>,
    probe: Box<dyn Fn() -> Result<(), Failure> + Send + Sync>,
    small: bool,
    seen: Arc<Mutex<Vec<(String, u32)>>>,
}

/// What a handler was given: bodies and receive counts.
pub(crate) type Seen = Arc<Mutex<Vec<(String, u32)>>>;

impl Scripted {
    pub(crate) fn new<Running>(
        handle: impl Fn(Delivery, Lease) -> Running + Send + Sync + 'static,
    ) -> Self
    where
        Running: Future<Output = Outcome> + Send + 'static,
    {
        Self {
            handle: Box::new(move |delivery, lease| Box::pin(handle(delivery, lease))),
            probe: Box::new(|| Ok(())),
            small: false,
            seen: Arc::default(),
        }
    }

    pub(crate) fn probed(
        mut self,
        probe: impl Fn() -> Result<(), Failure> + Send + Sync + 'static,
    ) -> Self {
        self.probe = Box::new(probe);
        self
    }

    /// All messages are small.
    pub(crate) fn small(mut self) -> Self {
        self.small = true;
        self
    }

    pub(crate) fn seen(&self) -> Seen {
        Arc::clone(&self.seen)
    }
}

#[async_trait]
impl Handler for Scripted {
    async fn handle(&self, delivery: &Delivery, lease: &Lease) -> Outcome {
        self.seen.lock().unwrap().push((delivery.body.clone(), delivery.receive_count));
        (self.handle)(delivery.clone(), lease.clone()).await
    }

    fn is_small(&self, _: &Delivery) -> bool {
        self.small
    }

    async fn probe(&self) -> Result<(), Failure> {
        (self.probe)()
    }
}

pub(crate) fn done() -> Outcome {
    Outcome::Done(Done::new("done"))
}

pub(crate) fn forwarded(body: &str) -> Outcome {
    Outcome::Done(Done::new("done").forward(Forward::new("next", body)))
}

pub(crate) fn failed(class: FailureClass) -> Outcome {
    Outcome::Failed(Failure::new(class, "it is so"))
}

/// Does nothing, successfully.
pub(crate) fn no_op() -> Scripted {
    Scripted::new(|_, _| async { done() })
}

/// Takes a while.
pub(crate) fn sleeps(duration: Duration) -> Scripted {
    Scripted::new(move |_, _| async move {
        sleep(duration).await;
        done()
    })
}

/// Recorded dead letters.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    pub(crate) letters: Mutex<Vec<DeadLetter>>,
    /// How many of the next records fail.
    pub(crate) fail: AtomicUsize,
    /// Message ids of letters that were dealt with.
    pub(crate) over: Mutex<Vec<String>>,
    /// Redrives that were handled.
    pub(crate) handled_again: Mutex<Vec<String>>,
}

#[async_trait]
impl FailureLog for Failures {
    async fn record(&self, dead_letter: &DeadLetter) -> Result<(), FailureLogError> {
        let injected =
            self.fail.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if injected.is_ok() {
            return Err(FailureLogError::new("injected"));
        }
        self.letters.lock().unwrap().push(dead_letter.clone());
        Ok(())
    }

    async fn adopt(&self, dead_letter: &DeadLetter) -> Result<(), FailureLogError> {
        self.record(dead_letter).await
    }

    async fn open(&self, queue: &str) -> Result<u64, FailureLogError> {
        let letters = self.letters();
        let open = |letter: &&DeadLetter| letter.queue == queue && !self.is_over(letter);
        Ok(letters.iter().filter(open).count() as u64)
    }

    async fn standing(
        &self,
        queue: &str,
        copies: &[DeadCopy],
    ) -> Result<Vec<Standing>, FailureLogError> {
        let letters = self.letters();
        let is_meant = |letter: &DeadLetter, copy: &DeadCopy| {
            let by_body = copy.body.as_ref().is_some_and(|body| *body == letter.body);
            letter.queue == queue && (letter.message_id == copy.message_id || by_body)
        };
        let standing = |copy| match letters.iter().find(|letter| is_meant(letter, copy)) {
            None => Standing::Unknown,
            Some(letter) if self.is_over(letter) => Standing::Over,
            Some(_) => Standing::Open,
        };
        Ok(copies.iter().map(standing).collect())
    }

    async fn handled_again(&self, redrive_of: &str) -> Result<(), FailureLogError> {
        self.handled_again.lock().unwrap().push(redrive_of.to_owned());
        Ok(())
    }
}

impl Failures {
    fn is_over(&self, letter: &DeadLetter) -> bool {
        self.over.lock().unwrap().contains(&letter.message_id)
    }

    pub(crate) fn letters(&self) -> Vec<DeadLetter> {
        self.letters.lock().unwrap().clone()
    }
}
