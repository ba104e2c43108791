//! `millrace status`: queues, and what came of the files.

use std::process::ExitCode;

use millrace_ledger::{SkipCount, StateCount};
use millrace_pipeline::{Pipeline, PlannedQueue};
use millrace_queue::{Depth, Queues, Sqs};
use millrace_warehouse::{TableTotal, Warehouse};
use serde_json::{Value, json};

use crate::args::{Format, OutputArgs};
use crate::setup::{self, Setup};
use crate::show::{self, Style};

/// Everything `status` knows.
struct Status {
    queues: Vec<QueueStatus>,
    files: Vec<StateCount>,
    skipped: Vec<SkipCount>,
    tables: Vec<TableTotal>,
}

struct QueueStatus {
    planned: PlannedQueue,
    depth: Depth,
    dead_letters: u64,
}

pub(super) async fn run(args: &OutputArgs) -> anyhow::Result<ExitCode> {
    let setup = Setup::new(&args.pipeline)?;
    let ledger = setup.ledger_to_read().await?;
    let status = Status {
        queues: queues(&setup.pipeline).await?,
        files: ledger.state_counts().await?,
        skipped: ledger.skip_counts().await?,
        tables: tables(&setup).await?,
    };
    match args.output {
        Format::Json => show::json(&as_json(&status))?,
        Format::Table => print(&status),
    }
    Ok(ExitCode::SUCCESS)
}

async fn queues(pipeline: &Pipeline) -> anyhow::Result<Vec<QueueStatus>> {
    let sqs = Sqs::new(&setup::aws().await);
    let mut queues = Vec::new();
    for planned in pipeline.plan().queues {
        let depth = sqs.queue(&planned.name).await?.depth().await?;
        let dead_letters = sqs.queue(&planned.dead_letter_queue).await?.depth().await?.total();
        queues.push(QueueStatus { planned, depth, dead_letters });
    }
    Ok(queues)
}

/// What is in the tables, as the commit records have it. Before the first load
/// there are none.
async fn tables(setup: &Setup) -> anyhow::Result<Vec<TableTotal>> {
    let database = setup.warehouse_to_read().await?;
    let warehouse = Warehouse::open(&database).await?;
    Ok(warehouse.table_totals().await?)
}

fn print(status: &Status) {
    let queues = status.queues.iter().map(|queue| {
        vec![
            queue.planned.stage.to_string(),
            queue.planned.name.clone(),
            show::number(queue.depth.visible),
            show::number(queue.depth.in_flight),
            show::number(queue.depth.delayed),
            show::number(queue.dead_letters),
        ]
    });
    show::table(
        &["stage", "queue", "#waiting", "#in flight", "#delayed", "#dead letters"],
        queues.collect(),
    );
    section("files", &status.files, &["dataset", "state", "#files"], |count| {
        vec![count.dataset.clone(), count.state.to_string(), show::number(count.files)]
    });
    section("tables", &status.tables, &["table", "#rows", "#loads"], |table| {
        vec![table.table.clone(), show::number(table.rows), show::number(table.loads)]
    });
    section("skipped", &status.skipped, &["reason", "#objects", "example"], |skip| {
        vec![skip.reason.clone(), show::number(skip.objects), skip.example.clone()]
    });
}

fn section<T>(title: &str, items: &[T], headers: &[&str], row: impl Fn(&T) -> Vec<String>) {
    if !items.is_empty() {
        show::line(format!("\n{}", show::styled(title, Style::Bold)));
        show::table(headers, items.iter().map(row).collect());
    }
}

fn as_json(status: &Status) -> Value {
    let queues = status.queues.iter().map(|queue| {
        json!({
            "stage": queue.planned.stage,
            "queue": queue.planned.name,
            "visible": queue.depth.visible,
            "in_flight": queue.depth.in_flight,
            "delayed": queue.depth.delayed,
            "dead_letter_queue": queue.planned.dead_letter_queue,
            "dead_letters": queue.dead_letters,
        })
    });
    let files = status.files.iter().map(|count| {
        json!({ "dataset": count.dataset, "state": count.state.as_str(), "files": count.files })
    });
    let skipped = status.skipped.iter().map(
        |skip| json!({ "reason": skip.reason, "objects": skip.objects, "example": skip.example }),
    );
    let tables = status
        .tables
        .iter()
        .map(|table| json!({ "table": table.table, "rows": table.rows, "loads": table.loads }));
    json!({
        "queues": queues.collect::<Vec<_>>(),
        "files": files.collect::<Vec<_>>(),
        "skipped": skipped.collect::<Vec<_>>(),
        "tables": tables.collect::<Vec<_>>(),
    })
}
