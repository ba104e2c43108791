//! `StartMessageMoveTask`, `CancelMessageMoveTask` and `ListMessageMoveTasks`:
//! how dead letters go back to work.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::Sqs;
use super::super::error::{Code, SqsError};
use super::super::mover::{MoveTask, Progress};
use super::super::queue::Queue;

/// Parameters of `StartMessageMoveTask`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct StartMove {
    source_arn: String,
    destination_arn: Option<String>,
    max_number_of_messages_per_second: Option<u32>,
}

/// Parameters of `CancelMessageMoveTask`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct CancelMove {
    task_handle: String,
}

/// Parameters of `ListMessageMoveTasks`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct ListMoves {
    source_arn: String,
    max_results: Option<usize>,
}

/// What `StartMessageMoveTask` answers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct Started {
    task_handle: String,
}

/// What `CancelMessageMoveTask` answers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct Cancelled {
    approximate_number_of_messages_moved: u64,
}

/// What `ListMessageMoveTasks` answers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct Moves {
    results: Vec<Move>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Move {
    #[serde(skip_serializing_if = "Option::is_none")]
    task_handle: Option<String>,
    status: &'static str,
    source_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_number_of_messages_per_second: Option<u32>,
    approximate_number_of_messages_moved: u64,
    approximate_number_of_messages_to_move: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<String>,
    started_timestamp: u64,
}

impl Sqs {
    pub(in super::super) fn start_message_move_task(
        self: &Arc<Self>,
        request: StartMove,
    ) -> Result<Started, SqsError> {
        let source = self.move_source(&request.source_arn)?;
        let destination = match &request.destination_arn {
            Some(arn) => Some(self.queue_by_arn(arn).ok_or_else(|| no_resource("DestinationArn"))?),
            None => None,
        };
        if destination.as_ref().is_some_and(|destination| destination.is_fifo != source.is_fifo) {
            let reason = "Destination queue must be same type of queue as the source.";
            let arn = request.destination_arn.as_deref().unwrap_or_default();
            return Err(SqsError::value(arn, "DestinationArn", reason));
        }
        let rate = request.max_number_of_messages_per_second;
        if rate.is_some_and(|rate| !(1..=500).contains(&rate)) {
            let reason = "It must be between 1 and 500.";
            let rate = rate.unwrap_or_default();
            return Err(SqsError::value(rate, "MaxNumberOfMessagesPerSecond", reason));
        }
        let task = MoveTask::new(source, destination, rate, self.clock.now())?;
        let task_handle = task.handle.clone();
        self.movers.start(Arc::clone(self), task)?;
        Ok(Started { task_handle })
    }

    pub(in super::super) fn cancel_message_move_task(
        &self,
        request: &CancelMove,
    ) -> Result<Cancelled, SqsError> {
        let task =
            self.movers.find(&request.task_handle).ok_or_else(|| no_resource("TaskHandle"))?;
        if !task.cancel() {
            let message = "Only active tasks can be cancelled.";
            return Err(SqsError::new(Code::UnsupportedOperation, message));
        }
        Ok(Cancelled { approximate_number_of_messages_moved: task.progress().moved })
    }

    pub(in super::super) fn list_message_move_tasks(
        &self,
        request: &ListMoves,
    ) -> Result<Moves, SqsError> {
        self.move_source(&request.source_arn)?;
        let limit = request.max_results.unwrap_or(1);
        if !(1..=10).contains(&limit) {
            return Err(SqsError::value(limit, "MaxResults", "Must be between 1 and 10."));
        }
        let tasks = self.movers.of(&request.source_arn);
        Ok(Moves { results: tasks.iter().take(limit).map(|task| show(task)).collect() })
    }

    /// A queue that messages may be moved from: some queue's dead-letter queue.
    fn move_source(&self, arn: &str) -> Result<Arc<Queue>, SqsError> {
        let source = self.queue_by_arn(arn).ok_or_else(|| no_resource("SourceArn"))?;
        if self.sources_of(arn, "").is_empty() {
            return Err(SqsError::new(
                Code::InvalidParameterValue,
                "Source queue must be configured as a Dead Letter Queue.",
            ));
        }
        Ok(source)
    }
}

fn show(task: &MoveTask) -> Move {
    let Progress { status, moved, failure } = task.progress();
    Move {
        task_handle: status.is_running().then(|| task.handle.clone()),
        status: status.name(),
        source_arn: task.source.arn.clone(),
        destination_arn: task.destination.as_ref().map(|queue| queue.arn.clone()),
        max_number_of_messages_per_second: task.rate,
        approximate_number_of_messages_moved: moved,
        approximate_number_of_messages_to_move: task.to_move,
        failure_reason: failure,
        started_timestamp: task.started_at,
    }
}

fn no_resource(parameter: &str) -> SqsError {
    SqsError::new(
        Code::ResourceNotFoundException,
        format!("The resource that you specified for the {parameter} parameter doesn't exist."),
    )
}
