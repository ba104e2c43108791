//! Going through the dead-letter queues: after something was done about dead
//! letters their copies leave, so that the alarm goes off only for what is left.

use std::collections::BTreeMap;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use millrace_contract::StageName;
use millrace_ledger::Ledger;
use millrace_pipeline::Pipeline;
use millrace_queue::{Queues, Sqs};
use millrace_runtime::{DeadLetterQueue, Limit, Tended};

use crate::journal::LedgerFailures;
use crate::show;

/// Messages that are looked at for every one that is to leave, and at least: the
/// rest is left to the workers.
const LOOKED_AT: (u64, u64) = (10, 2_000);

/// Dead-letter queues of a pipeline.
pub(super) struct Sweeper<'a> {
    pub(super) pipeline: &'a Pipeline,
    pub(super) ledger: &'a Ledger,
    pub(super) queues: &'a Sqs,
}

impl Sweeper<'_> {
    /// Removes copies of dead letters that were dealt with: so many of each stage.
    /// Answers how many left. That something is left undone here is no failure:
    /// workers do it too.
    pub(super) async fn sweep(&self, dealt_with: &BTreeMap<StageName, u64>) -> u64 {
        let mut removed = 0;
        for (stage, count) in dealt_with {
            let (each, at_least) = LOOKED_AT;
            let messages = count.saturating_mul(each).max(at_least);
            match self.tend(*stage, Limit { messages, removed: *count }).await {
                Ok(tended) => removed += tended.removed,
                Err(error) => show::note(format!(
                    "the copies in {} stay until a worker removes them: {error:#}",
                    self.pipeline.dead_letter_queue_name(*stage)
                )),
            }
        }
        removed
    }

    /// Goes through the dead-letter queue of a stage.
    ///
    /// # Errors
    /// If the queue or the ledger fails.
    pub(super) async fn tend(&self, stage: StageName, limit: Limit) -> anyhow::Result<Tended> {
        let name = self.pipeline.dead_letter_queue_name(stage);
        let queue = self.queues.queue(&name).await?;
        let there = queue.depth().await?.total();
        let dead_letters = DeadLetterQueue {
            queue,
            stage: stage.as_str().to_owned(),
            source: self.pipeline.queue_name(stage),
            max_receive_count: self.pipeline.stage(stage).max_receive_count,
            failures: Arc::new(LedgerFailures::new(self.ledger.clone(), None)),
        };
        let bar = bar(&format!("clearing {name}"), there.min(limit.messages));
        let tended = dead_letters
            .tend(limit, |so_far| {
                bar.set_position(so_far.adopted + so_far.removed + so_far.kept);
                true
            })
            .await;
        bar.finish_and_clear();
        Ok(tended?)
    }
}

/// A bar on a terminal, nothing elsewhere.
pub(super) fn bar(what: &str, total: u64) -> ProgressBar {
    let style = format!("{what} {{wide_bar}} {{pos}}/{{len}} {{per_sec}} {{eta}}");
    // The template is fixed; should it ever be wrong, the default bar does.
    let style =
        ProgressStyle::with_template(&style).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr()).with_style(style)
}
