//! What the demo ends with: tables, rejects, dead letters, where it all lies,
//! and what to try next.

use std::path::Path;

use millrace_ledger::{Database, Ledger, RuleOutcome};
use millrace_pipeline::Pipeline;
use millrace_queue::{Queues, Sqs};
use millrace_warehouse::Warehouse;

use crate::dev::Stack;
use crate::show::{self, Style};

/// Prints what became of the files.
pub(super) async fn print(
    stack: &Stack,
    pipeline: &Pipeline,
    ledger: &Ledger,
    database: &Database,
) -> anyhow::Result<()> {
    loaded(database).await?;
    rejected(ledger).await?;
    dead_letters(stack, pipeline, ledger).await?;
    places(stack, pipeline, database);
    Ok(())
}

/// Prints a title.
pub(super) fn title(text: &str) {
    show::line(format!("\n{}", show::styled(text, Style::Bold)));
}

async fn loaded(database: &Database) -> anyhow::Result<()> {
    title("Rows loaded");
    let totals = Warehouse::open(database).await?.table_totals().await?;
    let rows = totals.iter().map(|table| {
        vec![table.table.clone(), show::number(table.rows), show::number(table.loads)]
    });
    show::table(&["table", "#rows", "#files"], rows.collect());
    Ok(())
}

async fn rejected(ledger: &Ledger) -> anyhow::Result<()> {
    let totals = ledger.reject_totals(None).await?;
    let of = |outcome| totals.iter().filter(move |total| total.outcome == outcome);
    title("Rows rejected");
    let rows = of(RuleOutcome::Rejected).map(|total| {
        vec![
            total.dataset.clone(),
            show::number(total.rows),
            total.rule.clone(),
            show::brief(&total.example, 80),
        ]
    });
    show::table(&["dataset", "#rows", "rule", "example"], rows.collect());
    for total in of(RuleOutcome::Warned) {
        let rows = show::count(total.rows, "row");
        show::line(format!("(kept with a warning: {rows} of {}, `{}`)", total.dataset, total.rule));
    }
    Ok(())
}

async fn dead_letters(stack: &Stack, pipeline: &Pipeline, ledger: &Ledger) -> anyhow::Result<()> {
    title("Dead letters");
    let failures = ledger.failures(false).await?;
    let rows = failures.iter().map(|failure| {
        let record = &failure.record;
        let object = record.object.as_ref().map(|object| object.key.clone()).unwrap_or_default();
        vec![
            format!("{}-dlq", record.queue),
            record.class.to_string(),
            object,
            show::brief(&record.message, 80),
        ]
    });
    show::table(&["queue", "class", "object", "reason"], rows.collect());
    let sqs = Sqs::new(stack.aws());
    let mut waiting = 0;
    for stage in pipeline.stages() {
        let queue = sqs.queue(&pipeline.dead_letter_queue_name(stage)).await?;
        waiting += queue.depth().await?.total();
    }
    show::line(format!("({} in the dead-letter queues)", show::count(waiting, "message")));
    Ok(())
}

fn places(stack: &Stack, pipeline: &Pipeline, database: &Database) {
    title("Where it lies");
    let data = stack.data();
    let inside = |name: &str| data.join(name).display().to_string();
    let places = [
        ("state", data.display().to_string()),
        ("warehouse", database.name().to_owned()),
        ("ledger", inside("warehouse.ledger.db")),
        ("lake", format!("s3://{}, kept under {}", pipeline.lake.curated, inside("aws"))),
        ("samples", inside("samples")),
        ("logs", inside("logs")),
    ];
    for (name, place) in places {
        show::line(format!("{name:<10} {place}"));
    }
}

/// Commands that work now that everything has stopped.
pub(super) fn next_steps(pipeline: &Path, data: &Path, commands: &[&str]) {
    let shown = |path: &Path| {
        let here = std::env::current_dir().ok();
        let short = here.and_then(|here| path.strip_prefix(here).map(Path::to_owned).ok());
        short.unwrap_or_else(|| path.to_owned()).display().to_string()
    };
    let (pipeline, data) = (shown(pipeline), shown(data));
    title("Next");
    for command in commands {
        show::line(format!("cargo run --release -- {command} --pipeline {pipeline} --data {data}"));
    }
}
