//! `sslmode=verify-full`: the server must be who it says that it is.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use millrace_ledger::{Database, DatabaseError};
use millrace_retry::{Classify, FailureClass};
use millrace_tests::TestServer;

/// Runs `openssl` in a folder; false where it is not installed.
fn openssl(folder: &Path, line: &str) -> bool {
    let mut command = Command::new("openssl");
    command.args(line.split(' ')).current_dir(folder).stderr(Stdio::null()).stdout(Stdio::null());
    match command.status() {
        Ok(status) => {
            assert!(status.success(), "openssl {line}");
            true
        }
        Err(_) => false,
    }
}

/// `ca.crt` and `other.crt` are authorities; `server.crt`, signed by the first,
/// is for `localhost`.
fn certificates(folder: &Path) -> bool {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    std::fs::write(folder.join("san"), "subjectAltName=DNS:localhost").unwrap();
    ["ca", "other"].iter().all(|name| {
        openssl(
            folder,
            &format!("req -x509 {key} -days 2 -subj /CN={name} -keyout {name}.key -out {name}.crt"),
        )
    }) && openssl(
        folder,
        &format!("req {key} -subj /CN=localhost -keyout server.key -out server.csr"),
    ) && openssl(
        folder,
        "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 \
             -extfile san -out server.crt",
    )
}

async fn try_as(url: &str) -> Result<(), DatabaseError> {
    Database::connect(&url.to_owned().into(), 1).await.map(drop)
}

#[tokio::test]
async fn only_the_right_host_with_a_certificate_of_the_right_authority_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut server) = TestServer::start().await else { return };
    if !certificates(folder.path()) {
        eprintln!("skipped: openssl is not installed");
        return;
    }
    for file in ["server.crt", "server.key"] {
        server.configure(file, &std::fs::read_to_string(folder.path().join(file)).unwrap());
    }
    server.configure("postgresql.auto.conf", "ssl = on\n");
    let verified = |host: &str, authority: &str| {
        let url = server.url().replacen("127.0.0.1", host, 1);
        let root = folder.path().join(authority);
        format!("{url}?sslmode=verify-full&sslrootcert={}", root.display())
    };
    let started = Instant::now();
    while let Err(error) = try_as(&verified("localhost", "ca.crt")).await {
        assert!(started.elapsed() < Duration::from_secs(20), "{error}");
    }
    for (host, authority) in [("127.0.0.1", "ca.crt"), ("localhost", "other.crt")] {
        let error = try_as(&verified(host, authority)).await.expect_err(host);
        assert_eq!(error.class(), FailureClass::Outage, "{error}");
        assert!(error.to_string().contains("certificate"), "{error}");
    }
}
