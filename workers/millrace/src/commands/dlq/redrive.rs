//! `millrace dlq redrive`: dead letters are sent again, a few first.

use std::collections::{BTreeMap, HashSet};
use std::process::ExitCode;

use indicatif::ProgressBar;
use millrace_contract::StageName;
use millrace_ledger::{Failure, FailureFilter, FailureKey, Ledger};
use millrace_queue::Sqs;
use serde_json::{Value, json};

use super::select::{Pages, meant};
use super::sweep::{Sweeper, bar};
use crate::args::{DlqRedriveArgs, Format};
use crate::confirm::confirm;
use crate::exit::{DEAD_LETTERED, FAILED};
use crate::redrive::{AT_A_TIME, Canaries, Line, Outcome, Planner, Redriver, settle};
use crate::setup::{self, Setup};
use crate::show;

/// Messages that go first, and of how many at least, unless that is said.
const CANARIES: (usize, u64) = (5, 20);

/// Reasons that are shown to people.
const SHOWN: usize = 20;

/// What came of it.
#[derive(Default)]
struct Done {
    lines: Vec<Line>,
    /// Those that went first, and failed again.
    failed: Vec<(Line, Failure)>,
    canaries: usize,
    copies_removed: u64,
}

pub(super) async fn run(args: &DlqRedriveArgs) -> anyhow::Result<ExitCode> {
    let setup = Setup::new(&args.doing.output.pipeline)?;
    let (_, ledger) = setup.ledger(AT_A_TIME.into()).await?;
    let filter = meant(&setup.pipeline, &ledger, &args.doing.selection).await?;
    let selected = ledger.count_failures(&filter).await?;
    if selected == 0 || args.doing.dry_run {
        let lines = planned(&setup, &ledger, &filter).await?;
        print(args, selected, &Done { lines, ..Done::default() })?;
        return Ok(ExitCode::SUCCESS);
    }
    let question = format!("Send {} again?", show::count(selected, "dead letter"));
    if !confirm(&question, args.doing.yes)? {
        show::note("nothing was done");
        return Ok(ExitCode::from(FAILED));
    }
    let queues = Sqs::new(&setup::signed_in().await?);
    let redriver = Redriver::open(&setup.pipeline, &ledger, queues.clone(), args.rate).await?;
    let progress = bar("sending", selected);
    let mut redrive =
        Redrive { args, ledger: &ledger, filter, redriver, progress, done: Done::default() };
    let ended = redrive.carry_out(selected).await;
    redrive.progress.finish_and_clear();
    let mut done = redrive.done;
    let sweeper = Sweeper { pipeline: &setup.pipeline, ledger: &ledger, queues: &queues };
    done.copies_removed = sweeper.sweep(&sent_by_stage(&done.lines)).await;
    print(args, selected, &done)?;
    ended?;
    Ok(verdict(&done))
}

/// What would be done about each.
async fn planned(
    setup: &Setup,
    ledger: &Ledger,
    filter: &FailureFilter,
) -> anyhow::Result<Vec<Line>> {
    let planner = Planner::new(&setup.pipeline, ledger);
    let (mut lines, mut pages) = (Vec::new(), Pages::new(ledger, filter));
    loop {
        let page = pages.next().await?;
        if page.is_empty() {
            return Ok(lines);
        }
        for failure in &page {
            lines.push(Line::planned(failure, &planner.plan(failure).await?));
        }
    }
}

struct Redrive<'a> {
    args: &'a DlqRedriveArgs,
    ledger: &'a Ledger,
    filter: FailureFilter,
    redriver: Redriver,
    progress: ProgressBar,
    done: Done,
}

impl Redrive<'_> {
    async fn carry_out(&mut self, selected: u64) -> anyhow::Result<()> {
        let (usual, many) = CANARIES;
        let count = self.args.canary.unwrap_or(if selected > many { usual } else { 0 });
        let mut gone: HashSet<FailureKey> = HashSet::new();
        if count > 0 {
            let canaries = Canaries::choose(self.ledger, &self.filter, count).await?;
            gone.extend(canaries.failures.iter().map(Failure::key));
            self.send(&canaries.failures).await?;
            self.done.canaries = canaries.failures.len();
            show::note(format!("{} sent first; waiting for their end", self.done.canaries));
            let timeout = self.args.timeout;
            self.done.failed =
                settle(self.ledger, &canaries, &self.done.lines, timeout, || {}).await?;
            if !self.done.failed.is_empty() {
                return Ok(());
            }
        }
        let mut pages = Pages::new(self.ledger, &self.filter);
        loop {
            let mut page = pages.next().await?;
            if page.is_empty() {
                return Ok(());
            }
            page.retain(|failure| !gone.contains(&failure.key()));
            self.send(&page).await?;
        }
    }

    async fn send(&mut self, failures: &[Failure]) -> anyhow::Result<()> {
        let progress = &self.progress;
        let sent = self.redriver.send(failures, |count| progress.inc(count as u64)).await?;
        self.done.lines.extend(sent);
        Ok(())
    }
}

fn sent(lines: &[Line]) -> impl Iterator<Item = &Line> {
    lines.iter().filter(|line| line.result == Outcome::Sent)
}

fn sent_by_stage(lines: &[Line]) -> BTreeMap<StageName, u64> {
    let mut by_stage = BTreeMap::new();
    for line in sent(lines) {
        *by_stage.entry(line.stage).or_default() += 1;
    }
    by_stage
}

fn verdict(done: &Done) -> ExitCode {
    if !done.failed.is_empty() {
        return ExitCode::from(DEAD_LETTERED);
    }
    match sent(&done.lines).next() {
        Some(_) => ExitCode::SUCCESS,
        None => ExitCode::from(FAILED),
    }
}

fn print(args: &DlqRedriveArgs, selected: u64, done: &Done) -> anyhow::Result<()> {
    match args.doing.output.output {
        Format::Json => show::json(&as_json(args, selected, done)),
        Format::Table => {
            for text in summary(selected, done) {
                show::line(text);
            }
            Ok(())
        }
    }
}

fn as_json(args: &DlqRedriveArgs, selected: u64, done: &Done) -> Value {
    let line = |line: &Line| {
        json!({
            "message_id": line.key.message_id,
            "queue": line.key.queue,
            "fingerprint": line.fingerprint,
            "file_id": line.file_id,
            "way": line.way,
            "why": line.why,
            "result": line.result.as_str(),
            "replay_id": line.replay_id,
        })
    };
    let failed = |(line, failure): &(Line, Failure)| {
        json!({
            "message_id": line.key.message_id,
            "queue": line.key.queue,
            "failed_again_as": failure.record.message_id,
            "same_cause": failure.record.fingerprint == line.fingerprint,
            "message": failure.record.message,
        })
    };
    json!({
        "selected": selected,
        "sent": sent(&done.lines).count(),
        "dry_run": args.doing.dry_run,
        "canaries": done.canaries,
        "failed_again": done.failed.iter().map(failed).collect::<Vec<_>>(),
        "copies_removed": done.copies_removed,
        "dead_letters": done.lines.iter().map(line).collect::<Vec<_>>(),
    })
}

/// What people are told, line by line.
fn summary(selected: u64, done: &Done) -> Vec<String> {
    if selected == 0 {
        return vec!["no dead letter is meant".to_owned()];
    }
    let mut ways: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for line in done.lines.iter().filter(|line| line.why.is_none()) {
        *ways.entry((line.result.as_str(), line.way)).or_default() += 1;
    }
    let mut text: Vec<_> = ways
        .iter()
        .map(|((result, way), count)| {
            format!("{}: {result}, {way}", show::count(*count, "message"))
        })
        .collect();
    let left = done.lines.iter().filter_map(|line| Some((line, line.why.as_ref()?)));
    let left: Vec<_> = left.collect();
    for (line, why) in left.iter().take(SHOWN) {
        text.push(format!("{} left: {why}", line.key));
    }
    if left.len() > SHOWN {
        text.push(format!("… and {} more left", left.len() - SHOWN));
    }
    for (line, failure) in &done.failed {
        let record = &failure.record;
        let cause = match record.fingerprint == line.fingerprint {
            true => "for the same cause",
            false => "for another cause",
        };
        text.push(format!(
            "{} failed again {cause}, as {}: {}",
            line.key, record.message_id, record.message
        ));
    }
    if !done.failed.is_empty() {
        let open = selected.saturating_sub(sent(&done.lines).count() as u64);
        text.push(format!("the other {} not sent", show::count(open, "dead letter")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str, way: &'static str, why: Option<&str>, result: Outcome) -> Line {
        Line {
            key: FailureKey { queue: "p-load".into(), message_id: id.into() },
            stage: StageName::Load,
            fingerprint: "f".into(),
            file_id: None,
            way,
            why: why.map(str::to_owned),
            result,
            replay_id: None,
        }
    }

    #[test]
    fn people_are_told_how_many_went_which_way_and_why_others_stayed() {
        let lines = vec![
            line("1", "as it is", None, Outcome::Sent),
            line("2", "as it is", None, Outcome::Sent),
            line("3", "read again", None, Outcome::Sent),
            line("4", "none", Some("no task"), Outcome::Left),
        ];
        let done = Done { lines, ..Done::default() };
        let told = summary(4, &done);
        let expected =
            ["2 messages: sent, as it is", "1 message: sent, read again", "p-load/4 left: no task"];
        assert_eq!(told, expected);
        assert_eq!(sent_by_stage(&done.lines)[&StageName::Load], 3);
        assert_eq!(summary(0, &Done::default()), ["no dead letter is meant"]);
    }
}
