//! A worker that starts in an outage waits until it is over, as one that is at work
//! does: whoever started it anew could do no more.

use millrace_ledger::{DatabaseError, Fault, LedgerError};
use millrace_notify::Outages;
use millrace_retry::Classify;
use millrace_runtime::probe_pause;
use tokio::time::sleep;

/// Opens what a worker needs, again and again while a database is away, which is told
/// as every outage is.
///
/// # Errors
/// What waiting does not mend, such as a wrong password, as `open` gave it.
pub(super) async fn outlast<T>(
    outages: Option<&Outages>,
    mut open: impl AsyncFnMut() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let mut attempt = 0;
    loop {
        let reason = match open().await {
            Err(error) if is_passing(&error) => format!("{error:#}"),
            opened => {
                if attempt > 0 {
                    tracing::info!("the outage is over");
                    outages.inspect(|outages| outages.ended());
                }
                return opened;
            }
        };
        attempt += 1;
        if attempt == 1 {
            outages.inspect(|outages| outages.began(&reason));
        }
        let pause = probe_pause(attempt);
        tracing::warn!(reason, ?pause, "outage: the worker can't start; it tries again");
        sleep(pause).await;
    }
}

/// Whether waiting may mend it. A login that is refused or a URL that is wrong may
/// be everybody's trouble once workers are at work; at a start it is a mistake to
/// show.
fn is_passing(error: &anyhow::Error) -> bool {
    let in_ledger = |error: &LedgerError| match error {
        LedgerError::Database(error) => is_passing_fault(error),
        _ => false,
    };
    error.downcast_ref().is_some_and(is_passing_fault)
        || error.downcast_ref().is_some_and(in_ledger)
}

fn is_passing_fault(error: &DatabaseError) -> bool {
    let mistaken = [Fault::Login, Fault::Url, Fault::Damaged];
    error.class().is_retryable() && !mistaken.contains(&error.fault())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use millrace_ledger::Database;
    use tokio::time::Instant;

    use super::*;

    async fn refused(url: &str) -> DatabaseError {
        Database::connect(&url.into(), 1).await.expect_err("there is none")
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_starts_as_soon_as_the_database_is_back() {
        let away = refused("postgres://nobody@127.0.0.1:1/shop").await;
        let (started, mut attempts) = (Instant::now(), 0);
        let opened = outlast(None, async || {
            attempts += 1;
            match attempts {
                1 => Err(away.clone().into()),
                2 => Err(LedgerError::from(away.clone()).into()),
                number => Ok(number),
            }
        });
        assert_eq!(opened.await.expect("it is back"), 3);
        let waited = Duration::from_secs(3)..Duration::from_secs(7);
        assert!(waited.contains(&started.elapsed()), "{:?}", started.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn what_waiting_does_not_mend_is_said_at_once() {
        let wrong = refused("oracle://db.example/shop").await;
        for error in [
            anyhow::anyhow!("no such stage"),
            wrong.clone().into(),
            LedgerError::from(wrong).into(),
        ] {
            let (said, mut error) = (error.to_string(), Some(error));
            let opened = outlast(None, async || Err::<(), _>(error.take().expect("once")));
            assert_eq!(opened.await.expect_err("it is told").to_string(), said);
        }
    }
}
