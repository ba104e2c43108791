//! The catalogs that the promises are held against.

use std::fmt;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use aws_credential_types::Credentials;
use millrace_glue::Glue;
use millrace_localaws::{Config, Server};

/// A database of a catalog that nobody else has.
pub(crate) struct Place {
    pub(crate) catalog: Glue,
    pub(crate) database: String,
    name: &'static str,
    _running: Running,
}

/// What has to live as long.
enum Running {
    Embedded(#[expect(dead_code)] Server, #[expect(dead_code)] tempfile::TempDir),
    Moto(Child),
    Elsewhere,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Self::Moto(child) = self {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Every catalog there is, with a word on each that is not.
pub(crate) async fn places() -> Vec<Place> {
    let mut places = vec![embedded().await];
    match std::env::var("MILLRACE_AWS_PEERS").ok().filter(|peers| !peers.is_empty()) {
        Some(peers) => places.push(moto(&peers).await),
        None => eprintln!("without moto: MILLRACE_AWS_PEERS names no environment that has it"),
    }
    if let Ok(url) = std::env::var("MILLRACE_TEST_GLUE_ENDPOINT") {
        places.push(place("elsewhere", &url, Running::Elsewhere).await);
    }
    places
}

async fn embedded() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::new(folder.path().join("aws"));
    config.bind.set_port(0);
    let server = Server::start(config).await.unwrap();
    let url = server.url();
    place("embedded", &url, Running::Embedded(server, folder)).await
}

async fn moto(peers: &str) -> Place {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new(format!("{peers}/bin/moto_server"));
    command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let running = Running::Moto(child);
    let until = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < until, "moto does not answer on port {port}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    place("moto", &format!("http://127.0.0.1:{port}"), running).await
}

async fn place(name: &'static str, url: &str, running: Running) -> Place {
    static DATABASES: AtomicU32 = AtomicU32::new(0);
    let sdk = aws_config::defaults(aws_config::BehaviorVersion::latest())
        .endpoint_url(url)
        .region(aws_config::Region::new("us-east-1"))
        .credentials_provider(Credentials::new("k", "s", None, None, "test"))
        .load()
        .await;
    let number = DATABASES.fetch_add(1, Ordering::Relaxed);
    let database = format!("shop_{}_{number}", std::process::id());
    Place { catalog: Glue::new(&sdk), database, name, _running: running }
}
