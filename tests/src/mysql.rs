//! A real MySQL for tests: the one that `MILLRACE_TEST_MYSQL_URL` names, or else
//! a MariaDB of our own, started where it is installed.
//!
//! As with PostgreSQL, a test process has one server and a database per test.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use sqlx::{AssertSqlSafe, Connection, MySqlConnection};
use tokio::sync::OnceCell;

use crate::server::{Account, START_TIMEOUT, Server, free_port, unique_name, with_database};

/// What the data folder is made with, and has to be opened with.
const LAYOUT: [&str; 4] = [
    "--no-defaults",
    "--innodb-log-file-size=4M",
    "--innodb-data-file-path=ibdata1:4M:autoextend",
    "--innodb-undo-tablespaces=0",
];

/// Machines do not crash here, so nothing waits for the disk. Servers do: what is
/// committed has left the server's memory.
const SETTINGS: [&str; 11] = [
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--skip-log-bin",
    "--performance-schema=off",
    "--innodb-flush-log-at-trx-commit=2",
    "--innodb-flush-method=nosync",
    "--innodb-doublewrite=off",
    "--innodb-fast-shutdown=2",
    "--innodb-buffer-pool-size=32M",
    "--innodb-temp-data-file-path=ibtmp1:1M:autoextend",
    "--max-connections=50",
];

/// A fresh, empty database of a MySQL or MariaDB server.
#[derive(Debug)]
pub struct MySqlDatabase {
    url: String,
    /// The server's own database, from which this one is dropped; none where
    /// the server goes with the process.
    drop_from: Option<(String, String)>,
}

impl MySqlDatabase {
    /// Creates a database, or says that there is no MySQL here.
    ///
    /// # Panics
    /// If there is one but it does not work.
    pub async fn create() -> Option<Self> {
        let Some(server) = server().await else {
            skipped();
            return None;
        };
        let name = unique_name();
        let mut connection = MySqlConnection::connect(&server.url).await.expect("a connection");
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .execute(&mut connection)
            .await
            .expect("a new database");
        connection.close().await.expect("an orderly end");
        let drop_from = server.stays().then(|| (server.url.clone(), name.clone()));
        Some(Self { url: with_database(&server.url, &name), drop_from })
    }

    /// Where it is: `mysql://user@host:port/name`.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for MySqlDatabase {
    fn drop(&mut self) {
        let Some((url, name)) = self.drop_from.take() else {
            return;
        };
        // On a thread of its own: the test's runtime may be about to end.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let sql = format!("DROP DATABASE IF EXISTS {name}");
            runtime.expect("a runtime").block_on(async {
                let mut connection = MySqlConnection::connect(&url).await?;
                sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await
            })
        });
        // A database that is left behind fails no test.
        let _dropped = dropping.join();
    }
}

/// A MariaDB server of a test's own, which may do with it what it likes.
pub struct MySqlServer(Server);

impl MySqlServer {
    /// Starts one, or says that there is no MariaDB here.
    ///
    /// # Panics
    /// If there is one but it does not work.
    pub async fn start() -> Option<Self> {
        let Some(server) = start(Binaries::find()).await else {
            skipped();
            return None;
        };
        let mut connection = MySqlConnection::connect(&server.url).await.expect("a connection");
        let create = sqlx::query("CREATE DATABASE books");
        create.execute(&mut connection).await.expect("a new database");
        Some(Self(server))
    }

    /// Where an empty database of it is: `mysql://user@host:port/name`.
    pub fn url(&self) -> String {
        with_database(&self.0.url, "books")
    }

    /// Sends it a signal: `KILL` is a crash, `TERM` an orderly end. It is started
    /// again at once.
    ///
    /// # Panics
    /// If the shell that keeps it is gone.
    pub fn signal(&mut self, name: &str) {
        self.0.signal(name);
    }
}

async fn server() -> Option<&'static Server> {
    static SERVER: OnceCell<Option<Server>> = OnceCell::const_new();
    SERVER.get_or_init(find_or_start).await.as_ref()
}

async fn find_or_start() -> Option<Server> {
    if let Ok(url) = env::var("MILLRACE_TEST_MYSQL_URL") {
        return Some(Server::of_another(url));
    }
    start(Binaries::find()).await
}

async fn start(binaries: Option<Binaries>) -> Option<Server> {
    let binaries = binaries?;
    let template = binaries.template().expect("an initialised data folder");
    for _attempt in 0..5 {
        let folder = binaries.account.folder("mysql").expect("a folder for the server");
        let port = free_port().expect("a free port");
        let arguments = arguments(&folder, port);
        let places = (template.as_path(), folder.as_path());
        let kept = binaries.account.keep(places, "KILL", &binaries.server, &arguments);
        let input = kept.expect("a server");
        let url = format!("mysql://root@127.0.0.1:{port}/mysql");
        if answers(&url, &folder).await {
            return Some(Server::kept(url, folder.join("data"), input));
        }
    }
    panic!("MariaDB was started five times and never answered")
}

fn arguments(folder: &Path, port: u16) -> Vec<String> {
    let place = [
        format!("--datadir={}", folder.join("data").display()),
        format!("--tmpdir={}", folder.display()),
        format!("--socket={}", folder.join("socket").display()),
        format!("--port={port}"),
    ];
    LAYOUT
        .iter()
        .map(|&text| text.to_owned())
        .chain(place)
        .chain(SETTINGS.map(str::to_owned))
        .collect()
}

/// Polls until the server answers; false if another one has the port.
async fn answers(url: &str, folder: &Path) -> bool {
    let deadline = Instant::now() + START_TIMEOUT;
    while Instant::now() < deadline {
        if let Ok(mut connection) = MySqlConnection::connect(url).await {
            let data: String = sqlx::query_scalar("SELECT CAST(@@datadir AS CHAR)")
                .fetch_one(&mut connection)
                .await
                .expect("an answer");
            return Path::new(&data) == folder.join("data");
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    false
}

struct Binaries {
    install: PathBuf,
    server: PathBuf,
    account: Account,
}

impl Binaries {
    fn find() -> Option<Self> {
        let account = Account::of("mysql");
        Some(Self { install: find("mariadb-install-db")?, server: find("mariadbd")?, account })
    }

    fn template(&self) -> io::Result<PathBuf> {
        let version = Command::new(&self.server).arg("--version").output()?.stdout;
        let version = String::from_utf8_lossy(&version);
        let version = version.split_whitespace().nth(2).unwrap_or_default();
        self.account.template("mysql", version, |data| {
            let mut install = self.account.command(&self.install);
            install.args(LAYOUT).args(["--auth-root-authentication-method=normal"]);
            install.args(["--skip-test-db", "--skip-name-resolve"]);
            install.arg(format!("--datadir={}", data.display()));
            Ok(install.status()?.success())
        })
    }
}

/// A program on the path, or where systems keep servers.
fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    folders.map(|folder| folder.join(program)).find(|path| path.is_file())
}

#[allow(clippy::print_stderr)]
fn skipped() {
    eprintln!("skipped: MariaDB not found; install it or name a server in MILLRACE_TEST_MYSQL_URL");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_test_has_an_empty_database_of_its_own() {
        let (Some(one), Some(other)) =
            (MySqlDatabase::create().await, MySqlDatabase::create().await)
        else {
            return;
        };
        assert_ne!(one.url(), other.url());
        let mut connection = MySqlConnection::connect(one.url()).await.expect("a connection");
        sqlx::query("CREATE TABLE here (n INT)").execute(&mut connection).await.expect("a table");
        let mut connection = MySqlConnection::connect(other.url()).await.expect("a connection");
        let tables: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM information_schema.tables \
             WHERE table_name = 'here' AND table_schema = DATABASE()",
        )
        .fetch_one(&mut connection)
        .await
        .expect("a count");
        assert_eq!(tables, 0);
    }
}
