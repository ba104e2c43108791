//! Sending: a few at a time, each marked as sent as soon as it is.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use futures::{StreamExt, stream};
use millrace_contract::{FileId, StageName};
use millrace_ledger::{Failure, FailureKey, Ledger};
use millrace_pipeline::Pipeline;
use millrace_queue::{MAX_BATCH, Outgoing, Queues, REDRIVE_ATTRIBUTE, Sqs, TRACE_ATTRIBUTE};
use tokio::time::{Instant, sleep_until};

use super::{Plan, Planner};
use crate::actor::actor;
use crate::args::Rate;
use crate::replay::{Sender, Sent};

/// Files that are planned at a time: each takes some statements, one behind the other.
pub(crate) const AT_A_TIME: u8 = 4;

/// What was done about one dead letter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub(crate) key: FailureKey,
    pub(crate) stage: StageName,
    pub(crate) fingerprint: String,
    /// The file it is about, where that is known.
    pub(crate) file_id: Option<FileId>,
    /// What it is sent as.
    pub(crate) way: &'static str,
    /// Why nothing is done about it.
    pub(crate) why: Option<String>,
    pub(crate) result: Outcome,
    /// The file as which it is read again.
    pub(crate) replay_id: Option<FileId>,
}

/// How far it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing was to be done.
    DryRun,
    /// It is in a queue.
    Sent,
    /// It was left as it is.
    Left,
}

impl Outcome {
    /// The word for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::DryRun => "dry run",
            Self::Sent => "sent",
            Self::Left => "left",
        }
    }
}

impl Line {
    /// What a plan comes to if nothing is done.
    pub(crate) fn planned(failure: &Failure, plan: &Plan<'_>) -> Self {
        let (way, why, result) = match plan {
            Plan::AsItIs => ("as it is", None, Outcome::DryRun),
            Plan::Anew(..) => ("read again", None, Outcome::DryRun),
            Plan::Not(why) => ("none", Some(why.clone()), Outcome::Left),
        };
        Self {
            key: failure.key(),
            stage: failure.record.stage,
            fingerprint: failure.record.fingerprint.clone(),
            file_id: failure.record.file_id.clone(),
            way,
            why,
            result,
            replay_id: None,
        }
    }
}

/// Sends dead letters again.
pub(crate) struct Redriver {
    planner: Planner,
    ledger: Ledger,
    queues: Sqs,
    sender: Sender,
    rate: Option<Rate>,
    /// When the next may go.
    due: Instant,
}

impl Redriver {
    /// Finds the queues of a pipeline.
    ///
    /// # Errors
    /// If one can't be found.
    pub(crate) async fn open(
        pipeline: &Pipeline,
        ledger: &Ledger,
        queues: Sqs,
        rate: Option<Rate>,
    ) -> anyhow::Result<Self> {
        let sender = Sender::open(pipeline, ledger.clone(), &queues).await?;
        let planner = Planner::new(pipeline, ledger);
        Ok(Self { planner, ledger: ledger.clone(), queues, sender, rate, due: Instant::now() })
    }

    /// Sends some, with `progress` told how many are through after each request.
    ///
    /// # Errors
    /// If a queue or the ledger fails. What was sent before is marked; to give the
    /// command again does no harm.
    pub(crate) async fn send(
        &mut self,
        failures: &[Failure],
        mut progress: impl FnMut(usize),
    ) -> anyhow::Result<Vec<Line>> {
        let mut lines = Vec::with_capacity(failures.len());
        for failures in failures.chunks(self.at_a_time()) {
            self.wait_for(failures.len()).await;
            let sent = self.send_together(failures).await?;
            progress(sent.len());
            lines.extend(sent);
        }
        Ok(lines)
    }

    /// As many as one request takes, or fewer where they are to go slowly.
    fn at_a_time(&self) -> usize {
        let Some(rate) = self.rate else { return MAX_BATCH };
        let within = |count: &usize| rate.time_of(*count) <= Duration::from_secs(1);
        (1..=MAX_BATCH).rev().find(within).unwrap_or(1)
    }

    async fn wait_for(&mut self, messages: usize) {
        let Some(rate) = self.rate else { return };
        sleep_until(self.due).await;
        self.due = Instant::now() + rate.time_of(messages);
    }

    async fn send_together(&self, failures: &[Failure]) -> anyhow::Result<Vec<Line>> {
        let begun = stream::iter(failures.iter().map(|failure| self.begin(failure)));
        let begun: Vec<_> = begun.buffered(AT_A_TIME.into()).collect().await;
        let (mut lines, mut failed) = (Vec::with_capacity(failures.len()), None);
        let mut by_queue: BTreeMap<&str, Vec<(usize, Outgoing)>> = BTreeMap::new();
        for (failure, begun) in failures.iter().zip(begun) {
            match begun {
                Ok((line, message)) => {
                    if let Some(message) = message {
                        let messages = by_queue.entry(failure.record.queue.as_str()).or_default();
                        messages.push((lines.len(), message));
                    }
                    lines.push(line);
                }
                Err(error) => failed = Some(error),
            }
        }
        for (queue, messages) in by_queue {
            let (indices, messages): (Vec<_>, Vec<_>) = messages.into_iter().unzip();
            let sent = match self.queues.queue(queue).await {
                Ok(queue) => queue.send(&messages).await,
                Err(error) => vec![Err(error); messages.len()],
            };
            for (index, sent) in indices.into_iter().zip(sent) {
                match sent {
                    Ok(()) => lines[index].result = Outcome::Sent,
                    Err(error) => failed = Some(error.into()),
                }
            }
        }
        self.mark(&lines).await?;
        match failed {
            None => Ok(lines),
            Some(error) => Err(error.context(
                "not all were sent; those that were are marked: give the command again for the rest",
            )),
        }
    }

    /// Plans one, and sends it if its file is read again. Answers the message of one
    /// that goes as it is, which is sent with the others of its queue.
    async fn begin(&self, failure: &Failure) -> anyhow::Result<(Line, Option<Outgoing>)> {
        let plan = self.planner.plan(failure).await?;
        let mut line = Line::planned(failure, &plan);
        let message = match plan {
            Plan::AsItIs => {
                line.result = Outcome::Left;
                Some(outgoing(failure))
            }
            Plan::Anew(anew, dataset) => {
                line.replay_id = match self.sender.read_anew(&anew, dataset).await? {
                    Sent::Started(id) | Sent::UnderWay(id) => Some(id),
                    Sent::Left => None,
                };
                line.result = Outcome::Sent;
                None
            }
            Plan::Not(_) => None,
        };
        Ok((line, message))
    }

    async fn mark(&self, lines: &[Line]) -> anyhow::Result<()> {
        let sent = lines.iter().filter(|line| line.result == Outcome::Sent);
        let marks: Vec<_> = sent
            .map(|line| {
                let how = match &line.replay_id {
                    Some(id) => format!("read again as file {id} under the current contract"),
                    None => format!("sent to {} as it is", line.key.queue),
                };
                (line.key.clone(), line.fingerprint.clone(), how)
            })
            .collect();
        if marks.is_empty() {
            return Ok(());
        }
        self.ledger.redriven(&marks, &actor()).await.context(
            "messages were sent that are not marked as such; to send them again does no harm",
        )
    }
}

fn outgoing(failure: &Failure) -> Outgoing {
    Outgoing::new(&failure.record.body)
        .attribute(TRACE_ATTRIBUTE, failure.record.trace_id.as_deref().unwrap_or_default())
        .attribute(REDRIVE_ATTRIBUTE, failure.key().to_string())
        // As when it was sent first, so that many of one dataset hold up no other's.
        .grouped(failure.record.dataset.clone())
}
