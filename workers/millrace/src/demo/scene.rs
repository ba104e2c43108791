//! What every example works with: a running stack, and its ledger and lake.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use millrace_contract::{Captures, ReportSource, StageName};
use millrace_lake::tables_of;
use millrace_ledger::Ledger;
use millrace_queue::{Outgoing, Queues, Sqs};
use millrace_report::Source;
use millrace_sql::SqlQuery;
use millrace_storage::{S3Storage, Storage};

use super::{progress, report, step};
use crate::args::RowFormat;
use crate::commands::publish::{find, upload_all};
use crate::commands::report::make_now;
use crate::dev::Stack;
use crate::rows::RowPrinter;
use crate::setup::Setup;
use crate::show;

/// Memory of a query that shows a result, in bytes.
const MEMORY: u64 = 256 << 20;

/// Messages that are handed on together: ten full requests.
const SENT_AT_A_TIME: usize = 100;

/// A stack that an example is played on.
pub(super) struct Scene<'a> {
    /// Endpoint and workers.
    pub(super) stack: &'a Stack,
    /// The pipeline and its databases.
    pub(super) setup: &'a Setup,
    /// Folder of all state.
    pub(super) data: &'a Path,
    /// The history.
    pub(super) ledger: Ledger,
    storage: Arc<S3Storage>,
}

impl<'a> Scene<'a> {
    /// Opens ledger and lake of a running stack.
    pub(super) async fn open(
        stack: &'a Stack,
        setup: &'a Setup,
        data: &'a Path,
    ) -> anyhow::Result<Self> {
        let (_, ledger) = setup.ledger(2).await?;
        let storage = Arc::new(S3Storage::new(stack.aws()));
        Ok(Self { stack, setup, data, ledger, storage })
    }

    /// Folder for sample files.
    pub(super) fn samples(&self) -> PathBuf {
        self.data.join("samples")
    }

    /// Publishes the sample files, with a word on some: how many they are.
    pub(super) async fn publish(&self, notes: &[String]) -> anyhow::Result<u64> {
        let raw = &self.setup.pipeline.lake.raw;
        let files = find(&self.setup.pipeline, &[self.samples()], None, &Captures::new())?;
        let count = files.len() as u64;
        step(&format!("publishing {} to s3://{raw}", show::count(count, "sample file")));
        for note in notes {
            show::note(show::styled(format_args!("  {note}"), show::Style::Faint));
        }
        let storage: Arc<dyn Storage> = Arc::clone(&self.storage) as _;
        upload_all(storage, raw, &files).await?;
        Ok(count)
    }

    /// Follows this number of files until every queue is drained.
    ///
    /// # Errors
    /// Also if not every file came to an end: a demo that lost one has failed,
    /// whatever it printed.
    pub(super) async fn drain(&self, files: u64) -> anyhow::Result<()> {
        progress::follow(self.stack, &self.ledger, files).await?;
        let counts = self.ledger.state_counts().await?;
        let ended = counts.iter().filter(|count| count.state.is_final());
        let ended: u64 = ended.map(|count| count.files).sum();
        if ended != files {
            bail!("{files} files were published, but {ended} came to an end; see the logs");
        }
        Ok(())
    }

    /// Sends messages to a stage's queue.
    pub(super) async fn send(
        &self,
        stage: StageName,
        messages: impl IntoIterator<Item = String>,
    ) -> anyhow::Result<()> {
        let name = self.setup.pipeline.queue_name(stage);
        let queue = Sqs::new(self.stack.aws()).queue(&name).await?;
        let messages: Vec<_> = messages.into_iter().map(Outgoing::new).collect();
        for some in messages.chunks(SENT_AT_A_TIME) {
            for sent in queue.send(some).await {
                sent?;
            }
        }
        Ok(())
    }

    /// Waits until every queue is drained.
    pub(super) async fn settle(&self) -> anyhow::Result<()> {
        self.stack.idle().await
    }

    /// Makes a report into a folder, and says where its page is.
    pub(super) async fn report(&self, name: &str) -> anyhow::Result<()> {
        let report = self.setup.pipeline.report(name);
        let report = report.with_context(|| format!("the example has no report `{name}`"))?;
        let source = match report.source {
            ReportSource::Warehouse => Source::Warehouse(self.setup.warehouse(1).await?),
            ReportSource::Lake => {
                self.setup.lake_source(self.ledger.clone(), Arc::clone(&self.storage))
            }
        };
        let out = self.data.join("reports").join(name);
        let page = make_now(self.setup, report, &source, &out).await?;
        report::title("Report");
        show::line(page.display());
        Ok(())
    }

    /// Prints the rows of a query over the lake's datasets.
    pub(super) async fn show(&self, title: &str, sql: &str) -> anyhow::Result<()> {
        report::title(title);
        let storage: Arc<dyn Storage> = Arc::clone(&self.storage) as _;
        let datasets = self.setup.pipeline.datasets.iter();
        let names: Vec<_> = datasets.map(|dataset| dataset.name.clone()).collect();
        let tables = tables_of(&self.ledger, &storage, sql, &names).await?;
        let sql = sql.to_owned();
        let printed = tokio::task::spawn_blocking(move || {
            let query = SqlQuery::over_tables(&sql, MEMORY, &tables)?;
            let mut printer = RowPrinter::of_schema(RowFormat::Table, &query.schema());
            for batch in query.rows()? {
                printer.batch(&batch?)?;
            }
            printer.finish()
        });
        printed.await?
    }
}
