//! The database goes away and comes back: nothing is lost, nothing is loaded
//! twice, and no message is dead-lettered for it.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use millrace_tests::{MySqlDatabase, TestDatabase, TestServer};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::books::{self, Books, Published};
use crate::fleet::Fleet;
use crate::journey::PIPELINE;
use crate::stack::{Stack, wait_for};
use crate::telling::{Collected, OPS, put};
use crate::warehouse::{mysql, postgres};

/// A way to the database that can be cut: connections end, new ones too.
pub(crate) struct Way {
    /// Port on this machine.
    port: u16,
    /// Whether it is open.
    pub(crate) open: watch::Sender<bool>,
}

impl Way {
    /// A way to the database of a URL, and the URL that takes it.
    pub(crate) async fn before(url: &str) -> (Self, String) {
        let (front, rest) = url.split_once('@').expect("a user");
        let (address, database) = rest.split_once('/').expect("a database");
        let way = Self::to(address.to_owned()).await;
        let url = format!("{front}@127.0.0.1:{}/{database}", way.port);
        (way, url)
    }

    async fn to(address: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (open, state) = watch::channel(true);
        let address = Arc::new(address);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, Arc::clone(&address), state.clone()));
            }
        });
        Self { port, open }
    }
}

async fn pass(mut client: TcpStream, address: Arc<String>, mut open: watch::Receiver<bool>) {
    if !*open.borrow() {
        return;
    }
    let Ok(mut server) = TcpStream::connect(address.as_str()).await else { return };
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => {}
        _ = open.wait_for(|open| !open) => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_postgresql_costs_no_file_and_no_dead_letter() {
    let Some(database) = TestDatabase::create().await else { return };
    cut_off(database.url(), async |sql| postgres(database.url(), sql).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_mysql_costs_no_file_and_no_dead_letter() {
    let Some(database) = MySqlDatabase::create().await else { return };
    cut_off(database.url(), async |sql| mysql(database.url(), sql).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_start_in_an_outage_wait_and_are_told_of() {
    let Some(database) = TestDatabase::create().await else { return };
    let (way, url) = Way::before(database.url()).await;
    way.open.send_replace(false);
    let told = format!("{PIPELINE}\n[alerts]\nsubscribe = [\"{OPS}\"]\n");
    let stack = Stack::start_with(&told, &[("DATABASE_URL", &url)]);
    let mut ops = Collected::create(&stack, "ops").await;
    put(&stack, "orders/de/a.csv", "id,total,note\n1,1,\n").await;
    let outage = ops.of_kind("outage", 1, &stack).await;
    assert!(outage[0].to_string().contains("127.0.0.1"), "{outage:#?}");
    assert!(!stack.log_text().contains("a task ended by itself"), "{}", stack.log_text());
    way.open.send_replace(true);
    wait_for("the file to be loaded", Duration::from_secs(120), || {
        let runs = stack.run(&["runs", "-o", "json"]);
        let runs: serde_json::Value = serde_json::from_slice(&runs.stdout).ok()?;
        (runs[0]["state"] == "loaded").then_some(())
    });
    ops.of_kind("recovery", 1, &stack).await;
    assert!(!stack.log_text().contains("a task ended by itself"), "{}", stack.log_text());
    assert_eq!(postgres(database.url(), "SELECT count(*) FROM orders").await, 1);
    let failed = "SELECT count(*) FROM millrace_failures";
    assert_eq!(postgres(database.url(), failed).await, 0);
}

/// Publishes while the way to the database is cut, and counts when it is back.
async fn cut_off(database: &str, ask: impl AsyncFn(&str) -> i64) {
    let (way, url) = Way::before(database).await;
    let stack = Stack::start_with(PIPELINE, &[("DATABASE_URL", &url)]);
    let put = async |key: &str, id: usize| {
        let body = ByteStream::from(format!("id,total,note\n{id},1,\n").into_bytes());
        let request = stack.s3().await.put_object().bucket("shop-raw").key(key);
        request.body(body).send().await.expect("stored");
    };
    put("orders/de/before.csv", 1).await;
    stack.wait_for_runs("the first load", |runs| {
        runs.first().is_some_and(|run| run["state"] == "loaded")
    });

    way.open.send_replace(false);
    for id in 2..10 {
        put(&format!("orders/de/{id}.csv"), id).await;
    }
    wait_for("the worker to notice", Duration::from_secs(60), || {
        stack.log_text().contains("outage").then_some(())
    });
    way.open.send_replace(true);
    wait_for("every file to be loaded", Duration::from_secs(200), || {
        let output = stack.run(&["runs", "-o", "json"]);
        let runs: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
        let runs = runs.as_array()?;
        (runs.len() == 9 && runs.iter().all(|run| run["state"] == "loaded")).then_some(())
    });
    assert_eq!(ask("SELECT count(*) FROM orders").await, 9);
    assert_eq!(ask("SELECT count(DISTINCT id) FROM orders").await, 9);
    let status = stack.json(&["status"]);
    for queue in status["queues"].as_array().expect("queues") {
        assert_eq!(queue["dead_letters"], 0, "{status:#}");
    }
}

/// As after a failover to a server that is not promoted yet; then a restart.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_can_only_be_read_pauses_workers_and_costs_no_receive() {
    let Some(mut server) = TestServer::start().await else { return };
    let books = Books::Postgres(server.url().to_owned());
    let stack = Stack::start_with(books::PIPELINE, &books.environment());
    let fleet = Fleet::start(&stack, 1, &[]);
    let (s3, mut published) = (stack.s3().await, Published::default());
    published.version(&s3, 1).await;
    published.sale(&s3).await;
    stack.wait_for_runs("the first loads", |runs| {
        runs.iter().filter(|run| run["state"] == "loaded").count() == 2
    });

    server.configure("postgresql.auto.conf", "default_transaction_read_only = on\n");
    for _ in 0..5 {
        published.sale(&s3).await;
    }
    wait_for("the workers to pause", Duration::from_secs(60), || {
        stack.log_text().contains("outage: no messages are received").then_some(())
    });
    server.configure("postgresql.auto.conf", "");
    stack.wait_until_drained();
    assert_eq!(books.number(&stack, "SELECT max(attempt) FROM millrace_hops").await, 1);
    assert_eq!(fleet.deaths(), 0);

    server.signal("INT");
    for _ in 0..5 {
        published.sale(&s3).await;
    }
    stack.wait_until_drained();
    fleet.stop();
    published.assert_exact(&books, &stack).await;
}
