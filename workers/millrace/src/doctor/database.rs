//! The databases: reachable, writable, up to date, with connections for all
//! workers, and what the ledger says of durations.

use std::time::Instant;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use millrace_contract::StageName;
use millrace_ledger::{Database, DatabaseFacts, Ledger, StageDuration};
use millrace_notify::Standing;
use millrace_pipeline::{Pipeline, Plan};
use millrace_warehouse::Warehouse;

use super::Findings;
use crate::setup::Setup;
use crate::show;
use crate::telling::lateness;

/// How long back durations are looked at.
const LOOK_BACK: TimeDelta = TimeDelta::days(7);

/// One receive ends after 12 hours, whatever its heartbeat says.
const LONGEST_RECEIVE_MS: u64 = 12 * 3_600_000;

/// Looks at the ledger's database and the warehouse's; answers the ledger, if it
/// can be opened.
pub(super) async fn check(findings: &mut Findings, setup: &Setup, plan: &Plan) -> Option<Ledger> {
    let remedy = "mend `[warehouse] url` (or `[ledger]`), or start the database";
    let started = Instant::now();
    match setup.warehouse_to_read().await {
        Ok(database) => match Warehouse::open(&database).await {
            Ok(_) => check_facts(findings, "warehouse", setup, plan, &database, started).await,
            Err(error) => findings.broken("warehouse", database.name(), error.to_string(), remedy),
        },
        Err(error) => findings.broken("warehouse", "its database", format!("{error:#}"), remedy),
    }
    let started = Instant::now();
    match setup.ledger_and_database_to_read().await {
        Ok((database, ledger)) => {
            check_facts(findings, "ledger", setup, plan, &database, started).await;
            check_durations(findings, &setup.pipeline, &ledger).await;
            check_freshness(findings, &setup.pipeline, &ledger).await;
            Some(ledger)
        }
        Err(error) => {
            findings.broken("ledger", "its database", format!("{error:#}"), remedy);
            None
        }
    }
}

async fn check_facts(
    findings: &mut Findings,
    area: &'static str,
    setup: &Setup,
    plan: &Plan,
    database: &Database,
    started: Instant,
) {
    let facts = match database.facts().await {
        Ok(facts) => facts,
        Err(error) => {
            let remedy = "let the user read it, or see what the server says";
            return findings.broken(area, database.name(), error.to_string(), remedy);
        }
    };
    let took = started.elapsed().as_millis();
    let migrations: Vec<String> =
        facts.migrations.iter().map(|(set, version)| format!("{set} {version}")).collect();
    let version: String = facts.version.chars().take(60).collect();
    let seen = format!("{version}, {took} ms, tables: {}", migrations.join(", "));
    if !facts.writable {
        let remedy = "is it a replica? name the writer in the URL";
        return findings.broken(area, database.name(), format!("{seen}; read-only"), remedy);
    }
    let skew = (facts.now - Utc::now()).abs();
    if skew > TimeDelta::minutes(1) {
        let seen = format!("its clock is {} s from ours", skew.num_seconds());
        findings.doubtful(area, database.name(), seen, "synchronise both, by NTP or chrony");
    }
    match connection_problem(&facts, wanted_connections(&setup.pipeline, plan)) {
        Some((seen, remedy)) => findings.doubtful(area, database.name(), seen, remedy),
        None => findings.good(area, database.name(), seen),
    }
}

/// Connections that all workers together may open.
fn wanted_connections(pipeline: &Pipeline, plan: &Plan) -> u64 {
    let of = |stage: StageName| {
        let settings = pipeline.stage(stage);
        u64::from(settings.max_workers) * u64::from(settings.connections)
    };
    plan.services.iter().map(|service| of(service.stage)).sum()
}

fn connection_problem(facts: &DatabaseFacts, wanted: u64) -> Option<(String, &'static str)> {
    let (most, open) = facts.connections?;
    (wanted > most).then(|| {
        let seen = format!(
            "{wanted} connections if every stage has its `max_workers`, and the server takes \
             {most} ({open} are open)"
        );
        (seen, "lower `connections` or `max_workers`, or put a pooler or a larger server there")
    })
}

async fn check_durations(findings: &mut Findings, pipeline: &Pipeline, ledger: &Ledger) {
    let durations = match ledger.durations(Utc::now() - LOOK_BACK).await {
        Ok(durations) => durations,
        Err(error) => {
            return findings.doubtful("durations", "all stages", error.to_string(), "see above");
        }
    };
    for duration in &durations {
        let Ok(stage) = duration.stage.parse::<StageName>() else { continue };
        let visibility_ms = u64::try_from(pipeline.stage(stage).visibility.as_millis());
        let seen = format!(
            "{} attempts in seven days, {} ms on average, {} ms at most",
            show::number(duration.attempts),
            show::number(duration.mean_ms),
            show::number(duration.longest_ms)
        );
        match duration_problem(duration, visibility_ms.unwrap_or(u64::MAX)) {
            Some(remedy) => findings.doubtful("durations", &duration.stage, seen, remedy),
            None => findings.good("durations", &duration.stage, seen),
        }
    }
}

/// Datasets whose files are expected by some time.
async fn check_freshness(findings: &mut Findings, pipeline: &Pipeline, ledger: &Ledger) {
    let now = Utc::now();
    let standings = match lateness(pipeline, ledger).standings(now).await {
        Ok(standings) => standings,
        Err(error) => {
            return findings.doubtful("freshness", "all datasets", error.to_string(), "see above");
        }
    };
    let moment = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    for Standing { dataset, expected, newest, late, next } in standings {
        let newest = newest.map_or("no file yet".to_owned(), |newest| {
            format!("the newest file was loaded at {}", moment(newest))
        });
        match (late, next) {
            (Some(late), _) => findings.doubtful(
                "freshness",
                &dataset,
                format!("late since {} ({expected}); {newest}", moment(late.since)),
                format!(
                    "ask who publishes it; `millrace runs --dataset {dataset}` and `millrace dlq \
                     list --dataset {dataset}` show what came of its files"
                ),
            ),
            (None, Some(next)) => {
                let seen = format!("{newest}; the next is expected by {}", moment(next));
                findings.good("freshness", &dataset, seen);
            }
            (None, None) => findings.doubtful(
                "freshness",
                &dataset,
                format!("`{expected}` comes no more; {newest}"),
                "mend `expected`, or leave `freshness` out",
            ),
        }
    }
}

/// Visibility is what a heartbeat extends: it may be shorter than the work. But
/// each extension is a chance to lose the lease, and a long one keeps a dead
/// worker's messages from others.
fn duration_problem(duration: &StageDuration, visibility_ms: u64) -> Option<String> {
    if duration.longest_ms > LONGEST_RECEIVE_MS / 2 {
        return Some("near SQS's limit of 12 hours for one receive: split the files".to_owned());
    }
    if duration.mean_ms > visibility_ms {
        return Some(format!(
            "most outlast their visibility of {} s: raise `visibility` to {} s",
            visibility_ms / 1000,
            (duration.mean_ms * 2).div_ceil(60_000) * 60
        ));
    }
    let idle = visibility_ms > 600_000 && visibility_ms > duration.longest_ms.saturating_mul(20);
    idle.then(|| {
        format!(
            "a worker that dies keeps its files for {} s: lower `visibility`",
            visibility_ms / 1000
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visibility_that_is_much_too_short_or_long_is_doubtful() {
        let problem = |mean_ms, longest_ms, visibility_ms| {
            let stage = "load".to_owned();
            let duration = StageDuration { stage, attempts: 9, longest_ms, mean_ms };
            duration_problem(&duration, visibility_ms)
        };
        assert_eq!(problem(1_000, 90_000, 60_000), None);
        let short = problem(90_000, 100_000, 60_000).expect("a problem");
        assert!(short.contains("raise `visibility` to 180 s"), "{short}");
        let long = problem(100, 1_000, 3_600_000).expect("a problem");
        assert!(long.contains("lower `visibility`"), "{long}");
        assert!(problem(1, 7 * 3_600_000, 60_000).expect("a problem").contains("12 hours"));
    }

    #[test]
    fn more_connections_than_the_server_takes_are_doubtful() {
        let mut facts = DatabaseFacts {
            version: "x".to_owned(),
            now: Utc::now(),
            connections: Some((100, 3)),
            writable: true,
            migrations: Vec::new(),
        };
        assert_eq!(connection_problem(&facts, 100), None);
        assert!(connection_problem(&facts, 101).is_some());
        facts.connections = None;
        assert_eq!(connection_problem(&facts, 101), None);
    }
}
