//! Moving messages out of a dead-letter queue, in the background.
//!
//! A message arrives under a new id and with a receive count of nought, as on
//! AWS. Tasks are not kept over a restart; what they moved is.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::answer::random_id;
use crate::clock::Millis;

use super::Sqs;
use super::error::{Code, SqsError};
use super::message::{Content, Extras, Message, Scope, Seq, State};
use super::queue::Queue;
use super::take::Ask;

/// Messages moved in one step, if there is no rate to keep.
const STEP: usize = 100;
/// How long a step's messages are held.
const HOLD: Millis = 30_000;
/// Tasks remembered in all.
const REMEMBERED: usize = 100;

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Running,
    Cancelling,
    Cancelled,
    Completed,
    Failed,
}

impl Status {
    /// The name on the wire.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Cancelling => "CANCELLING",
            Self::Cancelled => "CANCELLED",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }

    /// Whether it may still move something.
    pub(super) fn is_running(self) -> bool {
        matches!(self, Self::Running | Self::Cancelling)
    }
}

/// How far a task is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) status: Status,
    pub(super) moved: u64,
    pub(super) failure: Option<String>,
}

/// Messages being moved.
#[derive(Debug)]
pub(super) struct MoveTask {
    pub(super) handle: String,
    pub(super) source: Arc<Queue>,
    /// None: each message goes back to where it came from.
    pub(super) destination: Option<Arc<Queue>>,
    /// Messages a second at most.
    pub(super) rate: Option<u32>,
    pub(super) started_at: Millis,
    /// Messages there were when it started.
    pub(super) to_move: u64,
    progress: Mutex<Progress>,
}

impl MoveTask {
    /// A task that has not begun.
    pub(super) fn new(
        source: Arc<Queue>,
        destination: Option<Arc<Queue>>,
        rate: Option<u32>,
        now: Millis,
    ) -> Result<Self, SqsError> {
        let to_move = source.counts(now)?.ready as u64;
        let handle = format!("{{\"taskId\":\"{}\",\"sourceArn\":\"{}\"}}", random_id(), source.arn);
        Ok(Self {
            handle: STANDARD.encode(handle),
            source,
            destination,
            rate,
            started_at: now,
            to_move,
            progress: Mutex::new(Progress { status: Status::Running, moved: 0, failure: None }),
        })
    }

    /// How far it is.
    pub(super) fn progress(&self) -> Progress {
        self.lock().clone()
    }

    /// Asks it to end; false if it has ended.
    pub(super) fn cancel(&self) -> bool {
        let mut progress = self.lock();
        let running = progress.status == Status::Running;
        if running {
            progress.status = Status::Cancelling;
        }
        running
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(&self, sqs: &Sqs) {
        let step = self.rate.map_or(STEP, |rate| (rate as usize).div_ceil(10));
        let pause = self.rate.map(|rate| Duration::from_secs_f64(step as f64 / f64::from(rate)));
        loop {
            if self.lock().status == Status::Cancelling {
                return self.end(Status::Cancelled, None);
            }
            match self.step(sqs, step) {
                Ok(0) => return self.end(Status::Completed, None),
                Ok(moved) => self.lock().moved += moved as u64,
                Err(error) => return self.end(Status::Failed, Some(error.message)),
            }
            match pause {
                Some(pause) => sqs.clock.wait(pause).await,
                None => tokio::task::yield_now().await,
            }
        }
    }

    fn end(&self, status: Status, failure: Option<String>) {
        let mut progress = self.lock();
        progress.status = status;
        progress.failure = failure;
    }

    fn step(&self, sqs: &Sqs, max: usize) -> Result<usize, SqsError> {
        let now = sqs.clock.now();
        let retention = self.source.description().retention();
        let ask = Ask { now, max, hold: HOLD, retention, max_receive_count: None, attempt: None };
        let taken = self.source.take(ask)?;
        if taken.over_limit {
            return Err(SqsError::over_limit());
        }
        let taken = taken.received;
        for (receipt, message) in &taken {
            if let Err(error) = self.move_one(sqs, receipt.seq, &message.content, now) {
                let rest: Vec<Seq> = taken.iter().map(|(receipt, _)| receipt.seq).collect();
                self.source.not_moved(&rest)?;
                return Err(error);
            }
        }
        Ok(taken.len())
    }

    fn move_one(
        &self,
        sqs: &Sqs,
        seq: Seq,
        content: &Content,
        now: Millis,
    ) -> Result<(), SqsError> {
        let destination = match &self.destination {
            Some(queue) => Arc::clone(queue),
            None => origin(sqs, content)?,
        };
        destination.add(vec![Message::new(anew(content, now), State::Ready)])?;
        self.source.moved(&[seq])
    }
}

/// The queue a dead letter came from.
fn origin(sqs: &Sqs, content: &Content) -> Result<Arc<Queue>, SqsError> {
    let letter = content.extras.as_ref().and_then(|extras| extras.dead_letter.as_deref());
    letter
        .and_then(|letter| sqs.queue_by_arn(&letter.source))
        .ok_or_else(|| SqsError::new(Code::InvalidParameterValue, "CouldNotDetermineMessageSource"))
}

/// The same message, sent now.
fn anew(content: &Content, now: Millis) -> Content {
    let mut anew = Content { id: random_id(), sent_at: now, ..content.clone() };
    if let Some(extras) = &mut anew.extras {
        let extras = Arc::make_mut(extras);
        extras.dead_letter = None;
        if let Some(deduplication) = &mut extras.deduplication {
            deduplication.scope = Scope::Nothing;
        }
        if *extras == Extras::default() {
            anew.extras = None;
        }
    }
    anew
}

/// The tasks of one endpoint, the newest last.
#[derive(Debug, Default)]
pub(super) struct Movers(Mutex<Vec<Arc<MoveTask>>>);

impl Movers {
    /// Starts a task unless one is running on the same source.
    pub(super) fn start(&self, sqs: Arc<Sqs>, task: MoveTask) -> Result<(), SqsError> {
        let mut tasks = self.lock();
        let is_busy = |other: &Arc<MoveTask>| {
            other.source.arn == task.source.arn && other.progress().status.is_running()
        };
        if tasks.iter().any(is_busy) {
            let message = "There is already a task running. Only one active task is allowed for a \
                           source queue arn at a given time.";
            return Err(SqsError::new(Code::UnsupportedOperation, message));
        }
        if tasks.len() >= REMEMBERED {
            tasks.remove(0);
        }
        let task = Arc::new(task);
        tasks.push(Arc::clone(&task));
        let background = sqs.background.clone();
        background.spawn_until_stop(async move { task.run(&sqs).await });
        Ok(())
    }

    /// The task of this handle.
    pub(super) fn find(&self, handle: &str) -> Option<Arc<MoveTask>> {
        self.lock().iter().find(|task| task.handle == handle).cloned()
    }

    /// The tasks of this source, the newest first.
    pub(super) fn of(&self, source: &str) -> Vec<Arc<MoveTask>> {
        let tasks = self.lock();
        tasks.iter().rev().filter(|task| task.source.arn == source).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<MoveTask>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
