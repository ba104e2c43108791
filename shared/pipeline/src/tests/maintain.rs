//! Upkeep: what is read, and what is said of what can't be.

use std::time::Duration;

use millrace_contract::{StageName, Upkeep};

use super::problems::problems;
use super::*;

const DATASETS: &str = "version = 1\nname = \"p\"\n[datasets.users]\nmatch = \"in/*.csv\"\n\
                        [datasets.orders]\nmatch = \"in/orders/*.csv\"\n\
                        [datasets.sales]\nmatch = \"sales/{year}/*.csv\"\n";

fn with(lines: &str) -> String {
    format!("{DATASETS}{lines}\n")
}

fn read(lines: &str) -> Pipeline {
    Pipeline::parse(&with(lines)).unwrap()
}

const DAY: u64 = 86_400;

#[test]
fn without_a_word_of_it_there_is_no_upkeep() {
    let pipeline = read("");
    assert_eq!(pipeline.stages(), StageName::JOURNEY);
    assert!(pipeline.plan().schedules.is_empty());
}

#[test]
fn each_kind_has_defaults_and_a_schedule_only_where_it_says_so() {
    let pipeline = read("[maintain.reconcile]\n[maintain.compact]\n[maintain.retention]");
    let reconcile = pipeline.maintain.reconcile.clone().unwrap();
    assert_eq!(reconcile.older_than, Duration::from_secs(900));
    assert_eq!((reconcile.stuck_after, reconcile.alert_from), (Duration::from_secs(DAY), 1));
    let compact = pipeline.maintain.compact.clone().unwrap();
    assert_eq!((compact.target, compact.min_files), (128 << 20, 8));
    let retention = pipeline.maintain.retention.clone().unwrap();
    assert_eq!(retention.superseded, Some(Duration::from_secs(7 * DAY)));
    assert_eq!((retention.rejects, retention.history), (None, None));
    assert_eq!(pipeline.stages().last(), Some(&StageName::Maintain));
    assert!(pipeline.plan().schedules.is_empty());
}

#[test]
fn ages_are_read_and_what_never_goes_says_so() {
    let lines = "[maintain.retention]\nsuperseded = \"2d\"\nrejects = \"90d\"\nhistory = \"never\"\n\
                 lake = { sales = \"3y\" }";
    let retention = read(lines).maintain.retention.unwrap();
    let days = |days| Some(Duration::from_secs(days * DAY));
    assert_eq!((retention.superseded, retention.rejects), (days(2), days(90)));
    assert_eq!((retention.history, retention.lake.get("sales").copied()), (None, days(1_095)));
}

#[test]
fn schedules_send_to_the_stages_queue_in_their_time_zone() {
    let lines = "[maintain.reconcile]\nschedule = \"rate(1 hour)\"\n[maintain.compact]\n\
                 schedule = \"cron(0 3 * * ? *)\"\ntimezone = \"Europe/Berlin\"";
    let plan = read(lines).plan();
    let schedules: Vec<_> = plan
        .schedules
        .iter()
        .map(|one| (one.name.as_str(), one.queue.as_str(), one.timezone.as_str()))
        .collect();
    let queue = "p-maintain";
    let expected =
        [("maintain-reconcile", queue, "UTC"), ("maintain-compact", queue, "Europe/Berlin")];
    assert_eq!(schedules, expected);
    assert_eq!(Upkeep::of_schedule("maintain-compact"), Some(Upkeep::Compact));
    assert!(plan.schedules[0].input.contains(r#""upkeep":"reconcile""#));
}

#[test]
fn a_role_has_what_its_upkeep_needs_and_no_more() {
    let access = |lines: &str| {
        let plan = read(lines).plan();
        plan.services.last().unwrap().access.clone()
    };
    let keys = |prefixes: &[crate::PlannedPrefix]| -> Vec<String> {
        prefixes.iter().map(|one| format!("{}/{}", one.bucket, one.prefix)).collect()
    };
    let reconcile = access("[maintain.reconcile]");
    assert_eq!(reconcile.sends_to, ["p-ingest", "p-transform", "p-load", "p-maintain"]);
    assert_eq!(keys(&reconcile.reads), ["p-raw/in/", "p-raw/in/orders/", "p-raw/sales/"]);
    assert!(reconcile.writes.is_empty() && reconcile.deletes.is_empty());
    let compact = access("[maintain.compact]");
    assert_eq!(compact.sends_to, ["p-maintain"]);
    assert_eq!(keys(&compact.writes), ["p-lake/users/", "p-lake/orders/", "p-lake/sales/"]);
    assert!(compact.deletes.is_empty());
    let retention = access("[maintain.retention]\nrejects = \"90d\"");
    assert!(retention.writes.is_empty());
    assert_eq!(retention.deletes.len(), 6);
    assert!(keys(&retention.deletes).contains(&"p-lake/_rejects/sales/".to_owned()));
    assert!(access("[maintain.retention]\nsuperseded = \"never\"").deletes.is_empty());
}

#[test]
fn the_bucket_is_listed_by_as_few_prefixes_as_cover_all_datasets() {
    assert_eq!(read("").raw_prefixes(), ["in/", "sales/"]);
    let all = Pipeline::parse("version = 1\nname = \"p\"\n[datasets.d]\nmatch = \"*.csv\"\n");
    assert_eq!(all.unwrap().raw_prefixes(), [""]);
}

#[test]
fn what_can_t_be_is_said() {
    for (lines, expected) in [
        ("[maintain.reconcil]", "unknown key `reconcil` in `maintain`"),
        ("[maintain.compact]\ntarget = \"1B\"", "`target` has to be 1KiB to 4GiB, not `1B`"),
        ("[maintain.compact]\nmin_files = 1", "`min_files` has to be 2 to 1000, not 1"),
        (
            "[maintain.reconcile]\nschedule = \"hourly\"",
            "`hourly` is not `rate(…)`, `cron(…)` or `at(…)`",
        ),
        ("[maintain.retention]\nrejects = \"soon\"", "`soon` is not a duration"),
        ("[maintain.retention]\nlake = { sale = \"1y\" }", "there is no dataset `sale`"),
        (
            "[maintain.retention]\nsuperseded = \"never\"\nlake = { sales = \"1y\" }",
            "objects whose time has come go once `superseded` has passed, which is never",
        ),
        ("[maintain.retention]\nhistory = \"1d\"", "`history` has to be 15d to 36500d, not `1d`"),
        (
            "[maintain.compact]\n[exports.maintain-compact]\ntable = \"t\"\nto = \"e/t\"",
            "an export has the name of this schedule, `maintain-compact`",
        ),
    ] {
        let said: Vec<String> =
            problems(&with(lines)).into_iter().map(|problem| problem.message).collect();
        assert!(said.iter().any(|message| message == expected), "{lines}: {said:?}");
    }
}
