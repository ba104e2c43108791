//! Runs of derived datasets: claimed by one, made once of the same inputs, and
//! never ended by who was claimed over.

use std::time::Duration;

use millrace_contract::{
    ContractVersion, DeriveCause, Derived, FileId, LoadTask, Output, Refresh, RowBalance,
};
use millrace_ledger::{
    Derivation, DeriveClaim, DeriveClaimed, DeriveFilter, DeriveInputs, DeriveTotals, DeriveWish,
    Ledger, RunState,
};

use crate::support::places;

const LEASE: Duration = Duration::from_secs(60);

fn wish(message_id: &str, debounce: Option<Duration>) -> DeriveWish<'_> {
    DeriveWish { dataset: "spent", message_id, debounce, lease: LEASE }
}

async fn claim(ledger: &Ledger) -> DeriveClaim {
    claim_by(ledger, "m").await
}

async fn claim_by(ledger: &Ledger, message_id: &str) -> DeriveClaim {
    match ledger.claim_derivation(&wish(message_id, None)).await.unwrap() {
        DeriveClaimed::Yes(claim) => claim,
        other => panic!("not claimed: {other:?}"),
    }
}

async fn begin(ledger: &Ledger, claim: &DeriveClaim, inputs: &str) -> Option<Derivation> {
    let contract = ContractVersion::from_text("c");
    let cause = DeriveCause::Changed;
    let inputs = DeriveInputs { inputs, contract: &contract, cause, trace_id: "t" };
    ledger.begin_derivation(claim, &inputs).await.unwrap()
}

fn file(number: u64, rows: &str) -> LoadTask {
    let derived = Derived {
        name: "spent".into(),
        inputs: vec!["sales".into()],
        on_change: true,
        debounce: Duration::ZERO,
        after: None,
        schedule: None,
        refresh: Refresh::Full,
    };
    let contract = ContractVersion::from_text("c");
    let object = derived.version("lake", "", number, rows);
    let output = Output {
        key: format!("spent/{number}.parquet"),
        rows: 2,
        bytes: 9,
        partition: Vec::new(),
        first_row: None,
        carried: None,
    };
    LoadTask {
        file_id: FileId::of("spent", &object, &contract),
        dataset: "spent".into(),
        contract,
        object,
        captures: Default::default(),
        published_at: None,
        lake: "lake".into(),
        outputs: vec![output],
        columns: Some(Vec::new()),
        balance: RowBalance { read: 2, written: 2, ..RowBalance::default() },
        rejects_key: None,
        column_version: None,
        replay: None,
        trace_id: "t".into(),
    }
}

fn totals() -> DeriveTotals {
    DeriveTotals {
        rows_read: 3,
        rows: 2,
        parts: 1,
        duration: Duration::from_millis(5),
        origins: Some(r#"{"dt=1":"a"}"#.to_owned()),
    }
}

async fn live(ledger: &Ledger) -> Vec<String> {
    let (files, _) = ledger.live_files("spent", None).await.unwrap();
    files.into_iter().map(|file| file.outputs[0].key.clone()).collect()
}

#[tokio::test]
async fn the_files_of_the_newest_run_are_live_and_it_knows_what_it_was_made_of() {
    for place in places().await {
        let ledger = place.ledger().await;
        let first = claim(&ledger).await;
        assert_eq!(first.made_of, None);
        let run = begin(&ledger, &first, "a").await.unwrap();
        let ended = ledger.complete_derivation(&run, &[file(1, "x")], &totals()).await.unwrap();
        assert_eq!((run.number, ended), (1, Some(false)));
        assert_eq!(live(&ledger).await, ["spent/1.parquet"]);
        assert_eq!(ledger.unloaded_files("spent").await.unwrap().len(), 1);
        let second = claim(&ledger).await;
        assert_eq!(second.made_of.as_deref(), Some("a"));
        assert_eq!(second.origins, totals().origins, "what its partitions come from");
        let run = begin(&ledger, &second, "b").await.unwrap();
        ledger.complete_derivation(&run, &[file(2, "x")], &totals()).await.unwrap();
        assert_eq!(live(&ledger).await, ["spent/2.parquet"], "though its rows are the same");
        let runs = ledger.derive_runs(&DeriveFilter::default()).await.unwrap();
        assert_eq!(runs.len(), 2);
        let newest = runs.iter().find(|run| run.number == 2).unwrap();
        assert_eq!((newest.state, newest.written), (RunState::Done, Some(1)));
        assert_eq!((newest.rows_read, newest.rows), (Some(3), Some(2)));
    }
}

#[tokio::test]
async fn who_was_claimed_over_ends_nothing_and_the_other_goes_on_where_it_was() {
    for place in places().await {
        let ledger = place.ledger().await;
        let slow = claim(&ledger).await;
        let begun = begin(&ledger, &slow, "a").await.unwrap();
        // Its message comes again: whoever had it is taken for dead.
        let other = claim(&ledger).await;
        assert!(begin(&ledger, &slow, "a").await.is_none());
        assert!(!ledger.renew_derivation(&slow, LEASE).await.unwrap());
        let again = begin(&ledger, &other, "a").await.unwrap();
        assert_eq!(again.number, begun.number, "the same inputs are the same run");
        let files = [file(1, "x")];
        assert_eq!(ledger.complete_derivation(&begun, &files, &totals()).await.unwrap(), None);
        assert!(live(&ledger).await.is_empty());
        let ended = ledger.complete_derivation(&again, &files, &totals()).await.unwrap();
        assert_eq!(ended, Some(false));
        assert_eq!(live(&ledger).await.len(), 1);
        // Cut short, and its inputs are others by then.
        let cut = claim(&ledger).await;
        begin(&ledger, &cut, "b").await.unwrap();
        ledger.release_derivation(&cut).await.unwrap();
        let next = claim(&ledger).await;
        assert_eq!(begin(&ledger, &next, "c").await.unwrap().number, 3);
    }
}

#[tokio::test]
async fn who_asks_meanwhile_is_seen_to_and_who_asks_too_early_waits_for_all() {
    for place in places().await {
        let ledger = place.ledger().await;
        let ours = claim(&ledger).await;
        let asked = ledger.claim_derivation(&wish("n", None)).await.unwrap();
        assert_eq!(asked, DeriveClaimed::Joined);
        let run = begin(&ledger, &ours, "a").await.unwrap();
        assert_eq!(ledger.fail_derivation(&run, "no").await.unwrap(), Some(true));
        let debounce = Some(Duration::from_secs(100));
        let early = ledger.claim_derivation(&wish("a", debounce)).await.unwrap();
        let DeriveClaimed::Early(rest) = early else { panic!("{early:?}") };
        assert!(rest > Duration::from_secs(50) && rest <= Duration::from_secs(100), "{rest:?}");
        let other = ledger.claim_derivation(&wish("b", debounce)).await.unwrap();
        assert_eq!(other, DeriveClaimed::Gathered);
        let again = ledger.claim_derivation(&wish("a", debounce)).await.unwrap();
        assert!(matches!(again, DeriveClaimed::Early(_)), "it may have sent nothing: {again:?}");
        let by_hand = claim(&ledger).await;
        assert_eq!(by_hand.made_of, None, "what failed is not made");
        assert_eq!(ledger.release_derivation(&by_hand).await.unwrap(), Some(false));
    }
}
