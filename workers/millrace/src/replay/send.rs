//! Setting a file on its way again: on record first, then into a queue, so that
//! whoever is interrupted in between can ask again and nothing is done twice.

use std::sync::Arc;

use millrace_contract::{
    ContractVersion, Dataset, FileId, LoadTask, Replay, StageName, TransformTask,
};
use millrace_ledger::{FileState, Ledger, Registration, Replayable, Replaying};
use millrace_pipeline::Pipeline;
use millrace_queue::{Outgoing, Queue, Queues, Sqs, TRACE_ATTRIBUTE};

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
        let contract = ContractVersion::of(dataset);
        self.ledger.put_contract(&contract, dataset).await?;
        let registration = registration(file, contract);
        let (file_id, sent) = match self.ledger.register_replay(&registration, replay).await? {
            Replaying::New(id) => (id.clone(), Sent::Started(id)),
            // Its load task is on the way, or its transform sends it once more.
            Replaying::UnderWay(id, _) => (id.clone(), Sent::UnderWay(id)),
        };
        let task = TransformTask {
            file_id,
            dataset: registration.dataset,
            contract: registration.contract,
            object: registration.object,
            captures: registration.captures,
            published_at: file.task.as_ref().and_then(|task| task.published_at),
            replay: Some(replay.clone()),
            trace_id: registration.trace_id.clone(),
        };
        put(self.transform.as_ref(), task.to_message(), registration.trace_id, task.dataset)
            .await?;
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
        put(self.load.as_ref(), task.to_message(), registration.trace_id, task.dataset).await?;
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

async fn put(
    queue: &dyn Queue,
    body: String,
    trace_id: String,
    dataset: String,
) -> anyhow::Result<()> {
    let message = Outgoing::new(body).attribute(TRACE_ATTRIBUTE, trace_id);
    let message = message.grouped(Some(dataset));
    for sent in queue.send(&[message]).await {
        sent?;
    }
    Ok(())
}
