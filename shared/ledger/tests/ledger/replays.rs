//! Files that are gone through again: which are, what of it is on record, and
//! that the order of versions does not suffer.

use std::time::Duration;

use millrace_contract::{ContractVersion, FileId, LoadTask, Replay};
use millrace_ledger::{
    FileState, Ledger, Registered, Registration, ReplayFilter, Replayable, Replaying, RuleCount,
    Transformed,
};

use crate::failures::failure;
use crate::support::{file, load_task, object, places, under};

const NO_TIME: Duration = Duration::ZERO;

/// Brings a file to its end, with rejected rows.
async fn load(ledger: &Ledger, task: &LoadTask) {
    let rules = [RuleCount { rule: "n: int64".into(), rows: 2, example: "`x`".into() }];
    let done = Transformed { task, rejects: &rules, warnings: &[], duration: NO_TIME };
    ledger.transformed(&done).await.unwrap();
    ledger.loaded(&task.file_id, 7, NO_TIME).await.unwrap();
}

fn filter() -> ReplayFilter {
    ReplayFilter { dataset: "sales".into(), ..ReplayFilter::default() }
}

async fn outstanding(ledger: &Ledger) -> Vec<Replayable> {
    ledger.outstanding_rejects(&filter(), None).await.unwrap().0
}

fn rejects_of(file: &FileId) -> Replay {
    Replay::Rejects { of: file.clone(), from: file.clone(), key: "_rejects/a.ndjson".into() }
}

async fn start(ledger: &Ledger, of: &Registration, replay: &Replay) -> FileId {
    match ledger.register_replay(of, replay).await.unwrap() {
        Replaying::New(id) => id,
        under_way @ Replaying::UnderWay(..) => panic!("{under_way:?}"),
    }
}

fn with_id(file: &Registration, file_id: FileId) -> Registration {
    Registration { file_id, ..file.clone() }
}

async fn rejected_rows(ledger: &Ledger) -> u64 {
    ledger.reject_totals(None).await.unwrap().iter().map(|total| total.rows).sum()
}

#[tokio::test]
async fn rejects_are_outstanding_until_they_are_gone_through() {
    for place in places().await {
        let ledger = place.ledger().await;
        let first = file(object("e1", Some("01")));
        ledger.register(&first).await.unwrap();
        assert!(outstanding(&ledger).await.is_empty());
        load(&ledger, &load_task(&first)).await;
        let found = outstanding(&ledger).await;
        assert_eq!(found.len(), 1);
        assert!(found[0].is_loaded && !found[0].is_mended);
        assert_eq!(found[0].task.as_ref().unwrap().file_id, first.file_id);

        let later = under(first.object.clone(), "c2");
        let replay = rejects_of(&first.file_id);
        let id = start(&ledger, &later, &replay).await;
        // Until it has come to something, asking again is asking for the same.
        let again = ledger.register_replay(&later, &replay).await.unwrap();
        assert_eq!(again, Replaying::UnderWay(id.clone(), FileState::Registered));
        assert_eq!((outstanding(&ledger).await.len(), rejected_rows(&ledger).await), (1, 2));
        load(&ledger, &load_task(&with_id(&later, id.clone()))).await;
        // What is still wrong is of the replay, and belongs to the file before.
        let found = outstanding(&ledger).await;
        assert_eq!((found.len(), &found[0].run.file_id), (1, &id));
        assert_eq!(found[0].run.replay.as_ref().unwrap().1, first.file_id);
        assert!(found[0].is_loaded);
        assert_eq!(rejected_rows(&ledger).await, 2);
        assert_ne!(start(&ledger, &later, &replay).await, id);
    }
}

#[tokio::test]
async fn a_refused_file_is_found_and_its_failure_closed_when_it_is_mended() {
    for place in places().await {
        let ledger = place.ledger().await;
        let first = file(object("e1", Some("01")));
        ledger.register(&first).await.unwrap();
        let mut record = failure("m1", Some(&first));
        record.rejects_key = Some("s3://lake/_rejects/a.ndjson".into());
        ledger.record_failure(&record).await.unwrap();
        let found = outstanding(&ledger).await;
        assert_eq!((found.len(), found[0].run.state), (1, FileState::Failed));
        let later = under(first.object.clone(), "c2");
        let id = start(&ledger, &later, &Replay::Whole { of: first.file_id.clone() }).await;
        let mut task = load_task(&with_id(&later, id));
        task.rejects_key = None;
        load(&ledger, &task).await;
        assert!(outstanding(&ledger).await.is_empty());
        assert!(ledger.failures(false).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_replay_of_an_old_version_does_not_pass_for_the_newest() {
    for place in places().await {
        let ledger = place.ledger().await;
        let old = file(object("a", Some("01")));
        let new = file(object("b", Some("02")));
        for file in [&old, &new] {
            ledger.register(file).await.unwrap();
            load(&ledger, &load_task(file)).await;
        }
        let newest = ReplayFilter { newest_only: true, ..filter() };
        let ids = |files: Vec<Replayable>| -> Vec<FileId> {
            files.into_iter().map(|file| file.run.file_id).collect()
        };
        let found = ledger.loaded_files(&newest, None).await.unwrap().0;
        assert_eq!(ids(found), std::slice::from_ref(&new.file_id));
        let found = ledger.loaded_files(&filter(), None).await.unwrap().0;
        assert_eq!(ids(found), [old.file_id.clone(), new.file_id.clone()]);
        let id = start(&ledger, &old, &Replay::Whole { of: old.file_id.clone() }).await;
        ledger.taken_over(&load_task(&with_id(&old, id.clone())), &old.file_id).await.unwrap();
        ledger.loaded(&id, 7, NO_TIME).await.unwrap();
        assert_eq!(rejected_rows(&ledger).await, 4);
        let found = ledger.loaded_files(&filter(), None).await.unwrap().0;
        assert_eq!(ids(found), [new.file_id.clone(), id]);
        // The key goes back to its first content: that is a load of its own.
        let back = file(object("a", Some("03")));
        assert_eq!(ledger.register(&back).await.unwrap(), Registered::New);
        assert_eq!(live(&ledger).await, [new.file_id]);
    }
}

async fn live(ledger: &Ledger) -> Vec<FileId> {
    let (tasks, _) = ledger.live_files("sales", None).await.unwrap();
    tasks.into_iter().map(|task| task.file_id).collect()
}

#[tokio::test]
async fn the_lake_has_what_was_mended_with_the_file_it_belongs_to() {
    for place in places().await {
        let ledger = place.ledger().await;
        let first = file(object("e1", Some("01")));
        ledger.register(&first).await.unwrap();
        load(&ledger, &load_task(&first)).await;
        let later = under(first.object.clone(), "c2");
        let id = start(&ledger, &later, &rejects_of(&first.file_id)).await;
        load(&ledger, &load_task(&with_id(&later, id.clone()))).await;
        assert_eq!(live(&ledger).await, [first.file_id.clone(), id]);
        let found = ledger.loaded_files(&filter(), None).await.unwrap().0;
        assert!(found.len() == 1 && found[0].is_mended);
        // All rows again: they stand for the file and for what was mended.
        let whole = start(&ledger, &later, &Replay::Whole { of: first.file_id.clone() }).await;
        load(&ledger, &load_task(&with_id(&later, whole.clone()))).await;
        assert_eq!(live(&ledger).await, [whole]);
        let newer = under(object("e2", Some("02")), "c2");
        ledger.register(&newer).await.unwrap();
        load(&ledger, &load_task(&newer)).await;
        assert_eq!(live(&ledger).await, [newer.file_id]);
    }
}

#[tokio::test]
async fn files_are_found_by_key_and_by_time() {
    for place in places().await {
        let ledger = place.ledger().await;
        let first = file(object("e1", Some("01")));
        ledger.register(&first).await.unwrap();
        load(&ledger, &load_task(&first)).await;
        let count =
            async |filter: ReplayFilter| ledger.loaded_files(&filter, None).await.unwrap().0.len();
        let key = |key: &str| Some(("raw".to_owned(), key.to_owned()));
        assert_eq!(count(ReplayFilter { key: key("in/a.csv"), ..filter() }).await, 1);
        assert_eq!(count(ReplayFilter { key: key("in/b.csv"), ..filter() }).await, 0);
        let hour = chrono::TimeDelta::hours(1);
        let since = |time| ReplayFilter { since: Some(time), key: key("in/a.csv"), ..filter() };
        assert_eq!(count(since(chrono::Utc::now() - hour)).await, 1);
        assert_eq!(count(since(chrono::Utc::now() + hour)).await, 0);
        let other = ReplayFilter { dataset: "other".into(), ..ReplayFilter::default() };
        assert_eq!(count(other).await, 0);
        assert_eq!(first.contract, ContractVersion::from_text("c1"));
    }
}
