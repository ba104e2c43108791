//! A file that a worker keeps fresh as long as it gets on, and whoever wants to
//! know reads: for health checks in a container without a shell.
//!
//! Two lines: seconds since 1970, and `live` or what is wrong. A worker that can't
//! even write it leaves it to grow old.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use millrace_runtime::Liveness;

/// How often it is written.
const EVERY: Duration = Duration::from_secs(5);

/// How old it may be.
const FRESH: Duration = Duration::from_secs(60);

const LIVE: &str = "live";

/// Keeps the file fresh until it is dropped. A worker that has no liveness yet waits to
/// start: it is well.
pub(super) async fn keep(file: PathBuf, liveness: Option<Arc<Liveness>>) {
    let mut has_failed = false;
    loop {
        let checked = liveness.as_ref().map_or(Ok(()), |liveness| liveness.check());
        let state = checked.map_or_else(|stuck| stuck.to_string(), |()| LIVE.to_owned());
        let written = write(&file, &state, SystemTime::now());
        if let Err(error) = &written
            && !has_failed
        {
            let file = file.display();
            tracing::warn!(%file, %error, "the heartbeat can't be written; health checks fail");
        }
        has_failed = written.is_err();
        tokio::time::sleep(EVERY).await;
    }
}

/// In one go, so that nobody reads half of it.
fn write(file: &Path, state: &str, now: SystemTime) -> io::Result<()> {
    let seconds = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let fresh = file.with_extension(format!("{}.new", std::process::id()));
    std::fs::write(&fresh, format!("{seconds}\n{state}\n"))?;
    std::fs::rename(&fresh, file)
}

/// Whether the worker that keeps the file is well.
///
/// # Errors
/// What is wrong, for a person.
pub(crate) fn read(file: &Path) -> Result<(), String> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).map_err(|error| {
        format!("no worker keeps the heartbeat `{shown}`: {error}; start it with the same MILLRACE_HEARTBEAT")
    })?;
    judge(&text, SystemTime::now()).map_err(|why| format!("by the heartbeat `{shown}` {why}"))
}

fn judge(text: &str, now: SystemTime) -> Result<(), String> {
    let mut lines = text.lines();
    let seconds = lines.next().and_then(|line| line.parse().ok());
    let (Some(seconds), Some(state)) = (seconds, lines.next()) else {
        return Err("nothing can be told: it is no heartbeat of a worker".to_owned());
    };
    let written = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let age = now.duration_since(written).unwrap_or_default();
    if age > FRESH {
        return Err(format!("the worker has stood still for {} s, or is gone", age.as_secs()));
    }
    if state == LIVE { Ok(()) } else { Err(state.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_heartbeat_of_a_worker_that_is_well_is_healthy() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("beat");
        assert!(read(&file).expect_err("none").contains("no worker keeps"));
        write(&file, LIVE, SystemTime::now()).expect("written");
        assert_eq!(read(&file), Ok(()));
        write(&file, "no poll has ended", SystemTime::now()).expect("written");
        assert!(read(&file).expect_err("stuck").contains("no poll has ended"));
        write(&file, LIVE, SystemTime::now() - FRESH * 2).expect("written");
        assert!(read(&file).expect_err("old").contains("stood still for 12"));
        std::fs::write(&file, "x").expect("written");
        assert!(read(&file).is_err());
    }
}
