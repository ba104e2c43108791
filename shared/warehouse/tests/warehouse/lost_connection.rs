//! A connection that breaks where it hurts: during the commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use millrace_ledger::{Database, Dialect};
use millrace_retry::{Classify, FailureClass};
use millrace_warehouse::{LoadError, Loaded, Warehouse};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{File, Place, fresh, people, servers};

/// Stands before the server and cuts a connection when it sees `cue` in what
/// the client says.
struct Proxy {
    url: String,
    armed: Arc<AtomicBool>,
}

#[derive(Clone, Copy)]
enum Cut {
    /// The server is never told.
    Before,
    /// The server has done it, but its answer never arrives.
    AfterAnswer,
}

impl Proxy {
    async fn before(place: &Place, cue: &'static [u8], cut: Cut) -> Self {
        let (start, name) = place.url.rsplit_once('/').unwrap();
        let (user, server) = start.rsplit_once('@').unwrap();
        let server = server.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{user}@{}/{name}", listener.local_addr().unwrap());
        let armed = Arc::new(AtomicBool::new(false));
        let arm = armed.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.unwrap();
                tokio::spawn(relay(client, server, arm.clone(), cue, cut));
            }
        });
        Self { url, armed }
    }

    async fn warehouse(&self) -> Warehouse {
        let database = Database::connect(&self.url.clone().into(), 2).await.unwrap();
        Warehouse::open(&database).await.unwrap()
    }
}

async fn relay(
    client: TcpStream,
    server: TcpStream,
    armed: Arc<AtomicBool>,
    cue: &'static [u8],
    cut: Cut,
) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let silenced = Arc::new(AtomicBool::new(false));
    let silence = silenced.clone();
    let answers = tokio::spawn(async move {
        let mut bytes = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = from_server.read(&mut bytes).await {
            if silenced.load(Ordering::SeqCst) {
                // The answer is here; both ends are dropped with it.
                return;
            }
            if to_client.write_all(&bytes[..count]).await.is_err() {
                return;
            }
        }
    });
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from_client.read(&mut bytes).await {
        let said = &bytes[..count];
        let heard = said.windows(cue.len()).any(|window| window == cue);
        if heard && armed.swap(false, Ordering::SeqCst) {
            if let Cut::AfterAnswer = cut {
                silence.store(true, Ordering::SeqCst);
                to_server.write_all(said).await.unwrap();
                answers.await.unwrap();
            } else {
                answers.abort();
            }
            return;
        }
        if to_server.write_all(said).await.is_err() {
            return;
        }
    }
}

const TABLE: &str = "CREATE TABLE people (id BIGINT NOT NULL, name TEXT, _load_id BIGINT NOT NULL)";

/// What a commit is told from everything else by; MySQL's settings say
/// `READ COMMITTED`.
fn commit(place: &Place) -> &'static [u8] {
    match place.database.dialect() {
        Dialect::Postgres | Dialect::Sqlite => b"COMMIT",
        Dialect::MySql => b"COMMIT;",
    }
}

async fn broken(proxy: &Proxy, file: &File) -> LoadError {
    let warehouse = proxy.warehouse().await;
    proxy.armed.store(true, Ordering::SeqCst);
    let error = file.load_into(&warehouse).await.expect_err("the connection broke");
    assert_eq!(error.class(), FailureClass::Transient, "{error}");
    assert!(!proxy.armed.load(Ordering::SeqCst), "nothing was cut");
    error
}

#[tokio::test]
async fn a_commit_whose_answer_got_lost_is_found_by_the_redelivery() {
    for place in servers().await {
        let file = File::new("people", vec![people(&[(1, "ann")])]);
        // So that the load's commit is the first.
        place.run(TABLE).await;
        let proxy = Proxy::before(&place, commit(&place), Cut::AfterAnswer).await;
        broken(&proxy, &file).await;
        let again = file.load_into(&proxy.warehouse().await).await.unwrap();
        assert!(matches!(again, Loaded::Already { rows: 1, .. }), "{again:?}");
        assert_eq!(place.column("people", "name").await, ["ann"]);
    }
}

#[tokio::test]
async fn a_commit_that_never_arrived_is_done_by_the_redelivery() {
    for place in servers().await {
        let file = File::new("people", vec![people(&[(1, "ann")])]);
        // So that the load's commit is the first.
        place.run(TABLE).await;
        let proxy = Proxy::before(&place, commit(&place), Cut::Before).await;
        broken(&proxy, &file).await;
        let again = file.load_into(&proxy.warehouse().await).await.unwrap();
        assert_eq!(again, fresh(1));
        assert_eq!(place.column("people", "name").await, ["ann"]);
    }
}

#[tokio::test]
async fn a_connection_that_breaks_in_the_middle_of_the_rows_leaves_nothing() {
    for place in servers().await {
        let file = File::new("people", vec![people(&[(1, "ann")]), people(&[(2, "the cue")])]);
        let proxy = Proxy::before(&place, b"the cue", Cut::Before).await;
        broken(&proxy, &file).await;
        assert_eq!(file.load_into(&place.warehouse).await.unwrap(), fresh(2));
    }
}

#[tokio::test]
async fn a_server_that_is_gone_is_an_outage_for_an_open_pool_too() {
    for place in servers().await {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (start, name) = place.url.rsplit_once('/').unwrap();
        let (user, server) = start.rsplit_once('@').unwrap();
        let server = server.to_owned();
        let url = format!("{user}@{address}/{name}");
        let serving = tokio::spawn(async move {
            let mut relays = tokio::task::JoinSet::new();
            while let Ok((mut client, _)) = listener.accept().await {
                let mut server = TcpStream::connect(&server).await.unwrap();
                relays.spawn(async move {
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        let database = Database::connect(&url.into(), 2).await.unwrap();
        let warehouse = Warehouse::open(&database).await.unwrap();
        // Every connection and the listener go at once.
        serving.abort();
        let _aborted = serving.await;
        let file = File::new("people", vec![people(&[(1, "ann")])]);
        let error = file.load_into(&warehouse).await.expect_err("nobody is there");
        assert_eq!(error.class(), FailureClass::Outage, "{error}");
        assert_eq!(database.ping().await.expect_err("nobody").class(), FailureClass::Outage);
    }
}
