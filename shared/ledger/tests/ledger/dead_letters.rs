//! The dead-letter workbench: what is found, what is done about it, and that every
//! action is on record.

use std::time::{Duration, Instant};

use chrono::{SubsecRound, TimeDelta, Utc};
use millrace_contract::{FileId, Replay, StageName};
use millrace_ledger::{
    Act, Database, Dialect, EditedFacts, FailureFilter, FailureKey, FailureRecord, FileState,
    Ledger, Only, Replaying, Resolution, Sought, Standing, Value, WhatBecame,
};
use millrace_retry::FailureClass;

use crate::failures::{failure, key};
use crate::support::{file, load_task, object, places, under};

fn of_group(id: &str, fingerprint: &str, dataset: &str) -> FailureRecord {
    FailureRecord {
        fingerprint: fingerprint.into(),
        dataset: Some(dataset.into()),
        ..failure(id, None)
    }
}

async fn ids(ledger: &Ledger, filter: &FailureFilter) -> Vec<String> {
    let found = ledger.failures_behind(filter, None, 100).await.unwrap();
    found.into_iter().map(|failure| failure.record.message_id).collect()
}

fn sent(id: &str) -> (FailureKey, String, String) {
    (key(id), "f".into(), "to its queue".into())
}

#[tokio::test]
async fn failures_are_grouped_by_cause_with_the_newest_of_each() {
    for place in places().await {
        let ledger = place.ledger().await;
        let now = Utc::now().trunc_subsecs(6);
        for (id, fingerprint, dataset, age) in
            [("1", "aa", "sales", 3), ("2", "aa", "sales", 1), ("3", "bb", "stock", 2)]
        {
            let mut record = of_group(id, fingerprint, dataset);
            record.last_seen = now - TimeDelta::hours(age);
            record.first_seen = now - TimeDelta::hours(age + 1);
            record.message = format!("failure {id}");
            ledger.record_failure(&record).await.unwrap();
        }
        let groups = ledger.failure_groups(&FailureFilter::default(), 10).await.unwrap();
        let shown: Vec<_> = groups
            .iter()
            .map(|group| (&*group.fingerprint, group.failures, &*group.newest.message_id))
            .collect();
        assert_eq!(shown, [("aa", 2, "2"), ("bb", 1, "3")]);
        assert_eq!(
            (&*groups[0].message, &groups[0].datasets[..]),
            ("failure 2", &["sales".to_owned()][..])
        );
        assert_eq!(groups[0].first_seen, now - TimeDelta::hours(4));
        assert_eq!(groups[0].last_seen, now - TimeDelta::hours(1));
        assert_eq!(ledger.failure_groups(&FailureFilter::default(), 1).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_filter_finds_what_fits_all_of_it_and_nothing_else() {
    for place in places().await {
        let ledger = place.ledger().await;
        let mut other = of_group("b2", "ab12", "stock");
        (other.class, other.stage) = (FailureClass::Poison, StageName::Load);
        other.last_seen = Utc::now() - TimeDelta::days(2);
        for record in [of_group("a1", "ab34", "sales"), other, of_group("c3", "cd56", "sales")] {
            ledger.record_failure(&record).await.unwrap();
        }
        let all = FailureFilter::default;
        let stage = FailureFilter { stage: Some(StageName::Load), ..all() };
        assert_eq!(ids(&ledger, &stage).await, ["b2"]);
        let class = FailureFilter { class: Some(FailureClass::Contract), ..all() };
        assert_eq!(ids(&ledger, &class).await, ["a1", "c3"]);
        let fingerprint = FailureFilter { fingerprint: Some("ab".into()), ..all() };
        assert_eq!(ids(&ledger, &fingerprint).await, ["a1", "b2"]);
        let both = FailureFilter { dataset: Some("sales".into()), ..fingerprint };
        assert_eq!(ids(&ledger, &both).await, ["a1"]);
        let since = FailureFilter { since: Some(Utc::now() - TimeDelta::days(1)), ..all() };
        assert_eq!(ids(&ledger, &since).await, ["a1", "c3"]);
        let until = FailureFilter { until: Some(Utc::now() - TimeDelta::days(1)), ..all() };
        assert_eq!(ids(&ledger, &until).await, ["b2"]);
        let named = FailureFilter { ids: vec!["a".into(), "c3".into(), "zz".into()], ..all() };
        assert_eq!(ids(&ledger, &named).await, ["a1", "c3"]);
        assert_eq!(ledger.count_failures(&named).await.unwrap(), 2);
        let behind = ledger.failures_behind(&all(), Some(&key("a1")), 1).await.unwrap();
        assert_eq!(behind[0].record.message_id, "b2");
    }
}

#[tokio::test]
async fn every_action_is_on_record_with_who_and_why() {
    for place in places().await {
        let ledger = place.ledger().await;
        ledger.adopt_failure(&failure("m1", None), "worker@host").await.unwrap();
        let facts = EditedFacts { dataset: Some("sales".into()), ..EditedFacts::default() };
        for body in ["{\"edited\": 1}", "{\"edited\": 2}"] {
            assert!(ledger.edit_failure((&key("m1"), "f"), body, &facts, "me@here").await.unwrap());
        }
        let edited = ledger.failures(false).await.unwrap().remove(0);
        assert_eq!(edited.record.body, "{\"edited\": 2}");
        assert_eq!(edited.original_body.as_deref(), Some("{}"));
        assert_eq!(edited.record.dataset.as_deref(), Some("sales"));
        ledger.redriven(&[sent("m1")], "me@here").await.unwrap();
        let redriven = ledger.failures(true).await.unwrap().remove(0);
        assert_eq!((redriven.redrives, redriven.resolution.unwrap().0), (1, Resolution::Redriven));
        // What was sent again is not edited under way, but may be given up.
        assert!(!ledger.edit_failure((&key("m1"), "f"), "x", &facts, "me@here").await.unwrap());
        let given_up = [(key("m1"), "f".to_owned())];
        assert_eq!(ledger.discard_failures(&given_up, "you@there", "noise").await.unwrap(), 1);
        assert_eq!(ledger.discard_failures(&given_up, "you@there", "noise").await.unwrap(), 0);
        let actions = ledger.dlq_actions(&key("m1")).await.unwrap();
        let acts: Vec<_> = actions.iter().map(|action| action.act).collect();
        assert_eq!(acts, [Act::Adopt, Act::Edit, Act::Edit, Act::Redrive, Act::Discard]);
        assert_eq!(actions[4].actor, "you@there");
        assert_eq!(actions[4].detail.as_deref(), Some("noise"));
        let given_up = ledger.failures(true).await.unwrap().remove(0);
        assert_eq!(given_up.discard_reason.as_deref(), Some("noise"));
    }
}

#[tokio::test]
async fn a_redrive_that_fails_again_is_another_failure_that_names_the_first() {
    for place in places().await {
        let ledger = place.ledger().await;
        let one = file(object("e1", Some("01")));
        ledger.register(&one).await.unwrap();
        ledger.record_failure(&failure("m1", Some(&one))).await.unwrap();
        ledger.redriven(&[sent("m1")], "me@here").await.unwrap();
        let became = async || ledger.what_became(&key("m1"), &[&one.file_id], &[]).await.unwrap();
        assert_eq!(became().await, WhatBecame::Waiting);
        let again =
            FailureRecord { redrive_of: Some(key("m1").to_string()), ..failure("m2", Some(&one)) };
        ledger.record_failure(&again).await.unwrap();
        let WhatBecame::Again(failed) = became().await else { panic!("it failed again") };
        assert_eq!(failed.record.message_id, "m2");
        assert_eq!(ids(&ledger, &FailureFilter::default()).await, ["m2"]);
        // Both are over when the file is loaded at last.
        ledger.loaded(&one.file_id, 1, Duration::ZERO).await.unwrap();
        let all = FailureFilter { only: Only::Any, ..FailureFilter::default() };
        for failure in ledger.newest_failures(&all, 10).await.unwrap() {
            assert_eq!(failure.resolution.unwrap().0, Resolution::Loaded);
        }
        let before = ledger.what_became(&key("m1"), &[&one.file_id], &[key("m2")]).await.unwrap();
        assert_eq!(before, WhatBecame::Well("loaded"));
        // A mark that comes late does not undo that.
        ledger.redriven(&[sent("m1")], "me@here").await.unwrap();
        let unfinished = FailureFilter { only: Only::Unfinished, ..FailureFilter::default() };
        assert!(ids(&ledger, &unfinished).await.is_empty());
    }
}

#[tokio::test]
async fn a_message_about_no_file_is_over_when_its_redrive_was_handled() {
    for place in places().await {
        let ledger = place.ledger().await;
        let one = file(object("e1", None));
        ledger.register(&one).await.unwrap();
        ledger.record_failure(&failure("m1", None)).await.unwrap();
        ledger.record_failure(&failure("m2", Some(&one))).await.unwrap();
        ledger.redriven(&[sent("m1"), sent("m2")], "me@here").await.unwrap();
        for id in ["m1", "m2"] {
            ledger.redrive_handled(&key(id)).await.unwrap();
        }
        let became = ledger.what_became(&key("m1"), &[], &[]).await.unwrap();
        assert_eq!(became, WhatBecame::Well("handled"));
        let became = ledger.what_became(&key("m2"), &[&one.file_id], &[]).await.unwrap();
        assert_eq!(became, WhatBecame::Waiting, "its file is not loaded yet");
    }
}

#[tokio::test]
async fn a_file_that_failed_is_loaded_when_its_replay_is() {
    for place in places().await {
        let ledger = place.ledger().await;
        let one = file(object("e1", Some("01")));
        ledger.register(&one).await.unwrap();
        ledger.record_failure(&failure("m1", Some(&one))).await.unwrap();
        let later = under(one.object.clone(), "c2");
        let replay = Replay::Whole { of: one.file_id.clone() };
        let mut again: Vec<FileId> = Vec::new();
        for _ in 0..2 {
            let Replaying::New(id) = ledger.register_replay(&later, &replay).await.unwrap() else {
                panic!("nothing is under way");
            };
            let mut failed = failure(&format!("m-{id}"), Some(&one));
            failed.file_id = Some(id.clone());
            ledger.record_failure(&failed).await.unwrap();
            again.push(id);
        }
        let last = again.last().unwrap();
        let mut task = load_task(&later);
        task.file_id = last.clone();
        ledger.loaded(&task.file_id, 7, Duration::ZERO).await.unwrap();
        let runs = ledger.runs(&Default::default()).await.unwrap();
        assert!(runs.iter().all(|run| run.state == FileState::Loaded), "{runs:#?}");
        assert!(ids(&ledger, &FailureFilter::default()).await.is_empty());
    }
}

#[tokio::test]
async fn a_copy_stands_as_its_failure_does() {
    for place in places().await {
        let ledger = place.ledger().await;
        for id in ["m1", "m2"] {
            let record = FailureRecord { body: format!("body of {id}"), ..failure(id, None) };
            ledger.record_failure(&record).await.unwrap();
        }
        ledger.redriven(&[sent("m2")], "me@here").await.unwrap();
        assert_eq!(ledger.open_failures("demo-transform").await.unwrap(), 1);
        let sought = [
            Sought { message_id: "m1", body: None },
            Sought { message_id: "m2", body: None },
            Sought { message_id: "other", body: Some("body of m2") },
            Sought { message_id: "other", body: Some("body of m1") },
            Sought { message_id: "other", body: None },
        ];
        let standings = ledger.standing("demo-transform", &sought).await.unwrap();
        use Standing::{Open, Over, Unknown};
        assert_eq!(standings, [Open, Over, Over, Open, Unknown]);
        let elsewhere = ledger.standing("demo-load", &sought[..1]).await.unwrap();
        assert_eq!(elsewhere, [Unknown]);
    }
}

/// Fills the table as workers would, faster. MySQL bounds its recursion.
async fn fill(database: &Database, failures: u64) {
    let sql = "INSERT INTO millrace_failures (queue, message_id, class, message, fingerprint, \
                   stage, dataset, file_id, receive_count, first_seen, last_seen, body) \
               WITH RECURSIVE counter (n) AS ( \
                   SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM counter WHERE n < $1) \
               SELECT 'demo-transform', 'm-' || CAST(n AS TEXT), 'contract', 'too many rejects', \
                   'f-' || CAST(n % 40 AS TEXT), 'transform', 'sales', \
                   'file-' || CAST(n AS TEXT), 1, $2, $2, $3 FROM counter";
    let body = format!("{{\"padding\": \"{}\"}}", "x".repeat(600));
    let values: [Value; 3] = [failures.into(), Utc::now().into(), body.into()];
    assert_eq!(database.execute(sql, &values).await.unwrap(), failures);
    // As a server does by itself before long.
    database.execute("ANALYZE millrace_failures", &[]).await.unwrap();
}

#[tokio::test]
async fn a_hundred_thousand_failures_are_listed_in_less_than_a_second() {
    for place in places().await {
        if place.database.dialect() == Dialect::MySql {
            continue;
        }
        let ledger = place.ledger().await;
        fill(&place.database, 100_000).await;
        // The quickest of a few, since other tests run beside this one.
        let mut took = Duration::MAX;
        for _ in 0..5 {
            let started = Instant::now();
            let groups = ledger.failure_groups(&FailureFilter::default(), 100).await.unwrap();
            took = took.min(started.elapsed());
            assert_eq!(groups.len(), 40);
            assert_eq!(groups.iter().map(|group| group.failures).sum::<u64>(), 100_000);
        }
        let dialect = place.database.dialect();
        eprintln!("{dialect}: 100,000 failures in 40 groups in {took:?}");
        assert!(took < Duration::from_secs(1), "{dialect}: {took:?}");
        // A load closes the failures of its file without going through the others.
        let one = file(object("e1", None));
        ledger.register(&one).await.unwrap();
        let started = Instant::now();
        ledger.loaded(&one.file_id, 1, Duration::ZERO).await.unwrap();
        assert!(started.elapsed() < Duration::from_millis(200), "{:?}", started.elapsed());
    }
}
