//! A query at work on the rows of a file.
//!
//! DataFusion has a thread of its own. Between it and the caller stands a
//! conversation rather than queues: it answers rows until it needs more, says so
//! and waits; the caller takes all answers before it hands over more. So neither
//! waits for the other, however many rows a query makes of one, and however long
//! it keeps them.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use arrow::array::RecordBatch;
use millrace_format::{ReshapeError, Reshaping};

use crate::stack::QUERY_STACK_BYTES;

/// What the query says.
pub(crate) enum Answer {
    /// Rows that are ready.
    Rows(RecordBatch),
    /// It needs more rows.
    More,
    /// It is done, whatever may still come.
    Done,
    /// It failed.
    Failed(ReshapeError),
}

/// The rows of a file, for the one scan that may take them.
pub(crate) struct Feed(Mutex<Option<Rows>>);

impl Feed {
    /// A feed for planning, from which nothing comes.
    pub(crate) fn empty() -> Self {
        Self(Mutex::new(None))
    }

    /// Takes the rows, the first time.
    pub(crate) fn take(&self) -> Option<Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The rows of a file; to ask for the next is to say that more are needed.
pub(crate) struct Rows {
    batches: Receiver<RecordBatch>,
    answers: SyncSender<Answer>,
}

impl Iterator for Rows {
    type Item = RecordBatch;

    fn next(&mut self) -> Option<RecordBatch> {
        self.answers.send(Answer::More).ok()?;
        self.batches.recv().ok()
    }
}

/// The caller's side.
pub(crate) struct Conversation {
    batches: Option<SyncSender<RecordBatch>>,
    answers: Receiver<Answer>,
    state: State,
    thread: Option<JoinHandle<()>>,
}

/// What may be expected of the other side.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Working,
    Waiting,
    Done,
}

impl Conversation {
    /// Starts a thread that runs `query` on the rows it is fed.
    ///
    /// # Errors
    /// [`ReshapeError::Disk`] if the operating system gives no thread.
    pub(crate) fn start(
        query: impl FnOnce(Feed, &dyn Fn(RecordBatch) -> bool) -> Result<(), ReshapeError>
        + Send
        + 'static,
    ) -> Result<Self, ReshapeError> {
        let (batches, fed) = sync_channel(1);
        let (answer, answers) = sync_channel(1);
        let work = move || {
            let feed = Feed(Mutex::new(Some(Rows { batches: fed, answers: answer.clone() })));
            let outcome = query(feed, &|rows| answer.send(Answer::Rows(rows)).is_ok());
            // Nobody listens once the file has failed elsewhere.
            let _ = answer.send(outcome.map_or_else(Answer::Failed, |()| Answer::Done));
        };
        let thread = Builder::new().name("sql".to_owned()).stack_size(QUERY_STACK_BYTES);
        let thread = thread.spawn(work).map_err(ReshapeError::Disk)?;
        let state = State::Working;
        Ok(Self { batches: Some(batches), answers, state, thread: Some(thread) })
    }

    /// The thread has ended without a word: it has panicked.
    fn stopped(&mut self) -> ReshapeError {
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
            std::panic::resume_unwind(panic);
        }
        ReshapeError::Refused("the query's thread stopped".to_owned())
    }
}

impl Reshaping for Conversation {
    fn next(&mut self) -> Result<Option<RecordBatch>, ReshapeError> {
        if self.state != State::Working {
            return Ok(None);
        }
        match self.answers.recv() {
            Ok(Answer::Rows(rows)) => Ok(Some(rows)),
            Ok(Answer::More) => {
                self.state = State::Waiting;
                Ok(None)
            }
            Ok(Answer::Done) => {
                self.state = State::Done;
                Ok(None)
            }
            Ok(Answer::Failed(error)) => Err(error),
            Err(_) => Err(self.stopped()),
        }
    }

    fn push(&mut self, rows: RecordBatch) -> Result<(), ReshapeError> {
        if self.state == State::Done {
            // As with `limit`: the query has all it wants.
            return Ok(());
        }
        if let Some(batches) = &self.batches {
            // One that no longer listens has something to say.
            let _ = batches.send(rows);
        }
        self.state = State::Working;
        Ok(())
    }

    fn end(&mut self) {
        self.batches = None;
        if self.state == State::Waiting {
            self.state = State::Working;
        }
    }
}
