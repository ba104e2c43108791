//! Who is told what, and how long failed messages stay away.

use std::time::Duration;

use millrace_contract::{AlertKind, StageName};

use super::*;

const DATASET: &str = "[datasets.d]\nmatch = \"*.csv\"\n";

fn refused(lines: &str) -> Vec<String> {
    let text = format!("version = 1\nname = \"p\"\n{DATASET}{lines}");
    let problems = Pipeline::parse(&text).expect_err("refused").problems;
    problems.iter().map(|problem| format!("{} {}", problem.line, problem.message)).collect()
}

#[test]
fn nobody_is_told_anything_unless_the_file_says_so() {
    let pipeline = with_datasets(DATASET);
    assert_eq!((pipeline.alerts.as_ref(), pipeline.events.as_ref()), (None, None));
    let plan = pipeline.plan();
    assert!(plan.alerts.is_none() && plan.events.is_none());
    assert!(plan.services.iter().all(|service| service.access.publishes_to.is_empty()));
}

#[test]
fn alerts_without_a_word_are_about_everything() {
    let pipeline = with_datasets(&format!("{DATASET}[alerts]\n[events]\n"));
    let alerts = pipeline.alerts.as_ref().expect("alerts");
    assert_eq!(alerts.on, AlertKind::ALL);
    assert_eq!(alerts.digest, Duration::from_secs(900));
    assert_eq!(pipeline.events.as_ref().expect("events").bus, "default");
    for service in pipeline.plan().services {
        assert_eq!(service.access.publishes_to, ["p-alerts"], "{}", service.stage);
        assert_eq!(service.access.puts_events_to, ["default"], "{}", service.stage);
    }
}

#[test]
fn a_topic_of_ones_own_is_published_to_and_not_made() {
    let arn = "arn:aws:sns:eu-west-1:123456789012:ops";
    let pipeline =
        with_datasets(&format!("{DATASET}[alerts]\ntopic = \"{arn}\"\non = [\"late_dataset\"]\n"));
    let plan = pipeline.plan();
    assert_eq!(plan.alerts.expect("alerts").topic, arn);
    assert_eq!(plan.services[0].access.publishes_to, [arn]);
    assert!(plan.services[0].access.writes.is_empty(), "outages are not told");
}

#[test]
fn events_can_be_switched_off_where_they_are_described() {
    let pipeline = with_datasets(&format!("{DATASET}[events]\nbus = \"b\"\nenabled = false\n"));
    assert_eq!(pipeline.events, None);
}

#[test]
fn what_is_wrong_with_alerts_is_said_all_at_once() {
    let found = refused(
        "[alerts]\nsubscribe = [\"ops@example.com\", \"email:a@b\", \"email:a@b\"]\n\
         on = [\"dead_leter\", \"outage\", \"outage\"]\ntopic = \"p-alerts\"\ndigest = \"2d\"\n\
         [events]\nbus = \"a bus\"\n",
    );
    assert_eq!(
        found,
        [
            "6 `ops@example.com` does not say who is told",
            "6 `email:a@b` is there twice",
            "7 `dead_leter` is not one of dead_letter, file_rejected, late_dataset, outage, \
             schema_changed, lost_events",
            "7 `outage` is named twice",
            "8 a topic of your own has its subscribers already",
            "8 `p-alerts` is no topic",
            "9 `digest` has to be 1s to 1d, not `2d`",
            "11 `a bus` is no event bus",
        ]
    );
}

#[test]
fn when_files_are_expected_is_read_and_no_part_of_the_contract() {
    let freshness = |lines: &str| format!("{DATASET}[datasets.d.freshness]\n{lines}\n");
    let pipeline =
        with_datasets(&freshness("expected = \"cron(0 7 * * ? *)\"\ntimezone = \"Europe/London\""));
    let read = &pipeline.freshness[..];
    assert_eq!((read.len(), &*read[0].dataset), (1, "d"));
    assert_eq!(read[0].expected.to_string(), "cron(0 7 * * ? *) Europe/London");
    assert_eq!(pipeline.datasets, with_datasets(DATASET).datasets);
    for (lines, expected) in [
        ("", "`expected` is missing in `datasets.d.freshness`"),
        ("expected = \"at(2026-01-01T00:00:00)\"", "`at(2026-01-01T00:00:00)` comes once"),
        ("expected = \"daily by 07:00\"", "is not `rate(…)`, `cron(…)` or `at(…)`"),
        ("expected = \"cron(0 7 * * * *)\"", "one of day of month and day of week"),
        ("expected = \"rate(1 day)\"\ntimezone = \"London\"", "`London` is not a time zone"),
        ("expected = \"rate(1 day)\"\ntimezon = \"UTC\"", "unknown key `timezon`"),
    ] {
        let text = format!("version = 1\nname = \"p\"\n{}", freshness(lines));
        let problems = Pipeline::parse(&text).expect_err(lines).problems;
        assert!(problems.iter().any(|one| one.message.contains(expected)), "{problems:?}");
    }
}

#[test]
fn delays_of_failed_messages_are_the_stages_own() {
    let retry = "[stages.load.retry]\ntransient = { base = \"1s\", cap = \"2s\" }\n\
                 outage = { cap = \"10s\" }\n";
    let pipeline = with_datasets(&format!("{DATASET}{retry}"));
    let load = pipeline.stage(StageName::Load).retry;
    assert_eq!(load.transient.cap, Duration::from_secs(2));
    assert_eq!(load.outage.base, Duration::from_secs(10), "it gives way to the cap");
    let others = pipeline.stage(StageName::Ingest).retry;
    assert_eq!(load.throttled, others.throttled);
    assert_ne!(load.transient, others.transient);
    let found = refused(
        "[stages.load.retry]\ntransient = { base = \"1m\", cap = \"2s\" }\n\
         denied = { base = \"1s\" }\nthrottled = { base = \"13h\" }\n",
    );
    assert_eq!(
        found,
        [
            "6 `cap` is 2s, but `base` is 1m",
            "7 unknown key `denied` in `stages.load.retry`",
            "8 `base` has to be 0s to 12h, not `13h`",
        ]
    );
}
