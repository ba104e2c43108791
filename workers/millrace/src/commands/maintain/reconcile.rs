//! `millrace reconcile`: what was published is held against the ledger at once, and
//! what was lost is sent on its way; with a prefix, a backfill.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use millrace_contract::{StageName, Upkeep, UpkeepCounts};
use millrace_maintain::{Lost, Reconciler, Resent};
use millrace_pipeline::Pipeline;
use millrace_queue::{Outgoing, Queue, Queues, Sqs};
use serde_json::{Value, json};

use super::{claim, site};
use crate::args::{Format, ReconcileArgs};
use crate::datasets;
use crate::setup::Setup;
use crate::show;

/// Objects that are shown one by one.
const MOST_SHOWN: usize = 10_000;

/// What was found and done.
#[derive(Default)]
struct Findings {
    counts: UpkeepCounts,
    lines: Vec<Line>,
}

/// An object that goes on its way.
struct Line {
    what: &'static str,
    url: String,
    datasets: String,
    version_id: Option<String>,
    size: Option<u64>,
    modified_at: Option<chrono::DateTime<chrono::Utc>>,
}

pub(in super::super) async fn run(args: &ReconcileArgs) -> anyhow::Result<ExitCode> {
    let setup = Setup::new(&args.output.pipeline)?;
    if let Some(name) = &args.dataset {
        datasets::named(&setup.pipeline, name)?;
    }
    let (site, aws) = site(&setup).await?;
    let mut settings = setup.pipeline.maintain.reconcile.clone().unwrap_or_default();
    settings.older_than = args.older_than.unwrap_or(settings.older_than);
    let reconciler = Reconciler::new(site.clone(), settings).of_dataset(args.dataset.clone());
    let queues = match args.dry_run {
        true => None,
        false => Some(Targets::open(&setup.pipeline, &Sqs::new(&aws)).await?),
    };
    let search = Search { args, reconciler: &reconciler, queues: queues.as_ref() };
    let work = async {
        let found = search.run(&setup.pipeline).await?;
        let counts = found.counts.clone();
        Ok((found, counts))
    };
    let found = claim::under(&site.ledger, Upkeep::Reconcile, args.dry_run, work).await?;
    print(args, &found)?;
    Ok(ExitCode::SUCCESS)
}

/// The queues that what was lost is sent to.
struct Targets {
    ingest: Arc<dyn Queue>,
    transform: Arc<dyn Queue>,
    load: Arc<dyn Queue>,
}

impl Targets {
    async fn open(pipeline: &Pipeline, queues: &Sqs) -> anyhow::Result<Self> {
        let queue = async |stage| queues.queue(&pipeline.queue_name(stage)).await;
        Ok(Self {
            ingest: queue(StageName::Ingest).await?,
            transform: queue(StageName::Transform).await?,
            load: queue(StageName::Load).await?,
        })
    }

    fn of(&self, stage: StageName) -> &dyn Queue {
        match stage {
            StageName::Load => self.load.as_ref(),
            StageName::Transform => self.transform.as_ref(),
            StageName::Ingest
            | StageName::Export
            | StageName::Derive
            | StageName::Report
            | StageName::Maintain
            | StageName::Collect
            | StageName::Catalog => self.ingest.as_ref(),
        }
    }
}

async fn send(queue: &dyn Queue, messages: &[Outgoing]) -> anyhow::Result<()> {
    for sent in queue.send(messages).await {
        sent?;
    }
    Ok(())
}

/// A way through the bucket.
struct Search<'a> {
    args: &'a ReconcileArgs,
    reconciler: &'a Reconciler,
    /// None where nothing is to be sent.
    queues: Option<&'a Targets>,
}

impl Search<'_> {
    async fn run(&self, pipeline: &Pipeline) -> anyhow::Result<Findings> {
        let mut found = Findings::default();
        for name in ["listed", "unrouted", "young", "known", "lost", "stuck", "gone"] {
            found.counts.insert(name.to_owned(), 0);
        }
        let bar = spinner();
        for prefix in prefixes(self.args, pipeline) {
            self.list(&prefix, &bar, &mut found).await?;
        }
        self.stuck(&mut found).await?;
        bar.finish_and_clear();
        Ok(found)
    }

    async fn list(
        &self,
        prefix: &str,
        bar: &ProgressBar,
        found: &mut Findings,
    ) -> anyhow::Result<()> {
        let mut after = String::new();
        loop {
            let page = self.reconciler.page(prefix, &after).await?;
            for (name, number) in [
                ("listed", page.listed),
                ("unrouted", page.unrouted),
                ("young", page.young),
                ("known", page.known),
                ("lost", page.lost.len() as u64),
            ] {
                found.add(name, number);
            }
            bar.inc(page.listed);
            bar.set_message(format!("{} lost", found.counts["lost"]));
            if let Some(queues) = self.queues {
                let event = |lost: &Lost| {
                    Outgoing::new(lost.event()).grouped(lost.datasets.first().cloned())
                };
                let events: Vec<Outgoing> = page.lost.iter().map(event).collect();
                send(queues.ingest.as_ref(), &events).await?;
            }
            found.show(page.lost.iter().map(Line::lost));
            match page.last {
                Some(last) => after = last,
                None => return Ok(()),
            }
        }
    }

    async fn stuck(&self, found: &mut Findings) -> anyhow::Result<()> {
        let prefix = self.args.prefix.as_deref().unwrap_or_default();
        let mut after = None;
        loop {
            let stuck = self.reconciler.stuck(after).await?;
            let is_meant = |resent: &&Resent| resent.file.run.object.key.starts_with(prefix);
            for resent in stuck.files.iter().filter(is_meant) {
                found.add("stuck", 1);
                found.add("gone", u64::from(resent.is_gone));
                if let Some(queues) = self.queues {
                    self.reconciler.note_resent(resent).await?;
                    let dataset = Some(resent.file.run.dataset.clone());
                    let message = Outgoing::new(&resent.message).grouped(dataset);
                    send(queues.of(resent.stage), &[message]).await?;
                }
                found.show([Line::stuck(resent)]);
            }
            match stuck.next {
                Some(_) => after = stuck.next,
                None => return Ok(()),
            }
        }
    }
}

impl Findings {
    fn add(&mut self, name: &str, number: u64) {
        *self.counts.entry(name.to_owned()).or_default() += number;
    }

    fn show(&mut self, lines: impl IntoIterator<Item = Line>) {
        let room = MOST_SHOWN - self.lines.len();
        self.lines.extend(lines.into_iter().take(room));
    }
}

impl Line {
    fn lost(lost: &Lost) -> Self {
        Self {
            what: "lost",
            url: lost.object.url(),
            datasets: lost.datasets.join(", "),
            version_id: lost.object.version_id.clone(),
            size: lost.object.size,
            modified_at: Some(lost.modified),
        }
    }

    fn stuck(resent: &Resent) -> Self {
        let run = &resent.file.run;
        Self {
            what: if resent.is_gone { "gone" } else { "stuck" },
            url: run.object.url(),
            datasets: run.dataset.clone(),
            version_id: run.object.version_id.clone(),
            size: run.object.size,
            modified_at: resent.file.published_at,
        }
    }

    fn row(&self) -> Vec<String> {
        let stored = self.modified_at.map(|at| at.format("%Y-%m-%d %H:%M:%S").to_string());
        vec![
            self.what.to_owned(),
            self.url.clone(),
            self.datasets.clone(),
            self.size.map(show::bytes).unwrap_or_default(),
            stored.unwrap_or_default(),
        ]
    }

    fn as_json(&self) -> Value {
        json!({
            "what": self.what,
            "url": self.url,
            "datasets": self.datasets,
            "version_id": self.version_id,
            "size": self.size,
            "modified_at": self.modified_at,
        })
    }
}

/// What the keys begin with that are looked at.
fn prefixes(args: &ReconcileArgs, pipeline: &Pipeline) -> Vec<String> {
    if let Some(prefix) = &args.prefix {
        return vec![prefix.clone()];
    }
    if let Some(name) = &args.dataset {
        let planned = pipeline.plan().datasets.into_iter();
        let of_it = planned.filter(|dataset| dataset.name == *name);
        return of_it.map(|dataset| dataset.raw_prefix).collect();
    }
    pipeline.raw_prefixes().into_iter().map(str::to_owned).collect()
}

/// How many objects were looked at, on a terminal.
fn spinner() -> ProgressBar {
    // The template is fixed; should it ever be wrong, the default one does.
    let style = ProgressStyle::with_template("{spinner} {human_pos} objects, {msg} {per_sec}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn print(args: &ReconcileArgs, found: &Findings) -> anyhow::Result<()> {
    let count = |name: &str| found.counts.get(name).copied().unwrap_or_default();
    match args.output.output {
        Format::Json => show::json(&json!({
            "dry_run": args.dry_run,
            "listed": count("listed"),
            "unrouted": count("unrouted"),
            "young": count("young"),
            "known": count("known"),
            "lost": count("lost"),
            "stuck": count("stuck"),
            "gone": count("gone"),
            "files": found.lines.iter().map(Line::as_json).collect::<Vec<_>>(),
        }))?,
        Format::Table => {
            if !found.lines.is_empty() {
                let headers = ["what", "object", "dataset", "#bytes", "stored"];
                show::table(&headers, found.lines.iter().map(Line::row).collect());
            }
            let shown = found.lines.len() as u64;
            let more = (count("lost") + count("stuck")).saturating_sub(shown);
            if more > 0 {
                show::note(format!("and {} more", show::number(more)));
            }
            show::line(summary(args.dry_run, &count));
        }
    }
    Ok(())
}

fn summary(dry_run: bool, count: &impl Fn(&str) -> u64) -> String {
    let sent = if dry_run { "would be sent" } else { "sent" };
    format!(
        "{} looked at: {} known, {} too young, {} of no dataset; {} lost and {} stuck, {sent}",
        show::count(count("listed"), "object"),
        show::number(count("known")),
        show::number(count("young")),
        show::number(count("unrouted")),
        show::number(count("lost")),
        show::number(count("stuck")),
    )
}
