//! Buckets: there, announced to the right queue, and what a worker asks of them
//! allowed.

use std::time::SystemTime;

use aws_config::SdkConfig;
use bytes::Bytes;
use millrace_pipeline::{Plan, PlannedBucket};
use millrace_storage::{BucketAdmin, BucketFacts, ObjectRef, S3Storage, Storage, StorageError};

use super::Findings;

/// Key of objects that are read, and where it is allowed written and deleted.
const PROBE: &str = "_millrace/doctor";

/// Looks at every bucket; answers what S3's clock said.
pub(super) async fn check(
    findings: &mut Findings,
    aws: &SdkConfig,
    plan: &Plan,
    writes: bool,
) -> Option<SystemTime> {
    let storage = S3Storage::new(aws);
    let admin = BucketAdmin::new(storage.clone());
    let mut clock = None;
    for bucket in &plan.buckets {
        match admin.inspect(&bucket.name).await {
            Ok(facts) => {
                clock = clock.or(facts.clock);
                check_announced(findings, plan, bucket, &facts);
            }
            Err(error @ StorageError::Denied { .. }) => {
                // Workers need not be allowed to look at that.
                let remedy = "run it as somebody who may, or trust the canary below";
                findings.doubtful("bucket", &bucket.name, error.to_string(), remedy);
            }
            Err(error) => {
                let remedy = "create it (`terraform apply`, `millrace dev`), or mend `[lake]`";
                findings.broken("bucket", &bucket.name, error.to_string(), remedy);
                continue;
            }
        }
        let is_lake = plan.notifications.iter().all(|planned| planned.bucket != bucket.name);
        check_access(findings, &storage, bucket, is_lake && writes).await;
    }
    clock
}

/// Whether what the plan announces is announced.
fn check_announced(
    findings: &mut Findings,
    plan: &Plan,
    bucket: &PlannedBucket,
    facts: &BucketFacts,
) {
    let mut planned = plan.notifications.iter().filter(|planned| planned.bucket == bucket.name);
    let missing = planned.find(|planned| {
        !facts.notifications.iter().any(|found| {
            found.queue_arn.rsplit(':').next() == Some(&planned.queue)
                && planned.prefix.starts_with(&found.prefix)
        })
    });
    let versions = if facts.versioned { "versioned" } else { "not versioned" };
    match missing {
        None => findings.good("bucket", &bucket.name, format!("there, {versions}")),
        Some(planned) if facts.eventbridge => findings.good(
            "bucket",
            &bucket.name,
            format!("there, {versions}, announced to EventBridge, not to {} itself", planned.queue),
        ),
        Some(planned) => findings.broken(
            "bucket",
            &bucket.name,
            format!(
                "new objects under `{}` are not announced to {}",
                planned.prefix, planned.queue
            ),
            "set the bucket's notification (`deploy/modules/lake`), or switch EventBridge on and \
             send its events to the queue",
        ),
    }
}

/// Reads what is not there; writes and deletes where that is ours to do.
async fn check_access(
    findings: &mut Findings,
    storage: &S3Storage,
    bucket: &PlannedBucket,
    writes: bool,
) {
    let absent = ObjectRef::latest(&bucket.name, format!("{PROBE}-absent"));
    let mut denied = Vec::new();
    match storage.get(&absent, 0, Some(1)).await {
        Ok(_) | Err(StorageError::NotFound { .. }) => {}
        // Without `s3:ListBucket` S3 denies what is not there, too.
        Err(error) => denied.push(format!("{error} (or `s3:ListBucket`)")),
    }
    if writes {
        let probe = Bytes::from_static(b"written and deleted by millrace doctor\n");
        match storage.put(&bucket.name, PROBE, probe).await {
            Ok(_) => denied.extend(
                storage.delete(&bucket.name, PROBE).await.err().map(|error| error.to_string()),
            ),
            Err(error) => denied.push(error.to_string()),
        }
    }
    match denied.is_empty() {
        true if writes => findings.good("access", &bucket.name, "read, write and delete"),
        true => findings.good("access", &bucket.name, "read"),
        false => findings.broken(
            "access",
            &bucket.name,
            denied.join("; "),
            "grant it to the role (`deploy/modules/stage` has each stage's), and the use of the \
             bucket's KMS key",
        ),
    }
}
