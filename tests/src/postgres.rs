//! A real PostgreSQL for tests: the one that `MILLRACE_TEST_POSTGRES_URL` names,
//! or else one of our own, started from `initdb` and `postgres` where they are
//! installed.
//!
//! A test process has one server and a database per test.

use std::env;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::OnceCell;

use crate::server::{Account, START_TIMEOUT, Server, free_port, unique_name, with_database};

/// Machines do not crash here, so nothing waits for the disk. Servers do: what
/// is committed has left the server's memory.
const SETTINGS: [&str; 6] = [
    "fsync=off",
    "full_page_writes=off",
    "max_connections=200",
    "shared_buffers=64MB",
    "unix_socket_directories=",
    "listen_addresses=127.0.0.1",
];

/// A fresh, empty database.
#[derive(Debug)]
pub struct TestDatabase {
    url: String,
    /// The server's own database, from which this one is dropped; none where
    /// the server goes with the process.
    drop_from: Option<(String, String)>,
}

impl TestDatabase {
    /// Creates a database, or says that there is no PostgreSQL here.
    ///
    /// # Panics
    /// If there is one but it does not work.
    pub async fn create() -> Option<Self> {
        let Some(server) = server().await else {
            skipped();
            return None;
        };
        let name = unique_name();
        let mut connection = PgConnection::connect(&server.url).await.expect("a connection");
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .execute(&mut connection)
            .await
            .expect("a new database");
        connection.close().await.expect("an orderly end");
        let drop_from = server.stays().then(|| (server.url.clone(), name.clone()));
        Some(Self { url: with_database(&server.url, &name), drop_from })
    }

    /// Where it is: `postgres://user@host:port/name`.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let Some((url, name)) = self.drop_from.take() else {
            return;
        };
        // On a thread of its own: the test's runtime may be about to end.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            runtime.expect("a runtime").block_on(async {
                let mut connection = PgConnection::connect(&url).await?;
                sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await
            })
        });
        // A database that is left behind fails no test.
        let _dropped = dropping.join();
    }
}

/// A PostgreSQL server of a test's own, which may do with it what it likes.
pub struct TestServer(Server);

impl TestServer {
    /// Starts one, or says that there is no PostgreSQL here.
    ///
    /// # Panics
    /// If there is one but it does not work.
    pub async fn start() -> Option<Self> {
        let started = start(Binaries::find()).await;
        if started.is_none() {
            skipped();
        }
        started.map(Self)
    }

    /// Where its own database is: `postgres://user@host:port/postgres`.
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// Writes a file into its data folder, which only it can read, and has it
    /// read its configuration again.
    ///
    /// # Panics
    /// If that fails.
    pub fn configure(&mut self, file: &str, text: &str) -> PathBuf {
        let data = self.0.data.as_ref().expect("a server of our own");
        let (path, owner) = (data.join(file), fs::metadata(data).expect("its data folder"));
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its permissions");
        // Only root may give a file away; anybody else is its owner.
        let _given = chown(&path, Some(owner.uid()), Some(owner.gid()));
        self.signal("HUP");
        path
    }

    /// Sends its first process a signal: `KILL` is a crash, `INT` a fast
    /// restart. It is started again at once.
    ///
    /// # Panics
    /// If the shell that keeps it is gone.
    pub fn signal(&mut self, name: &str) {
        self.0.signal(name);
    }

    /// Stops it as `pg_ctl stop -m fast` does, and leaves it down.
    ///
    /// # Panics
    /// If the shell that keeps it is gone.
    pub fn stop(&mut self) {
        self.0.down("INT");
    }

    /// Starts it again after [`stop`](Self::stop).
    ///
    /// # Panics
    /// If the shell that keeps it is gone.
    pub fn start_again(&mut self) {
        self.0.up();
    }
}

async fn server() -> Option<&'static Server> {
    static SERVER: OnceCell<Option<Server>> = OnceCell::const_new();
    SERVER.get_or_init(find_or_start).await.as_ref()
}

async fn find_or_start() -> Option<Server> {
    if let Ok(url) = env::var("MILLRACE_TEST_POSTGRES_URL") {
        return Some(Server::of_another(url));
    }
    start(Binaries::find()).await
}

async fn start(binaries: Option<Binaries>) -> Option<Server> {
    let binaries = binaries?;
    let template = binaries.template().expect("an initialised data folder");
    for _attempt in 0..5 {
        let folder = binaries.account.folder("postgres").expect("a folder for the server");
        let port = free_port().expect("a free port");
        let arguments = arguments(&folder, port);
        let places = (template.as_path(), folder.as_path());
        let kept = binaries.account.keep(places, "QUIT", &binaries.postgres, &arguments);
        let input = kept.expect("a server");
        let url = format!("postgres://millrace@127.0.0.1:{port}/postgres");
        if answers(&url, &folder).await {
            return Some(Server::kept(url, folder.join("data"), input));
        }
    }
    panic!("PostgreSQL was started five times and never answered")
}

fn arguments(folder: &Path, port: u16) -> Vec<String> {
    let place = ["-D".to_owned(), folder.join("data").display().to_string()];
    let settings = SETTINGS.iter().flat_map(|setting| ["-c".to_owned(), (*setting).to_owned()]);
    let port = ["-p".to_owned(), port.to_string()];
    place.into_iter().chain(port).chain(settings).collect()
}

/// Polls until the server answers; false if another one has the port.
async fn answers(url: &str, folder: &Path) -> bool {
    let deadline = Instant::now() + START_TIMEOUT;
    while Instant::now() < deadline {
        if let Ok(mut connection) = PgConnection::connect(url).await {
            let data: String = sqlx::query_scalar("SHOW data_directory")
                .fetch_one(&mut connection)
                .await
                .expect("an answer");
            return Path::new(&data) == folder.join("data");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

struct Binaries {
    initdb: PathBuf,
    postgres: PathBuf,
    account: Account,
}

impl Binaries {
    fn find() -> Option<Self> {
        let folder = on_path().or_else(newest_installed)?;
        let account = Account::of("postgres");
        Some(Self { initdb: folder.join("initdb"), postgres: folder.join("postgres"), account })
    }

    fn template(&self) -> io::Result<PathBuf> {
        let version = Command::new(&self.postgres).arg("--version").output()?.stdout;
        self.account.template("postgres", &String::from_utf8_lossy(&version), |data| {
            let mut initdb = self.account.command(&self.initdb);
            initdb.args(["--no-sync", "--wal-segsize=1", "--auth=trust", "--username=millrace"]);
            initdb.args(["--encoding=UTF8", "--locale=C", "--pgdata"]).arg(data);
            Ok(initdb.status()?.success())
        })
    }
}

fn on_path() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).find(|folder| has_both(folder))
}

fn newest_installed() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let numbered = versions.filter_map(|entry| {
        let path = entry.ok()?.path();
        let version: u32 = path.file_name()?.to_str()?.parse().ok()?;
        Some((version, path.join("bin")))
    });
    numbered.filter(|(_, bin)| has_both(bin)).max().map(|(_, bin)| bin)
}

fn has_both(folder: &Path) -> bool {
    folder.join("postgres").is_file() && folder.join("initdb").is_file()
}

#[allow(clippy::print_stderr)]
fn skipped() {
    eprintln!(
        "skipped: PostgreSQL not found; install it or name a server in MILLRACE_TEST_POSTGRES_URL"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_test_has_an_empty_database_of_its_own() {
        let (Some(one), Some(other)) = (TestDatabase::create().await, TestDatabase::create().await)
        else {
            return;
        };
        assert_ne!(one.url(), other.url());
        let mut connection = PgConnection::connect(one.url()).await.expect("a connection");
        sqlx::query("CREATE TABLE here (n INT)").execute(&mut connection).await.expect("a table");
        let mut connection = PgConnection::connect(other.url()).await.expect("a connection");
        let tables: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM information_schema.tables WHERE table_name = 'here'",
        )
        .fetch_one(&mut connection)
        .await
        .expect("a count");
        assert_eq!(tables, 0);
    }
}
