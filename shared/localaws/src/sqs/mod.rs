//! SQS: standard and FIFO queues, by the AWS JSON 1.0 protocol.
//!
//! ```text
//! request → mod (which operation) → ops (its rules) → queue → messages (one lock)
//!                                                               ├ index    which message is ready
//!                                                               │ └ order  which is next: fair or FIFO
//!                                                               ├ recent   what was sent already
//!                                                               └ journal  what outlives the process
//! ```

mod attempts;
#[cfg(test)]
mod calls;
mod delivery;
mod description;
mod digest;
mod error;
#[cfg(test)]
mod fifo_model;
mod index;
mod journal;
mod message;
mod messages;
mod metrics;
#[cfg(test)]
mod model;
mod mover;
mod ops;
mod order;
mod queue;
mod receipt;
mod recent;
mod redrive_allow;
mod registry;
mod settings;
mod take;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use hyper::Response;
use s3s::Body;
use serde::{Deserialize, Serialize};

use crate::answer;
use crate::arn::Account;
use crate::background::Background;
use crate::clock::Clock;

use self::error::{Code, SqsError};
use self::mover::Movers;
use self::registry::Registry;

pub(crate) use self::delivery::Delivery;
pub(crate) use self::message::{Attribute, AttributeValue};
pub(crate) use self::metrics::{QueueMetrics, Totals};

/// The queues of one endpoint.
#[derive(Debug)]
pub(crate) struct Sqs {
    account: Arc<Account>,
    clock: Clock,
    registry: Registry,
    movers: Movers,
    background: Background,
}

/// The base of queue URLs as the caller sees this endpoint, as in
/// `http://127.0.0.1:4566`.
pub(crate) type BaseUrl<'a> = &'a str;

impl Sqs {
    /// Opens the queues kept in `dir`.
    pub(crate) fn open(
        dir: PathBuf,
        account: Arc<Account>,
        clock: Clock,
        background: Background,
    ) -> io::Result<Self> {
        let registry = Registry::open(dir, &account)?;
        Ok(Self { account, clock, registry, movers: Movers::default(), background })
    }

    /// Answers one request.
    pub(crate) async fn call(
        self: &Arc<Self>,
        operation: &str,
        base: BaseUrl<'_>,
        body: &[u8],
    ) -> Response<Body> {
        match self.answer(operation, base, body).await {
            Ok(json) => answer::json(json),
            Err(error) => refuse(&error),
        }
    }

    async fn answer(
        self: &Arc<Self>,
        operation: &str,
        base: BaseUrl<'_>,
        body: &[u8],
    ) -> Result<Bytes, SqsError> {
        match operation {
            "ReceiveMessage" => self.receive_message(read(body)?).await,
            "SendMessage" => write(&self.send_message(read(body)?)?),
            "SendMessageBatch" => write(&self.send_message_batch(read(body)?)?),
            "DeleteMessage" => empty(self.delete_message(&read(body)?)),
            "DeleteMessageBatch" => write(&self.delete_message_batch(read(body)?)?),
            "ChangeMessageVisibility" => empty(self.change_message_visibility(&read(body)?)),
            "ChangeMessageVisibilityBatch" => {
                write(&self.change_message_visibility_batch(read(body)?)?)
            }
            "CreateQueue" => write(&self.create_queue(base, read(body)?)?),
            "DeleteQueue" => empty(self.delete_queue(&read(body)?)),
            "PurgeQueue" => empty(self.purge_queue(&read(body)?)),
            "GetQueueUrl" => write(&self.get_queue_url(base, &read(body)?)?),
            "ListQueues" => write(&self.list_queues(base, &read(body)?)?),
            "ListDeadLetterSourceQueues" => {
                write(&self.list_dead_letter_source_queues(base, &read(body)?)?)
            }
            "GetQueueAttributes" => write(&self.get_queue_attributes(&read(body)?)?),
            "SetQueueAttributes" => empty(self.set_queue_attributes(&read(body)?)),
            "TagQueue" => empty(self.tag_queue(read(body)?)),
            "UntagQueue" => empty(self.untag_queue(&read(body)?)),
            "ListQueueTags" => write(&self.list_queue_tags(&read(body)?)?),
            "AddPermission" => empty(self.add_permission(&read(body)?)),
            "RemovePermission" => empty(self.remove_permission(&read(body)?)),
            "StartMessageMoveTask" => write(&self.start_message_move_task(read(body)?)?),
            "CancelMessageMoveTask" => write(&self.cancel_message_move_task(&read(body)?)?),
            "ListMessageMoveTasks" => write(&self.list_message_move_tasks(&read(body)?)?),
            _ => Err(SqsError::new(
                Code::UnknownOperationException,
                format!("This endpoint has no SQS operation {operation}."),
            )),
        }
    }
}

/// A request's parameters; no body is the same as none of them.
fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, SqsError> {
    let body = if body.is_empty() { b"{}" } else { body };
    Ok(serde_json::from_slice(body)?)
}

fn write(result: &impl Serialize) -> Result<Bytes, SqsError> {
    Ok(serde_json::to_vec(result)?.into())
}

fn empty(result: Result<(), SqsError>) -> Result<Bytes, SqsError> {
    result.map(|()| Bytes::from_static(b"{}"))
}

fn refuse(error: &SqsError) -> Response<Body> {
    let fault = if error.code.is_sender_fault() { "Sender" } else { "Receiver" };
    answer::json_error(&answer::JsonError {
        status: if error.code.is_sender_fault() { 400 } else { 500 },
        shape: &format!("com.amazonaws.sqs#{}", error.code.shape()),
        query: &format!("{};{fault}", error.code.query()),
        message: &error.message,
    })
}
