//! Passwords: read from a file or from Secrets Manager, read again when they
//! were rotated, and seen nowhere.

use std::path::PathBuf;
use std::time::Duration;

use millrace_tests::TestServer;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::books::{Books, PIPELINE, Published};
use crate::fleet::Fleet;
use crate::stack::{Stack, wait_for};

/// With characters that a URL and a shell would trip over.
const PASSWORDS: [&str; 2] = ["s3cr3t/one$", "s3cr3t@two 'x"];

/// A server that asks `ann` for a password.
struct Guarded {
    server: TestServer,
    address: String,
}

impl Guarded {
    async fn start() -> Option<Self> {
        let mut server = TestServer::start().await?;
        let rest = server.url().split_once('@').expect("a user").1;
        let address = rest.split_once('/').expect("a database").0.to_owned();
        let rules =
            "host all millrace 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
        server.configure("pg_hba.conf", rules);
        let guarded = Self { server, address };
        guarded.run("CREATE ROLE ann LOGIN").await;
        guarded.run("CREATE DATABASE shop OWNER ann").await;
        guarded.rotate(PASSWORDS[0]).await;
        let wrong = guarded.url("wrong");
        let runtime = tokio::runtime::Handle::current();
        tokio::task::block_in_place(|| {
            wait_for("the password to be asked for", Duration::from_secs(20), || {
                runtime.block_on(PgConnection::connect(&wrong)).is_err().then_some(())
            });
        });
        Some(guarded)
    }

    async fn run(&self, sql: &str) {
        let mut connection = PgConnection::connect(self.server.url()).await.expect("a server");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect(sql);
    }

    /// A new password; connections under the old one end.
    async fn rotate(&self, password: &str) {
        let password = password.replace('\'', "''");
        self.run(&format!("ALTER ROLE ann PASSWORD '{password}'")).await;
        self.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ann'")
            .await;
    }

    fn url(&self, password: &str) -> String {
        let escaped: String = password.bytes().map(|byte| format!("%{byte:02X}")).collect();
        format!("postgres://ann:{escaped}@{}/shop", self.address)
    }

    /// The same as RDS keeps it.
    fn json(&self, password: &str) -> String {
        let (host, port) = self.address.split_once(':').expect("a port");
        let port: u16 = port.parse().expect("a number");
        serde_json::json!({
            "engine": "postgres", "username": "ann", "password": password,
            "host": host, "port": port, "dbname": "shop",
        })
        .to_string()
    }

    /// The database as its owner's keeper sees it.
    fn books(&self) -> Books {
        Books::Postgres(format!("postgres://millrace@{}/shop", self.address))
    }
}

fn pipeline(source: &str) -> String {
    format!("{PIPELINE}\n[warehouse]\nurl = \"{source}\"\n")
}

/// Where the password is kept.
enum Kept {
    File(PathBuf),
    Secret(aws_sdk_secretsmanager::Client),
}

impl Kept {
    async fn put(&self, guarded: &Guarded, password: &str) {
        match self {
            Self::File(path) => {
                std::fs::write(path, format!("{}\n", guarded.url(password))).expect("a file");
            }
            Self::Secret(client) => {
                let value = guarded.json(password);
                let created = client.create_secret().name("shop/db").secret_string(&value);
                if created.send().await.is_err() {
                    let changed = client.put_secret_value().secret_id("shop/db");
                    changed.secret_string(value).send().await.expect("a new value");
                }
            }
        }
    }
}

/// Everything that anyone could look into, without the password.
fn assert_unseen(stack: &Stack) {
    let mut seen = vec![("logs".to_owned(), stack.log_text())];
    for arguments in [&["status"][..], &["runs"], &["plan"], &["check"]] {
        let output = stack.run(arguments);
        let text = [output.stdout, output.stderr].concat();
        seen.push((arguments.join(" "), String::from_utf8_lossy(&text).into_owned()));
    }
    for process in std::fs::read_dir("/proc").expect("/proc").flatten() {
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        seen.push((process.path().display().to_string(), String::from_utf8_lossy(&line).into()));
    }
    for (place, text) in seen {
        for word in ["s3cr3t", "%73%33%63"] {
            assert!(!text.contains(word), "the password is in {place}:\n{text}");
        }
    }
}

async fn survives_a_rotation(guarded: &Guarded, stack: &Stack, kept: &Kept) {
    kept.put(guarded, PASSWORDS[0]).await;
    let (s3, mut published) = (stack.s3().await, Published::default());
    let fleet = Fleet::start(stack, 1, &[]);
    published.sale(&s3).await;
    published.version(&s3, 1).await;
    let loaded = |files: usize| {
        stack.wait_for_runs("the load", |runs| {
            runs.iter().filter(|run| run["state"] == "loaded").count() == files
        });
    };
    loaded(2);
    let before = fleet.ids();
    guarded.rotate(PASSWORDS[1]).await;
    published.sale(&s3).await;
    wait_for("the workers to be refused", Duration::from_secs(60), || {
        stack.log_text().contains("password authentication failed").then_some(())
    });
    assert_unseen_in(&stack.log_text());
    kept.put(guarded, PASSWORDS[1]).await;
    loaded(3);
    stack.wait_until_drained();
    assert_eq!(fleet.ids(), before, "no worker was started again");
    assert_unseen(stack);
    fleet.stop();
    published.assert_exact(&guarded.books(), stack).await;
}

fn assert_unseen_in(text: &str) {
    assert!(!text.contains("s3cr3t"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_password_in_a_file_is_found_without_a_restart() {
    let Some(guarded) = Guarded::start().await else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("database-url");
    let stack = Stack::start(&pipeline(&format!("file:{}", file.display())));
    survives_a_rotation(&guarded, &stack, &Kept::File(file)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_password_in_secrets_manager_is_found_without_a_restart() {
    let Some(guarded) = Guarded::start().await else { return };
    let stack = Stack::start(&pipeline("secretsmanager:shop/db?sslmode=disable"));
    let client = aws_sdk_secretsmanager::Client::new(&stack.sdk().await);
    survives_a_rotation(&guarded, &stack, &Kept::Secret(client)).await;
}

#[tokio::test]
async fn a_secret_that_is_not_there_is_named() {
    let stack = Stack::start(&pipeline("secretsmanager:shop/nowhere"));
    let output = stack.run(&["runs"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(text.contains("secret `shop/nowhere` can't be read"), "{text}");
    stack.rewrite(&pipeline("file:/nowhere/url"));
    let text = String::from_utf8_lossy(&stack.run(&["runs"]).stderr).into_owned();
    assert!(text.contains("file `/nowhere/url`"), "{text}");
}
