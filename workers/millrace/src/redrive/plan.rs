//! What a dead letter is sent as. Nothing is sent here.
//!
//! A task names the contract it was planned under, and is carried out under it. One
//! that failed under a contract which has changed since must not be: its file is
//! read again under the contract of the pipeline file, as a replay.

use millrace_contract::{ContractVersion, Dataset, Replay};
use millrace_ledger::{Failure, Ledger, Registration};
use millrace_pipeline::Pipeline;

use super::body::{Work, work};
use crate::replay::{Anew, SQL_AGAIN, in_the_way, merges};

/// What is done about a dead letter.
#[derive(Debug, Clone)]
pub(crate) enum Plan<'p> {
    /// The message goes back to its queue.
    AsItIs,
    /// The file is read again.
    Anew(Box<Anew>, &'p Dataset),
    /// Nothing, and why.
    Not(String),
}

/// Plans under the contracts of a pipeline file.
pub(crate) struct Planner {
    pipeline: Pipeline,
    ledger: Ledger,
}

impl Planner {
    /// For a pipeline and its ledger.
    pub(crate) fn new(pipeline: &Pipeline, ledger: &Ledger) -> Self {
        Self { pipeline: pipeline.clone(), ledger: ledger.clone() }
    }

    /// What is done about a failure.
    ///
    /// # Errors
    /// If the ledger can't be asked.
    pub(crate) async fn plan(&self, failure: &Failure) -> anyhow::Result<Plan<'_>> {
        let record = &failure.record;
        let work = match work(record.stage, &record.body) {
            Ok(Some(work)) => work,
            // Ingest plans it, under the pipeline file as it is then.
            Ok(None) => return Ok(Plan::AsItIs),
            Err(why) => {
                let what_to_do = "change it with `millrace dlq edit`, or discard it";
                return Ok(Plan::Not(format!("{why}; {what_to_do}")));
            }
        };
        let mut datasets = self.pipeline.datasets.iter();
        let Some(dataset) = datasets.find(|dataset| dataset.name == work.dataset) else {
            let name = &work.dataset;
            return Ok(Plan::Not(format!(
                "there is no dataset `{name}` in the pipeline file any more; put it back, or \
                 discard the dead letter"
            )));
        };
        if work.contract == ContractVersion::of(dataset) {
            return Ok(Plan::AsItIs);
        }
        let redrive_of = failure.key().to_string();
        Ok(match self.replay(&work, dataset).await? {
            Ok(replay) => {
                Plan::Anew(Box::new(self.anew(work, dataset, replay, redrive_of)), dataset)
            }
            Err(why) => Plan::Not(why.to_owned()),
        })
    }

    /// What is gone through again: the whole file, unless it is rejected rows that
    /// may still go alone.
    async fn replay(
        &self,
        work: &Work,
        now: &Dataset,
    ) -> anyhow::Result<Result<Replay, &'static str>> {
        let whole = |of| Ok(Ok(Replay::Whole { of }));
        match &work.replay {
            None => whole(work.file_id.clone()),
            Some(Replay::Whole { of }) => whole(of.clone()),
            Some(Replay::Rejects { .. }) if merges(now) => Ok(Err(SQL_AGAIN)),
            Some(rejects @ Replay::Rejects { of, from, .. }) => {
                let trace = self.ledger.trace(&work.object.bucket, &work.object.key).await?;
                let mut runs = trace.versions.iter().map(|version| &version.run);
                let then = match runs.find(|run| run.file_id == *from) {
                    Some(run) => self.ledger.contract(&now.name, &run.contract).await?,
                    None => None,
                };
                match in_the_way(then.as_ref(), now) {
                    None => Ok(Ok(rejects.clone())),
                    Some(_) => whole(of.clone()),
                }
            }
        }
    }

    /// The pattern may name other parts of the key now.
    fn anew(&self, work: Work, dataset: &Dataset, replay: Replay, redrive_of: String) -> Anew {
        let routes = self.pipeline.routes(&work.object.bucket, &work.object.key);
        let route = routes.into_iter().find(|route| route.dataset.name == dataset.name);
        Anew {
            registration: Registration {
                file_id: work.file_id,
                dataset: work.dataset,
                contract: ContractVersion::of(dataset),
                object: work.object,
                captures: route.map_or(work.captures, |route| route.captures),
                trace_id: work.trace_id,
            },
            published_at: work.published_at,
            replay,
            redrive_of: Some(redrive_of),
        }
    }
}
