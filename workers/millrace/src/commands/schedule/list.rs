//! `millrace schedule list`.

use std::process::ExitCode;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use millrace_contract::Upkeep;
use millrace_ledger::{ExportFilter, ExportRun, Ledger, UpkeepFilter, UpkeepRun};
use millrace_pipeline::PlannedSchedule;
use millrace_schedule::Schedule;
use millrace_timetable::{ScheduleEntry, Timetable};
use serde_json::{Value, json};

use super::super::{exports, maintain};
use crate::args::{Format, OutputArgs};
use crate::setup::{self, Setup};
use crate::show;

/// Times that are shown of each.
const TIMES: usize = 3;

/// What came of a schedule last.
enum Last {
    Export(ExportRun),
    Upkeep(UpkeepRun),
}

impl Last {
    /// The time it was for, and how far it came.
    fn in_short(&self) -> (DateTime<Utc>, &'static str) {
        match self {
            Self::Export(run) => (run.scheduled_at, run.state.as_str()),
            Self::Upkeep(run) => (run.scheduled_at, run.state.as_str()),
        }
    }

    fn as_json(&self) -> Value {
        match self {
            Self::Export(run) => exports::as_json(run),
            Self::Upkeep(run) => maintain::as_json(run),
        }
    }
}

/// A schedule with all that is known of it.
struct Known {
    planned: PlannedSchedule,
    /// None where Scheduler has none, or did not say.
    entry: Option<ScheduleEntry>,
    next: Vec<DateTime<Utc>>,
    last: Option<Last>,
}

impl Known {
    fn state(&self) -> &'static str {
        match &self.entry {
            Some(entry) if entry.enabled => "enabled",
            Some(_) => "disabled",
            None => "missing",
        }
    }

    /// What fires: what Scheduler has, or else what the file says.
    fn fires(&self) -> (&str, &str) {
        match &self.entry {
            Some(entry) => (&entry.expression, &entry.timezone),
            None => (&self.planned.expression, &self.planned.timezone),
        }
    }

    fn differs(&self) -> bool {
        let said = (self.planned.expression.as_str(), self.planned.timezone.as_str());
        self.entry.is_some() && self.fires() != said
    }
}

pub(super) async fn run(args: &OutputArgs) -> anyhow::Result<ExitCode> {
    let setup = Setup::new(&args.pipeline)?;
    let plan = setup.pipeline.plan();
    let entries = entries(&plan.pipeline).await;
    let ledger = setup.ledger_to_read().await?;
    let mut all = Vec::with_capacity(plan.schedules.len());
    for planned in plan.schedules {
        let entry = entries.iter().find(|entry| entry.name == planned.name).cloned();
        let next = next(&planned, entry.as_ref(), Utc::now());
        let last = last(&ledger, &planned.name).await?;
        all.push(Known { planned, entry, next, last });
    }
    match args.output {
        Format::Json => show::json(&all.iter().map(known_as_json).collect::<Vec<_>>())?,
        Format::Table if all.is_empty() => show::note("the pipeline file has no schedules"),
        Format::Table => table(&all),
    }
    Ok(ExitCode::SUCCESS)
}

/// What Scheduler has. What can't be known is left out, with a word on it.
async fn entries(group: &str) -> Vec<ScheduleEntry> {
    let timetable = Timetable::new(&setup::aws().await, group);
    match timetable.list().await {
        Ok(entries) => entries,
        Err(error) => {
            show::note(format!("the state of the schedules is not known: {error}"));
            Vec::new()
        }
    }
}

/// When it fires next; never while it is disabled.
fn next(
    planned: &PlannedSchedule,
    entry: Option<&ScheduleEntry>,
    now: DateTime<Utc>,
) -> Vec<DateTime<Utc>> {
    if entry.is_some_and(|entry| !entry.enabled) {
        return Vec::new();
    }
    let (expression, timezone) = match entry {
        Some(entry) => (&entry.expression, &entry.timezone),
        None => (&planned.expression, &planned.timezone),
    };
    let (Ok(schedule), Ok(zone)) = (expression.parse::<Schedule>(), timezone.parse::<Tz>()) else {
        return Vec::new();
    };
    let counts_from = entry.and_then(|entry| entry.counts_from);
    let anchor = counts_from.and_then(|at| DateTime::from_timestamp(at, 0)).unwrap_or(now);
    let mut times = Vec::with_capacity(TIMES);
    let mut after = now;
    while times.len() < TIMES
        && let Some(next) = schedule.next_after_from(after, zone, anchor)
    {
        times.push(next);
        after = next;
    }
    times
}

async fn last(ledger: &Ledger, name: &str) -> anyhow::Result<Option<Last>> {
    if let Some(upkeep) = Upkeep::of_schedule(name) {
        let filter = UpkeepFilter { upkeep: Some(upkeep), limit: Some(1) };
        return Ok(ledger.upkeep_runs(filter).await?.into_iter().next().map(Last::Upkeep));
    }
    let filter = ExportFilter { export: Some(name.to_owned()), state: None, limit: Some(1) };
    Ok(ledger.export_runs(&filter).await?.into_iter().next().map(Last::Export))
}

fn table(all: &[Known]) {
    let headers = ["schedule", "stage", "expression", "zone", "state", "next", "last"];
    show::table(&headers, all.iter().map(row).collect());
    for known in all.iter().filter(|known| known.differs()) {
        show::note(format!(
            "{} differs from the pipeline file, which says {} {}: deploy it",
            known.planned.name, known.planned.expression, known.planned.timezone
        ));
    }
}

fn row(known: &Known) -> Vec<String> {
    let (expression, timezone) = known.fires();
    let zone = timezone.parse::<Tz>().unwrap_or(Tz::UTC);
    let time = |at: &DateTime<Utc>| at.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string();
    let last = known.last.as_ref().map(|last| {
        let (at, state) = last.in_short();
        format!("{} {state}", time(&at))
    });
    vec![
        known.planned.name.clone(),
        known.planned.stage.to_string(),
        expression.to_owned(),
        timezone.to_owned(),
        known.state().to_owned(),
        known.next.iter().map(time).collect::<Vec<_>>().join(", "),
        last.unwrap_or_default(),
    ]
}

fn known_as_json(known: &Known) -> Value {
    let (expression, timezone) = known.fires();
    json!({
        "name": known.planned.name,
        "stage": known.planned.stage,
        "queue": known.planned.queue,
        "expression": expression,
        "timezone": timezone,
        "state": known.state(),
        "differs": known.differs(),
        "next": known.next,
        "last": known.last.as_ref().map(Last::as_json),
    })
}

#[cfg(test)]
mod tests {
    use millrace_contract::StageName;

    use super::*;

    fn planned(expression: &str) -> PlannedSchedule {
        PlannedSchedule {
            name: "users".into(),
            stage: StageName::Export,
            queue: "p-export".into(),
            expression: expression.into(),
            timezone: "Australia/Canberra".into(),
            input: String::new(),
        }
    }

    fn entry(expression: &str, enabled: bool) -> ScheduleEntry {
        ScheduleEntry {
            name: "users".into(),
            expression: expression.into(),
            timezone: "UTC".into(),
            enabled,
            target: String::new(),
            input: String::new(),
            counts_from: Some(1_767_225_630),
        }
    }

    fn times(planned: &PlannedSchedule, entry: Option<&ScheduleEntry>) -> Vec<String> {
        let now = DateTime::from_timestamp(1_767_225_600, 0).expect("a time");
        next(planned, entry, now).iter().map(|at| at.format("%d %H:%M:%S").to_string()).collect()
    }

    #[test]
    fn three_times_are_reckoned_in_the_zone_and_none_while_disabled() {
        let nightly = planned("cron(0 2 * * ? *)");
        assert_eq!(times(&nightly, None), ["01 15:00:00", "02 15:00:00", "03 15:00:00"]);
        let hourly = entry("rate(1 hour)", true);
        assert_eq!(times(&nightly, Some(&hourly)), ["01 00:00:30", "01 01:00:30", "01 02:00:30"]);
        assert!(times(&nightly, Some(&entry("rate(1 hour)", false))).is_empty());
        assert!(times(&planned("at(2020-01-01T00:00:00)"), None).is_empty());
    }
}
