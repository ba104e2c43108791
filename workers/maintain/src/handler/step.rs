//! What one message does of a run. A reconcile of a large bucket goes on by another
//! message, so that what is to be sent stays little; a run ends only in a message that
//! has nothing to send, so that none is marked as done before its events are sent.

use millrace_contract::{MaintainTask, Resume, StageName, Upkeep, UpkeepCounts};
use millrace_pipeline::Pipeline;
use millrace_runtime::{Forward, Lease};

use crate::{Compactor, Permit, Reconciler, Retirement, Site, UpkeepError};

/// Pages of the bucket's listing that one message looks at.
const MOST_PAGES: usize = 100;

/// Events that one message sends, but for those of a last page.
const MOST_EVENTS: usize = 1_000;

/// Where a reconcile is that has listed everything.
const STUCK: &str = "files without an end";

/// Where a reconcile is that has sent everything.
const END: &str = "the end";

/// What a reconcile's places in the listing begin with.
const LISTING: &str = "keys from ";

/// What came of a message.
#[derive(Debug, Default)]
pub(super) struct Step {
    /// What the run counted so far.
    pub(super) counts: UpkeepCounts,
    /// What is to be sent.
    pub(super) forward: Vec<Forward>,
    /// Where the run goes on; none at its end.
    pub(super) resume: Option<Resume>,
    /// What is worth an alert at the end.
    pub(super) told: Option<String>,
}

/// Does what the message asks for.
pub(super) async fn run(
    site: &Site,
    task: &MaintainTask,
    lease: &Lease,
) -> Result<Step, UpkeepError> {
    match task.upkeep {
        Upkeep::Reconcile => reconcile(site, task.resume.clone()).await,
        // The catalog was told.
        Upkeep::Compact | Upkeep::Retention if task.resume.is_some() => {
            let counts = task.resume.clone().unwrap_or_default().counts;
            Ok(Step { counts, ..Step::default() })
        }
        Upkeep::Compact => {
            let settings = site.pipeline.maintain.compact.clone().unwrap_or_default();
            let compactor = Compactor::new(site.clone(), settings);
            let mut step = Step::default();
            for dataset in &site.pipeline.datasets {
                let done = compactor.run(&dataset.name, Permit::Lease(lease), false).await?;
                let joined = done.get("joined").copied().unwrap_or_default();
                step.forward.extend(news(&site.pipeline, &dataset.name, joined));
                for (name, number) in done {
                    add(&mut step.counts, &name, number);
                }
            }
            Ok(told(step))
        }
        Upkeep::Retention => {
            let settings = site.pipeline.maintain.retention.clone().unwrap_or_default();
            let retirement = Retirement::new(site.clone(), settings.clone(), false);
            let counts = retirement.run(Permit::Lease(lease)).await?;
            let expired = counts.get("expired").copied().unwrap_or_default();
            let datasets = settings.lake.keys();
            let forward = datasets.filter_map(|name| news(&site.pipeline, name, expired));
            Ok(told(Step { forward: forward.collect(), counts, ..Step::default() }))
        }
    }
}

/// What the catalog is told of a dataset, if objects live where others did.
fn news(pipeline: &Pipeline, dataset: &str, changed: u64) -> Option<Forward> {
    let change = pipeline.catalog_news(dataset).filter(|_| changed > 0)?;
    Some(Forward::new(change.queue, change.body).of(change.dataset).after(change.delay))
}

/// A run that has something to send ends in another message.
fn told(step: Step) -> Step {
    match step.forward.is_empty() {
        true => step,
        false => resume_at(step, END.to_owned(), String::new()),
    }
}

async fn reconcile(site: &Site, resume: Option<Resume>) -> Result<Step, UpkeepError> {
    let settings = site.pipeline.maintain.reconcile.clone().unwrap_or_default();
    let alert_from = settings.alert_from;
    let reconciler = Reconciler::new(site.clone(), settings);
    let Resume { place, after, counts } = match resume {
        Some(resume) => resume,
        None => Resume { place: first_place(&site.pipeline), ..Resume::default() },
    };
    let step = Step { counts, ..Step::default() };
    match place.strip_prefix(LISTING) {
        Some(prefix) => list(site, &reconciler, prefix, after, step).await,
        None if place == STUCK => stuck(site, &reconciler, &after, step).await,
        None => Ok(end(step, alert_from)),
    }
}

fn first_place(pipeline: &Pipeline) -> String {
    pipeline.raw_prefixes().first().map_or(STUCK.to_owned(), |first| format!("{LISTING}{first}"))
}

/// The place behind all keys that begin with `prefix`.
fn next_place(pipeline: &Pipeline, prefix: &str) -> String {
    let prefixes = pipeline.raw_prefixes();
    let next = prefixes.iter().find(|next| **next > prefix);
    next.map_or(STUCK.to_owned(), |next| format!("{LISTING}{next}"))
}

fn add(counts: &mut UpkeepCounts, name: &str, number: u64) {
    *counts.entry(name.to_owned()).or_default() += number;
}

async fn list(
    site: &Site,
    reconciler: &Reconciler,
    prefix: &str,
    mut after: String,
    mut step: Step,
) -> Result<Step, UpkeepError> {
    let ingest = site.pipeline.queue_name(StageName::Ingest);
    for _ in 0..MOST_PAGES {
        let page = reconciler.page(prefix, &after).await?;
        for (name, number) in [
            ("listed", page.listed),
            ("unrouted", page.unrouted),
            ("young", page.young),
            ("known", page.known),
            ("lost", page.lost.len() as u64),
        ] {
            add(&mut step.counts, name, number);
        }
        for lost in &page.lost {
            let dataset = lost.datasets.first().cloned().unwrap_or_default();
            step.forward.push(Forward::new(&ingest, lost.event()).of(dataset));
        }
        let Some(last) = page.last else {
            let place = next_place(&site.pipeline, prefix);
            return Ok(resume_at(step, place, String::new()));
        };
        after = last;
        if step.forward.len() >= MOST_EVENTS {
            break;
        }
    }
    Ok(resume_at(step, format!("{LISTING}{prefix}"), after))
}

async fn stuck(
    site: &Site,
    reconciler: &Reconciler,
    after: &str,
    mut step: Step,
) -> Result<Step, UpkeepError> {
    let stuck = reconciler.stuck(after.parse().ok()).await?;
    add(&mut step.counts, "stuck", stuck.files.len() as u64 + stuck.left);
    for resent in &stuck.files {
        add(&mut step.counts, "gone", u64::from(resent.is_gone));
        reconciler.note_resent(resent).await?;
        let queue = site.pipeline.queue_name(resent.stage);
        let message = Forward::new(queue, &resent.message).of(&resent.file.run.dataset);
        step.forward.push(message);
    }
    Ok(match stuck.next {
        Some(next) => resume_at(step, STUCK.to_owned(), next.to_string()),
        None => resume_at(step, END.to_owned(), String::new()),
    })
}

fn resume_at(mut step: Step, place: String, after: String) -> Step {
    let counts = step.counts.clone();
    step.resume = Some(Resume { place, after, counts });
    step
}

fn end(mut step: Step, alert_from: u64) -> Step {
    let lost = step.counts.get("lost").copied().unwrap_or_default();
    if lost >= alert_from {
        let objects = if lost == 1 { "object" } else { "objects" };
        step.told = Some(format!("{lost} {objects} that no event told of, sent to ingest now"));
    }
    step
}
