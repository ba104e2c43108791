//! `millrace status`: queues, workers, how fast it goes, and what came of the
//! files; once, or again and again.

mod print;
mod stages;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use chrono::{DateTime, Utc};
use millrace_ledger::{Database, Ledger, SkipCount, StateCount};
use millrace_notify::Standing;
use millrace_queue::Sqs;
use millrace_runtime::shutdown;
use millrace_services::Services;
use millrace_warehouse::{TableTotal, Warehouse};

use self::stages::StageStatus;
use crate::args::{Format, StatusArgs};
use crate::setup::{self, Setup};
use crate::show;
use crate::telling::lateness;

/// Puts the cursor at the top left and clears what is below.
const CLEAR: &str = "\u{1b}[H\u{1b}[J";

/// Everything `status` knows.
struct Status {
    /// When it was asked for.
    at: DateTime<Utc>,
    stages: Vec<StageStatus>,
    files: Vec<StateCount>,
    freshness: Vec<Standing>,
    skipped: Vec<SkipCount>,
    tables: Vec<TableTotal>,
}

/// Whom `status` asks.
struct Sources {
    setup: Setup,
    ledger: Ledger,
    warehouse: Database,
    queues: Sqs,
    services: Services,
}

pub(super) async fn run(args: &StatusArgs) -> anyhow::Result<ExitCode> {
    let setup = Setup::new(&args.output.pipeline)?;
    let aws = setup::signed_in().await?;
    let sources = Sources {
        ledger: setup.ledger_to_read().await?,
        warehouse: setup.warehouse_to_read().await?,
        queues: Sqs::new(&aws),
        services: Services::new(&aws, &setup.pipeline.name),
        setup,
    };
    match args.watch {
        None => once(&sources, args.output.output).await?,
        Some(pause) => tokio::select! {
            watched = watch(&sources, args.output.output, pause) => watched?,
            () = shutdown::signal() => {}
        },
    }
    Ok(ExitCode::SUCCESS)
}

async fn once(sources: &Sources, format: Format) -> anyhow::Result<()> {
    let status = sources.ask().await?;
    match format {
        Format::Json => show::json(&print::as_json(&status))?,
        Format::Table => show::line(print::as_text(&status)),
    }
    Ok(())
}

/// On a terminal in place; elsewhere one after the other, JSON in a line each.
async fn watch(sources: &Sources, format: Format, pause: Duration) -> anyhow::Result<()> {
    let in_place = std::io::stdout().is_terminal() && format == Format::Table;
    loop {
        let status = sources.ask().await?;
        let text = match format {
            Format::Json => print::as_json(&status).to_string(),
            Format::Table => print::as_text(&status),
        };
        let frame = if in_place { format!("{CLEAR}{text}\n") } else { format!("{text}\n") };
        let mut output = std::io::stdout();
        // Nobody reads any more (`… | head`): that is how it ends.
        if output.write_all(frame.as_bytes()).and_then(|()| output.flush()).is_err() {
            return Ok(());
        }
        tokio::time::sleep(pause).await;
    }
}

impl Sources {
    async fn ask(&self) -> anyhow::Result<Status> {
        let plan = self.setup.pipeline.plan();
        let at = Utc::now();
        Ok(Status {
            at,
            stages: stages::ask(&plan, &self.queues, &self.services, &self.ledger).await?,
            files: self.ledger.state_counts().await?,
            freshness: lateness(&self.setup.pipeline, &self.ledger).standings(at).await?,
            skipped: self.ledger.skip_counts().await?,
            tables: self.tables().await?,
        })
    }

    /// What is in the tables, as the commit records have it. Before the first load
    /// there are none.
    async fn tables(&self) -> anyhow::Result<Vec<TableTotal>> {
        let warehouse = Warehouse::open(&self.warehouse).await?;
        Ok(warehouse.table_totals().await?)
    }
}
