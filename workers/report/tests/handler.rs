//! The report handler by itself: a SQLite file for ledger and warehouse, objects in
//! memory, and a topic that can be out of reach.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use millrace_contract::{
    ChartKind, ExportPlace, ExportSource, KeyPart, QueryPiece, Report, ReportChart, ReportSource,
};
use millrace_ledger::{Database, Ledger, ReportFilter, ReportRun, RunState};
use millrace_notify::{Message, Topic};
use millrace_report::{Announce, Reports, Source};
use millrace_retry::{FailureClass, RequestError};
use millrace_runtime::{Delivery, Handler, Lease, Outcome};
use millrace_storage::{MemoryStorage, Storage};

const MESSAGE: &str =
    r#"{"version":1,"task":"report","report":"spending","scheduled_at":"2026-01-31T07:00:00Z"}"#;

/// A topic that is out of reach for the first few times.
#[derive(Default)]
struct People {
    refusals: AtomicUsize,
    told: Mutex<Vec<Message>>,
}

#[async_trait]
impl Topic for People {
    async fn publish(&self, message: &Message) -> Result<(), RequestError> {
        let left = self.refusals.load(Ordering::Relaxed);
        if left > 0 {
            self.refusals.store(left - 1, Ordering::Relaxed);
            let (action, what, reason) = ("sns:Publish", "people".into(), "no answer".into());
            return Err(RequestError::Unavailable { action, what, reason });
        }
        self.told.lock().unwrap().push(message.clone());
        Ok(())
    }
}

fn chart(title: &str, kind: ChartKind, sql: &str) -> ReportChart {
    ReportChart {
        title: title.into(),
        text: None,
        kind,
        query: ExportSource::Query(vec![QueryPiece::Sql(sql.into())]),
        x: None,
        y: Vec::new(),
        series: None,
        format: None,
        stacked: None,
    }
}

fn report(charts: Vec<ReportChart>) -> Report {
    let folder = vec![
        KeyPart::Text("reports/".into()),
        KeyPart::Value("date".into()),
        KeyPart::Text("/".into()),
    ];
    Report {
        name: "spending".into(),
        title: "Spending".into(),
        text: None,
        charts,
        source: ReportSource::Warehouse,
        to: ExportPlace { bucket: "lake".into(), folder },
        rows: 10,
        timeout: Duration::from_secs(30),
        parameters: BTreeMap::new(),
        schedule: None,
        timezone: "Australia/Sydney".into(),
        topic: None,
        link: None,
    }
}

struct Bench {
    handler: Reports,
    ledger: Ledger,
    database: Database,
    storage: Arc<MemoryStorage>,
    people: Arc<People>,
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn with(charts: Vec<ReportChart>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        let database = Database::connect(&url.into(), 4).await.unwrap();
        database.execute("CREATE TABLE spent (day TEXT, amount REAL)", &[]).await.unwrap();
        let rows = "INSERT INTO spent VALUES ('2026-01-30', 4), ('2026-01-31', 5)";
        database.execute(rows, &[]).await.unwrap();
        let ledger = Ledger::open(&database).await.unwrap();
        let (storage, people) = (Arc::new(MemoryStorage::new()), Arc::new(People::default()));
        let sources =
            BTreeMap::from([(ReportSource::Warehouse, Source::Warehouse(database.clone()))]);
        let topic: Arc<dyn Topic> = people.clone();
        let topics = BTreeMap::from([("spending".to_owned(), topic)]);
        let claim = Duration::from_secs(60);
        let handler = Reports::new(
            "finance",
            vec![report(charts)],
            ledger.clone(),
            sources,
            storage.clone(),
            claim,
        );
        let handler = handler.announcing(Announce { topics, links: None });
        Self { handler, ledger, database, storage, people, _folder: folder }
    }

    async fn handle(&self, body: &str) -> Outcome {
        let lease = Lease::lasting(Duration::from_secs(60));
        self.handler.handle(&Delivery::new("m", body), &lease).await
    }

    async fn keys(&self) -> Vec<String> {
        let listing = self.storage.list("lake", "", None).await.unwrap();
        listing.objects.into_iter().map(|(key, _)| key).collect()
    }

    async fn run(&self) -> ReportRun {
        let mut runs = self.ledger.report_runs(&ReportFilter::default()).await.unwrap();
        assert_eq!(runs.len(), 1, "{runs:?}");
        runs.remove(0)
    }

    fn told(&self) -> Vec<Message> {
        self.people.told.lock().unwrap().clone()
    }
}

const SPENT: &str = "select day, amount from spent order by day";

#[tokio::test]
async fn a_page_that_nobody_could_be_told_of_is_told_of_later_and_made_once() {
    let bench = Bench::with(vec![chart("Spent", ChartKind::Number, SPENT)]).await;
    bench.people.refusals.store(1, Ordering::Relaxed);
    let Outcome::Failed(failure) = bench.handle(MESSAGE).await else { panic!("no answer") };
    assert!(failure.class.is_retryable(), "{failure:?}");
    assert_eq!((bench.run().await.state, bench.run().await.told_at), (RunState::Done, None));
    assert_eq!(
        bench.keys().await,
        ["reports/2026-01-31/01-spent.svg", "reports/2026-01-31/index.html"]
    );
    // What comes later does not change the page of that time.
    bench.database.execute("UPDATE spent SET amount = 100", &[]).await.unwrap();
    for _ in 0..2 {
        assert!(matches!(bench.handle(MESSAGE).await, Outcome::Done(_)));
    }
    let told = bench.told();
    assert_eq!(told.len(), 1, "once");
    assert_eq!(told[0].subject, "Report Spending of 2026-01-31");
    let text = "Spending, for 2026-01-31 18:00 Australia/Sydney.\n\n\
                Spent: 5 (+25.0% against 4 in 30 Jan 2026)\n\n\
                Page  s3://lake/reports/2026-01-31/index.html\n";
    assert_eq!(told[0].text, text);
    let run = bench.run().await;
    assert_eq!((run.fence, run.figures[0].value.as_str()), (1, "5"));
    assert!(run.told_at.is_some());
}

#[tokio::test]
async fn a_chart_that_can_t_be_drawn_leaves_no_page_and_its_reason() {
    let good = chart("Good", ChartKind::Bar, SPENT);
    let mut bad = chart("Bad", ChartKind::Line, SPENT);
    bad.y = vec!["amuont".into()];
    let bench = Bench::with(vec![good, bad]).await;
    let Outcome::Failed(failure) = bench.handle(MESSAGE).await else { panic!("it can't be") };
    assert_eq!(failure.class, FailureClass::Contract);
    assert!(failure.message.contains("`Bad`: `y` names column `amuont`"), "{}", failure.message);
    assert!(bench.keys().await.is_empty() && bench.told().is_empty());
    let run = bench.run().await;
    assert_eq!((run.state, run.reason.as_deref()), (RunState::Failed, Some(&*failure.message)));
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_cut_off_and_tried_again() {
    let endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select i, i as j from n where i < 0";
    let bench = Bench::with(Vec::new()).await;
    let mut short = report(vec![chart("Slow", ChartKind::Table, endless)]);
    short.timeout = Duration::from_millis(200);
    let sources =
        BTreeMap::from([(ReportSource::Warehouse, Source::Warehouse(bench.database.clone()))]);
    let (ledger, storage) = (bench.ledger.clone(), bench.storage.clone());
    let handler =
        Reports::new("finance", vec![short], ledger, sources, storage, Duration::from_secs(60));
    let lease = Lease::lasting(Duration::from_secs(60));
    let outcome = handler.handle(&Delivery::new("m", MESSAGE), &lease).await;
    let Outcome::Failed(failure) = outcome else { panic!("it takes forever") };
    assert!(failure.class.is_retryable(), "{failure:?}");
    assert!(failure.message.contains("chart `Slow`: the query took longer"), "{failure:?}");
}

#[tokio::test]
async fn messages_that_make_no_report_are_refused_by_what_is_wrong() {
    let bench = Bench::with(vec![chart("Spent", ChartKind::Number, SPENT)]).await;
    for (body, class) in [
        ("no json", FailureClass::Poison),
        (r#"{"version":1,"task":"load"}"#, FailureClass::Poison),
        (&MESSAGE.replace("spending", "spendings"), FailureClass::Contract),
    ] {
        let Outcome::Failed(failure) = bench.handle(body).await else { panic!("{body}") };
        assert_eq!(failure.class, class, "{body}: {}", failure.message);
    }
    assert!(bench.keys().await.is_empty());
}
