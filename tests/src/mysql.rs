//! A real MySQL for tests: the one that `MILLRACE_TEST_MYSQL_URL` names, or else
//! a MariaDB of our own, started where it is installed.
//!
//! As with PostgreSQL, a test process has one server and a database per test;
//! the server ends with the process, and starts from a copy of a data folder
//! that is made once.

use std::env;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::time::Instant;

use sqlx::{AssertSqlSafe, Connection, MySqlConnection};
use tokio::sync::OnceCell;

use crate::server::{
    START_TIMEOUT, free_port, is_root, own_uid, unique_name, user_of, with_database,
};

/// What the data folder is made with, and has to be opened with.
const LAYOUT: [&str; 4] = [
    "--no-defaults",
    "--innodb-log-file-size=4M",
    "--innodb-data-file-path=ibdata1:4M:autoextend",
    "--innodb-undo-tablespaces=0",
];

/// Durability is not what is tested, so nothing waits for the disk.
const SETTINGS: &str = "--bind-address=127.0.0.1 --skip-name-resolve --skip-log-bin \
    --performance-schema=off --innodb-flush-log-at-trx-commit=0 --innodb-flush-method=nosync \
    --innodb-doublewrite=off --innodb-fast-shutdown=2 --innodb-buffer-pool-size=32M \
    --innodb-temp-data-file-path=ibtmp1:1M:autoextend --max-connections=50";

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
        let drop_from = server.input.is_none().then(|| (server.url.clone(), name.clone()));
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

struct Server {
    url: String,
    /// Held open for as long as the server shall run; none for another's.
    input: Option<ChildStdin>,
}

async fn server() -> Option<&'static Server> {
    static SERVER: OnceCell<Option<Server>> = OnceCell::const_new();
    SERVER.get_or_init(find_or_start).await.as_ref()
}

async fn find_or_start() -> Option<Server> {
    if let Ok(url) = env::var("MILLRACE_TEST_MYSQL_URL") {
        return Some(Server { url, input: None });
    }
    let binaries = Binaries::find()?;
    let template = binaries.template().expect("an initialised data folder");
    for _attempt in 0..5 {
        let folder = binaries.folder().expect("a folder for the server");
        let port = free_port().expect("a free port");
        let input = binaries.start(&template, &folder, port).expect("a server");
        let url = format!("mysql://root@127.0.0.1:{port}/mysql");
        if answers(&url, &folder).await {
            return Some(Server { url, input: Some(input) });
        }
    }
    panic!("MariaDB was started five times and never answered")
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
    /// The user to run as, where we are root, whom MariaDB refuses.
    user: Option<(u32, u32)>,
}

impl Binaries {
    fn find() -> Option<Self> {
        let user = is_root().then(|| user_of("mysql"));
        Some(Self { install: find("mariadb-install-db")?, server: find("mariadbd")?, user })
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command.current_dir(env::temp_dir()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// A folder that belongs to the server's user.
    fn folder(&self) -> io::Result<PathBuf> {
        let folder = tempfile::Builder::new().prefix("millrace-mysql-").tempdir()?.keep();
        if let Some((uid, gid)) = self.user {
            chown(&folder, Some(uid), Some(gid))?;
        }
        folder.canonicalize()
    }

    /// An initialised data folder to copy, made by whoever comes first while the
    /// others wait: it takes seconds.
    fn template(&self) -> io::Result<PathBuf> {
        let version = Command::new(&self.server).arg("--version").output()?.stdout;
        let version = String::from_utf8_lossy(&version);
        let version = version.split_whitespace().nth(2).unwrap_or_default();
        let version: String = version.chars().filter(char::is_ascii_alphanumeric).collect();
        let user = self.user.map_or_else(own_uid, |(uid, _)| uid);
        let template = env::temp_dir().join(format!("millrace-template-mysql-{version}-{user}"));
        let lock = File::create(template.with_extension("lock"))?;
        lock.lock()?;
        if template.exists() {
            return Ok(template);
        }
        let folder = self.folder()?;
        let data = folder.join("data");
        let done = self
            .command(&self.install)
            .args(LAYOUT)
            .args(["--auth-root-authentication-method=normal", "--skip-test-db"])
            .arg("--skip-name-resolve")
            .arg(format!("--datadir={}", data.display()))
            .status()?;
        assert!(done.success(), "mariadb-install-db failed in {}", folder.display());
        fs::rename(&data, &template)?;
        fs::remove_dir_all(&folder)?;
        Ok(template)
    }

    fn start(&self, template: &Path, folder: &Path, port: u16) -> io::Result<ChildStdin> {
        let layout = LAYOUT.join(" ");
        let script = format!(
            "trap '' INT TERM; cp -r \"$1\" \"$2/data\"; \
             \"$3\" {layout} --datadir=\"$2/data\" --tmpdir=\"$2\" --socket=\"$2/socket\" --port={port} \
             {SETTINGS} </dev/null & server=$!; \
             cat >/dev/null; kill -KILL $server; wait $server; rm -rf \"$2\""
        );
        let mut shell = self
            .command(Path::new("sh"))
            .args(["-c", &script, "sh"])
            .args([template, folder, &self.server])
            .stdin(Stdio::piped())
            // Signals to the tests' group are not for it.
            .process_group(0)
            .spawn()?;
        shell.stdin.take().ok_or_else(|| io::Error::other("no standard input"))
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
