//! Setting a file on its way again: on record first, then into a queue, so that
//! whoever is interrupted in between can ask again and nothing is done twice.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use millrace_contract::{
    ContractVersion, Dataset, FileId, LoadTask, Replay, StageName, TransformTask,
};
use millrace_ledger::{FileState, Ledger, Registration, Replayable, Replaying};
use millrace_pipeline::Pipeline;
use millrace_queue::{Outgoing, Queue, Queues, REDRIVE_ATTRIBUTE, Sqs, TRACE_ATTRIBUTE};

use super::Way;

/// What became of a file that was to be gone through again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It is on its way under this id.
    Started(FileId),
    /// The same was asked for before and had not ended; its message was sent
    /// again, which does no harm.
    UnderWay(FileId),
    /// It was left as it is.
    Left,
}

/// A file that is read again under the contract that is current.
#[derive(Debug, Clone)]
pub(crate) struct Anew {
    /// The file, under the current contract.
    pub(crate) registration: Registration,
    /// When the object was put, where that is known.
    pub(crate) published_at: Option<DateTime<Utc>>,
    /// What is gone through again.
    pub(crate) replay: Replay,
    /// The dead letter that this is the redrive of, if it is one.
    pub(crate) redrive_of: Option<String>,
}

/// Sends files on their way again.
pub(crate) struct Sender {
    ledger: Ledger,
    transform: Arc<dyn Queue>,
    load: Arc<dyn Queue>,
}

impl Sender {
    /// Finds the queues of a pipeline.
    ///
    /// # Errors
    /// If one can't be found.
    pub(crate) async fn open(
        pipeline: &Pipeline,
        ledger: Ledger,
        queues: &Sqs,
    ) -> anyhow::Result<Self> {
        let transform = queues.queue(&pipeline.queue_name(StageName::Transform)).await?;
        let load = queues.queue(&pipeline.queue_name(StageName::Load)).await?;
        Ok(Self { ledger, transform, load })
    }

    /// Sets a file of `dataset` on its way.
    ///
    /// # Errors
    /// If the ledger or a queue can't be reached; the command may be given again.
    pub(crate) async fn send(
        &self,
        file: &Replayable,
        way: &Way,
        dataset: &Dataset,
    ) -> anyhow::Result<Sent> {
        match way {
            Way::Not(_) => Ok(Sent::Left),
            Way::Rows(replay) | Way::Source(replay, _) => {
                self.read_again(file, replay, dataset).await
            }
            Way::Lake(replay) => self.load_again(file, replay).await,
        }
    }

    async fn read_again(
        &self,
        file: &Replayable,
        replay: &Replay,
        dataset: &Dataset,
    ) -> anyhow::Result<Sent> {
        let anew = Anew {
            registration: registration(file, ContractVersion::of(dataset)),
            published_at: file.task.as_ref().and_then(|task| task.published_at),
            replay: replay.clone(),
            redrive_of: None,
        };
        self.read_anew(&anew, dataset).await
    }

    /// Registers a replay and sends it to transform.
    ///
    /// # Errors
    /// If the ledger or a queue can't be reached; the command may be given again.
    pub(crate) async fn read_anew(&self, anew: &Anew, dataset: &Dataset) -> anyhow::Result<Sent> {
        let Anew { registration, published_at, replay, redrive_of } = anew;
        self.ledger.put_contract(&registration.contract, dataset).await?;
        let (file_id, sent) = match self.ledger.register_replay(registration, replay).await? {
            Replaying::New(id) => (id.clone(), Sent::Started(id)),
            // Its load task is on the way, or its transform sends it once more.
            Replaying::UnderWay(id, _) => (id.clone(), Sent::UnderWay(id)),
        };
        let task = TransformTask {
            file_id,
            dataset: registration.dataset.clone(),
            contract: registration.contract.clone(),
            object: registration.object.clone(),
            captures: registration.captures.clone(),
            published_at: *published_at,
            replay: Some(replay.clone()),
            trace_id: registration.trace_id.clone(),
        };
        let message = Outgoing::new(task.to_message())
            .attribute(TRACE_ATTRIBUTE, &registration.trace_id)
            .attribute(REDRIVE_ATTRIBUTE, redrive_of.as_deref().unwrap_or_default())
            .grouped(Some(task.dataset));
        put(self.transform.as_ref(), message).await?;
        Ok(sent)
    }

    async fn load_again(&self, file: &Replayable, replay: &Replay) -> anyhow::Result<Sent> {
        let Some(written) = &file.task else { return Ok(Sent::Left) };
        let registration = registration(file, file.run.contract.clone());
        let (file_id, state, sent) =
            match self.ledger.register_replay(&registration, replay).await? {
                Replaying::New(id) => (id.clone(), FileState::Registered, Sent::Started(id)),
                Replaying::UnderWay(id, state) => (id.clone(), state, Sent::UnderWay(id)),
            };
        let task = LoadTask { file_id, replay: Some(replay.clone()), ..written.clone() };
        if state == FileState::Registered {
            self.ledger.taken_over(&task, &file.run.file_id).await?;
        }
        let message = Outgoing::new(task.to_message());
        let message =
            message.attribute(TRACE_ATTRIBUTE, registration.trace_id).grouped(Some(task.dataset));
        put(self.load.as_ref(), message).await?;
        Ok(sent)
    }
}

fn registration(file: &Replayable, contract: ContractVersion) -> Registration {
    let run = &file.run;
    Registration {
        file_id: run.file_id.clone(),
        dataset: run.dataset.clone(),
        contract,
        object: run.object.clone(),
        captures: run.captures.clone(),
        trace_id: run.trace_id.clone(),
    }
}

async fn put(queue: &dyn Queue, message: Outgoing) -> anyhow::Result<()> {
    for sent in queue.send(&[message]).await {
        sent?;
    }
    Ok(())
}
