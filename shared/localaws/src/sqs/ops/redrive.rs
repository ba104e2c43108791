//! Dead letters: where they go, and `ListDeadLetterSourceQueues`.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::description::Description;
use super::super::error::SqsError;
use super::super::message::{DeadLetter, Extras, Message, Scope, Seq, State};
use super::super::queue::Queue;
use super::super::{BaseUrl, Sqs};
use super::queues;
use crate::clock::Millis;
use crate::page::page;

/// A dead-letter queue that exists, and when messages go there.
pub(super) struct Grave {
    pub(super) target: Arc<Queue>,
    pub(super) max_receive_count: u32,
}

/// Parameters of `ListDeadLetterSourceQueues`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct ListSources<'a> {
    #[serde(borrow)]
    queue_url: Cow<'a, str>,
    next_token: Option<String>,
    max_results: Option<i64>,
}

/// What `ListDeadLetterSourceQueues` answers. Other than in `ListQueues`, the
/// list's name begins with a small letter.
#[derive(Debug, Serialize)]
pub(in super::super) struct Sources {
    #[serde(rename = "queueUrls")]
    queue_urls: Vec<String>,
    #[serde(rename = "NextToken", skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

impl Sqs {
    pub(in super::super) fn list_dead_letter_source_queues(
        &self,
        base: BaseUrl<'_>,
        request: &ListSources<'_>,
    ) -> Result<Sources, SqsError> {
        let target = self.queue(&request.queue_url)?;
        let limit = queues::limit(request.max_results)?;
        let after = request.next_token.as_deref().unwrap_or_default();
        let sources = self.sources_of(&target.arn, after).into_iter();
        let (sources, next_token) = page(sources, limit, |(name, _)| name.clone());
        let queue_urls = sources.iter().map(|(name, _)| self.url(base, name)).collect();
        Ok(Sources { queue_urls, next_token })
    }

    /// The queues after the name `after` whose dead letters go to `arn`.
    pub(super) fn sources_of(&self, arn: &str, after: &str) -> Vec<(String, Arc<Queue>)> {
        let mut queues = self.registry.list("", after);
        queues.retain(|(_, queue)| {
            let description = queue.description();
            description.redrive.as_ref().is_some_and(|redrive| redrive.target == arn)
        });
        queues
    }

    /// Where a queue's dead letters go; nowhere if that queue is gone.
    pub(super) fn redrive_of(&self, description: &Description) -> Option<Grave> {
        let redrive = description.redrive.as_ref()?;
        let target = self.queue_by_arn(&redrive.target)?;
        Some(Grave { target, max_receive_count: redrive.max_receive_count })
    }

    /// The queue of an ARN.
    pub(in super::super) fn queue_by_arn(&self, arn: &str) -> Option<Arc<Queue>> {
        self.registry.get(self.account.name_in("sqs", arn)?)
    }

    /// Moves dead letters. They are stored in the dead-letter queue before
    /// they leave their own, so that none is lost in between.
    pub(super) fn bury(
        &self,
        source: &Queue,
        target: &Queue,
        dead: Vec<(Seq, Message)>,
    ) -> Result<(), SqsError> {
        if dead.is_empty() {
            return Ok(());
        }
        let (arn, now) = (Arc::from(source.arn.as_str()), self.clock.now());
        let (seqs, messages): (Vec<_>, Vec<_>) =
            dead.into_iter().map(|(seq, message)| (seq, dead_letter(message, &arn, now))).unzip();
        match target.add(messages) {
            Ok(()) => source.moved(&seqs),
            Err(error) => {
                source.not_moved(&seqs)?;
                Err(error)
            }
        }
    }
}

/// The message as it arrives in a dead-letter queue: with its id and its receive
/// count. On a standard queue it keeps its age; on a FIFO queue that begins anew.
fn dead_letter(mut message: Message, source: &Arc<str>, now: Millis) -> Message {
    let mut extras = message.content.extras.as_deref().cloned().unwrap_or_default();
    if let Some(deduplication) = &mut extras.deduplication {
        deduplication.scope = Scope::Nothing;
        message.content.sent_at = now;
    }
    let receive_count = message.receive_count;
    let letter = DeadLetter { source: Arc::clone(source), moved_at: now, receive_count };
    let extras = Extras { dead_letter: Some(Box::new(letter)), ..extras };
    message.content.extras = Some(Arc::new(extras));
    message.state = State::Ready;
    message
}
