//! The report handler.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use millrace_contract::{Report, ReportSource, ReportTask, read_report_order};
use millrace_ledger::{Ledger, ReportClaim, ReportClaimed, ReportRun, ReportTotals};
use millrace_notify::Topic;
use millrace_runtime::{
    Counts, Delivery, Done, Failed, Failure, Handler, Lease, Outcome, Subject, claim_lost,
    until_free,
};
use millrace_storage::{Links, Storage};

use crate::local::local_time;
use crate::publish::Attempt;
use crate::source::Source;
use crate::told::{Link, message};

/// Who is told of pages.
#[derive(Default)]
pub struct Announce {
    /// The topic of each report that anybody is told of, by the report's name.
    pub topics: BTreeMap<String, Arc<dyn Topic>>,
    /// Makes links to pages that need no login.
    pub links: Option<Arc<dyn Links>>,
}

/// The report stage.
pub struct Reports {
    pipeline: String,
    reports: Vec<Report>,
    ledger: Ledger,
    sources: BTreeMap<ReportSource, Source>,
    storage: Arc<dyn Storage>,
    announce: Announce,
    claim: Duration,
}

impl Reports {
    /// The handler for the reports of a pipeline, with the sources that they read. A
    /// claim lasts for `claim` unless it is renewed: whoever waits for a worker that
    /// died waits no longer.
    pub fn new(
        pipeline: impl Into<String>,
        reports: Vec<Report>,
        ledger: Ledger,
        sources: BTreeMap<ReportSource, Source>,
        storage: Arc<dyn Storage>,
        claim: Duration,
    ) -> Self {
        let announce = Announce::default();
        Self { pipeline: pipeline.into(), reports, ledger, sources, storage, announce, claim }
    }

    /// The same, with people told of pages.
    #[must_use]
    pub fn announcing(mut self, announce: Announce) -> Self {
        self.announce = announce;
        self
    }

    fn task(&self, delivery: &Delivery) -> Result<ReportTask, Failure> {
        let names: Vec<&str> = self.reports.iter().map(|report| report.name.as_str()).collect();
        let sent_at = delivery.sent_at.map(DateTime::<Utc>::from);
        Ok(read_report_order(&delivery.body, &self.pipeline, &names, sent_at)?)
    }

    async fn run(
        &self,
        task: &ReportTask,
        delivery: &Delivery,
        lease: &Lease,
    ) -> Result<Done, Failed> {
        let found = self.reports.iter().find(|report| report.name == task.report);
        let found = found.and_then(|report| Some((report, self.sources.get(&report.source)?)));
        let (report, source) = found
            .ok_or_else(|| Failed::contract(format!("there is no report `{}`", task.report)))?;
        let claim = match self.claim(task, delivery, lease).await? {
            Held::Ours(claim) => claim,
            Held::Done(run) => {
                self.tell(report, task, &run).await?;
                return Ok(Done::new("reported before").counts(counts(&run)));
            }
        };
        let attempt = Attempt {
            pipeline: &self.pipeline,
            report,
            task,
            claim: &claim,
            ledger: &self.ledger,
            source,
            storage: &self.storage,
            lease,
            lasting: self.claim,
        };
        let lost = claim_lost(self.claim, || self.ledger.renew_report(&claim, self.claim));
        let ended = tokio::select! {
            ended = attempt.run() => ended,
            () = lease.lost() => Err(Failed::Lost),
            () = lost => Err(Failed::Lost),
        };
        self.settle(&claim, ended).await?;
        let run = self.ledger.report_run(&claim.run).await?.ok_or(Failed::Lost)?;
        self.tell(report, task, &run).await?;
        Ok(Done::new("reported").counts(counts(&run)))
    }

    /// Claims the run, waiting for whoever is at it: it is done in the end, or
    /// free.
    async fn claim(
        &self,
        task: &ReportTask,
        delivery: &Delivery,
        lease: &Lease,
    ) -> Result<Held, Failed> {
        until_free(lease, || async {
            let claimed = self.ledger.claim_report(task, &delivery.trace_id, self.claim);
            Ok(match claimed.await? {
                ReportClaimed::Yes(claim) => Some(Held::Ours(claim)),
                ReportClaimed::Done(run) => Some(Held::Done(run)),
                ReportClaimed::Busy => None,
            })
        })
        .await
    }

    /// Says in the ledger what became of an attempt that made no page.
    async fn settle(
        &self,
        claim: &ReportClaim,
        ended: Result<ReportTotals, Failed>,
    ) -> Result<(), Failed> {
        match ended {
            Ok(_) => Ok(()),
            Err(Failed::Verdict(failure)) if !failure.class.is_retryable() => {
                self.ledger.fail_report(claim, &failure.message).await?;
                Err(Failed::Verdict(failure))
            }
            Err(failed) => {
                // If this fails, the claim ends by itself.
                if let Err(error) = self.ledger.release_report(claim).await {
                    tracing::debug!(%error, "the claim is left to end");
                }
                Err(failed)
            }
        }
    }

    /// Tells people of a page, unless they were told. Whoever dies between the two
    /// steps has them told again, which is better than never.
    async fn tell(
        &self,
        report: &Report,
        task: &ReportTask,
        run: &ReportRun,
    ) -> Result<(), Failed> {
        let Some(topic) = self.announce.topics.get(&report.name) else { return Ok(()) };
        if run.told_at.is_some() {
            return Ok(());
        }
        let local = local_time(report, task.scheduled_at)?;
        let link = self.link(report, run).await?;
        let message = message(&self.pipeline, report, (task, local), run, link.as_ref());
        topic.publish(&message).await?;
        Ok(self.ledger.report_told(&run.run).await?)
    }

    async fn link(&self, report: &Report, run: &ReportRun) -> Result<Option<Link>, Failed> {
        let asked = report.link.zip(self.announce.links.as_ref());
        let page = run.page.as_deref().and_then(|page| page.strip_prefix("s3://")?.split_once('/'));
        let (Some((lasting, links)), Some((bucket, key))) = (asked, page) else { return Ok(None) };
        let url = links.link(bucket, key, lasting).await?;
        Ok(Some(Link { url, until: Utc::now() + lasting }))
    }
}

/// Whose a run is.
enum Held {
    Ours(ReportClaim),
    Done(Box<ReportRun>),
}

fn counts(run: &ReportRun) -> Counts {
    Counts { rows_read: run.rows, rows_loaded: None, rows_rejected: None, bytes: run.bytes }
}

fn about(task: &ReportTask) -> Subject {
    Subject { dataset: Some(task.report.clone()), object: None, file_id: None }
}

#[async_trait]
impl Handler for Reports {
    async fn handle(&self, delivery: &Delivery, lease: &Lease) -> Outcome {
        let task = match self.task(delivery) {
            Ok(task) => task,
            Err(failure) => return Outcome::Failed(failure),
        };
        match self.run(&task, delivery, lease).await {
            Ok(done) => Outcome::Done(done.about(about(&task))),
            Err(failed) => failed.about(about(&task)).into(),
        }
    }

    async fn probe(&self) -> Result<(), Failure> {
        self.ledger.ping().await?;
        for source in self.sources.values() {
            if let Source::Warehouse(database) = source {
                database.answers().await?;
            }
        }
        let buckets: BTreeSet<&str> =
            self.reports.iter().map(|report| report.to.bucket.as_str()).collect();
        for bucket in buckets {
            millrace_storage::answers(self.storage.as_ref(), bucket).await?;
        }
        Ok(())
    }
}
