//! The way of an upload into the ledger, proved by an object that no dataset
//! takes: ingest records that it was left out.

use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use millrace_ledger::{Ledger, LedgerError};
use millrace_pipeline::Pipeline;
use millrace_storage::{S3Storage, Storage};

use super::Findings;

/// Key of the canary: always the same, so that it is one skip in the ledger.
const KEY: &str = "_millrace/canary";

/// Publishes the canary and waits for ingest to have seen it.
pub(super) async fn check(
    findings: &mut Findings,
    aws: &SdkConfig,
    pipeline: &Pipeline,
    ledger: &Ledger,
    wait: Duration,
) {
    let bucket = &pipeline.lake.raw;
    let subject = format!("s3://{bucket}/{KEY}");
    if let Some(route) = pipeline.route(bucket, KEY) {
        let seen =
            format!("dataset `{}` would take it, so it was not published", route.dataset.name);
        let remedy = "make its `match` narrower, so that it leaves `_millrace/` alone";
        return findings.doubtful("canary", &subject, seen, remedy);
    }
    let before = match ledger.skipped_at(bucket, KEY).await {
        Ok(before) => before,
        Err(error) => return findings.broken("canary", &subject, error.to_string(), "see above"),
    };
    let storage = S3Storage::new(aws);
    let body = Bytes::from_static(b"published by millrace doctor\n");
    if let Err(error) = storage.put(bucket, KEY, body).await {
        let remedy = "publish from where it is allowed, or grant it; workers need not have it";
        return findings.doubtful("canary", &subject, error.to_string(), remedy);
    }
    let started = Instant::now();
    match arrived(ledger, bucket, before, wait).await {
        Ok(true) => {
            let seen = format!("in the ledger after {} ms", started.elapsed().as_millis());
            findings.good("canary", &subject, seen);
        }
        Ok(false) => findings.broken(
            "canary",
            &subject,
            format!("not in the ledger after {} s", wait.as_secs()),
            "see `millrace status`: if its message waits in ingest's queue, no worker takes it; \
             if not, the bucket's notification or the queue's policy (or its KMS key's) is wrong",
        ),
        Err(error) => findings.broken("canary", &subject, error.to_string(), "see above"),
    }
    // What stays is overwritten by the next one.
    let _deleted = storage.delete(bucket, KEY).await;
}

/// Whether ingest saw it since. Its clock may differ from ours, so only that it was
/// seen at another time counts.
async fn arrived(
    ledger: &Ledger,
    bucket: &str,
    before: Option<DateTime<Utc>>,
    wait: Duration,
) -> Result<bool, LedgerError> {
    let deadline = Instant::now() + wait;
    loop {
        if ledger.skipped_at(bucket, KEY).await? != before {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
