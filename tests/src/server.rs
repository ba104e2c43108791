//! What the database servers of tests have in common: their user, their port and
//! the names of databases.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

/// How long a server may take to answer.
pub(crate) const START_TIMEOUT: Duration = Duration::from_secs(30);

/// The user we run as.
pub(crate) fn own_uid() -> u32 {
    let folder = tempfile::tempdir().and_then(|folder| fs::metadata(folder.path()));
    folder.expect("a temporary folder").uid()
}

/// Whether that is root, whom servers refuse.
pub(crate) fn is_root() -> bool {
    own_uid() == 0
}

/// User and group of `name`, or else of `nobody`.
pub(crate) fn user_of(name: &str) -> (u32, u32) {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let ids = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    ids(name).or_else(|| ids("nobody")).unwrap_or((65_534, 65_534))
}

/// A port that nobody listens on now.
pub(crate) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A name for a database that no other test has.
pub(crate) fn unique_name() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("millrace_test_{}_{number}_{}", std::process::id(), now.subsec_nanos())
}

/// The URL with another database name; its query is kept.
pub(crate) fn with_database(url: &str, name: &str) -> String {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let host_end = base.find("://").map_or(0, |at| at + 3);
    let base = match base[host_end..].find('/') {
        Some(slash) => &base[..host_end + slash],
        None => base,
    };
    if query.is_empty() { format!("{base}/{name}") } else { format!("{base}/{name}?{query}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_database_name_changes() {
        for (url, expected) in [
            ("postgres://u@h:1/postgres", "postgres://u@h:1/new"),
            ("postgres://u@h:1", "postgres://u@h:1/new"),
            ("postgres://u:p@h/a?sslmode=require", "postgres://u:p@h/new?sslmode=require"),
        ] {
            assert_eq!(with_database(url, "new"), expected);
        }
    }
}
