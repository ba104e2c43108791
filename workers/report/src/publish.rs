//! One attempt at a run: from the claim to the page in the bucket.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::Utc;
use millrace_contract::{Report, ReportTask};
use millrace_ledger::{Ledger, ReportClaim, ReportTotals};
use millrace_runtime::{Failed, Lease};
use millrace_storage::Storage;

use crate::local::local_time;
use crate::made::{Made, Moment, PAGE, make};
use crate::source::Source;

/// What an attempt works with.
pub(crate) struct Attempt<'a> {
    pub(crate) pipeline: &'a str,
    pub(crate) report: &'a Report,
    pub(crate) task: &'a ReportTask,
    pub(crate) claim: &'a ReportClaim,
    pub(crate) ledger: &'a Ledger,
    pub(crate) source: &'a Source,
    pub(crate) storage: &'a Arc<dyn Storage>,
    pub(crate) lease: &'a Lease,
    /// How long the claim lasts once it is renewed.
    pub(crate) lasting: Duration,
}

impl Attempt<'_> {
    /// Makes the page, and marks the run as done.
    pub(crate) async fn run(&self) -> Result<ReportTotals, Failed> {
        let clock = Instant::now();
        let (report, task) = (self.report, self.task);
        let local = local_time(report, task.scheduled_at)?;
        let run = self.claim.run.as_str();
        let values = report.values(run, task.scheduled_at, local, &task.parameters);
        let folder = report.to.fill(&values).map_err(Failed::contract)?;
        let moment = Moment {
            pipeline: self.pipeline,
            local,
            values: &values,
            given: &task.parameters,
            now: Utc::now(),
        };
        let made = make(report, self.source, &moment).await?;
        self.write(&folder, &made).await?;
        let totals = ReportTotals {
            page: format!("s3://{}/{folder}{PAGE}", report.to.bucket),
            charts: report.charts.len() as u64,
            rows: made.rows,
            bytes: made.bytes(),
            figures: made.figures,
            duration: clock.elapsed(),
        };
        self.lease.check()?;
        match self.ledger.complete_report(self.claim, &totals).await? {
            true => Ok(totals),
            false => Err(Failed::Lost),
        }
    }

    /// Writes the pictures, and then the page, if the run is still ours.
    async fn write(&self, folder: &str, made: &Made) -> Result<(), Failed> {
        let bucket = &self.report.to.bucket;
        for file in &made.files {
            if file.name == PAGE {
                self.still_ours().await?;
            }
            let (key, body) = (format!("{folder}{}", file.name), Bytes::from(file.text.clone()));
            self.lease.check()?;
            self.storage.put_as(bucket, &key, body, file.content_type).await?;
        }
        Ok(())
    }

    /// That no other worker was given the run meanwhile.
    async fn still_ours(&self) -> Result<(), Failed> {
        match self.ledger.renew_report(self.claim, self.lasting).await? {
            true => Ok(()),
            false => Err(Failed::Lost),
        }
    }
}
