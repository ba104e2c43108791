//! Lifecycle rules, as the clock passes.

use std::time::{Duration, Instant, SystemTime};

use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, ExpirationStatus,
    LifecycleExpiration, LifecycleRule, LifecycleRuleFilter, NoncurrentVersionExpiration,
};
use millrace_localaws::{Clock, Config};

use crate::client::{BUCKET, Endpoint, Refusal};
use crate::notification::{configure, drain, names, queue, rule as notify};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn stopped() -> (Endpoint, Clock) {
    let clock = Clock::stopped(SystemTime::now());
    let set = |config: &mut Config| config.clock = clock.clone();
    let endpoint = Endpoint::start_with(set).await;
    (endpoint, clock)
}

fn rule(prefix: &str) -> aws_sdk_s3::types::builders::LifecycleRuleBuilder {
    let filter = LifecycleRuleFilter::builder().prefix(prefix).build();
    LifecycleRule::builder().id("rule").status(ExpirationStatus::Enabled).filter(filter)
}

async fn set(endpoint: &Endpoint, rule: LifecycleRule) -> Result<(), Refusal> {
    let rules = BucketLifecycleConfiguration::builder().rules(rule).build().unwrap();
    let request = endpoint.s3.put_bucket_lifecycle_configuration().bucket(BUCKET);
    request.lifecycle_configuration(rules).send().await.map(drop).map_err(Refusal::of)
}

/// Waits until there are as many versions and markers as this.
async fn until_left(endpoint: &Endpoint, versions: usize, markers: usize) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let listed = endpoint.s3.list_object_versions().bucket(BUCKET).send().await.unwrap();
        let left = (listed.versions().len(), listed.delete_markers().len());
        if left == (versions, markers) {
            return;
        }
        assert!(Instant::now() < deadline, "{left:?} are left");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn objects_expire_at_the_midnight_after_their_days() {
    let (endpoint, clock) = stopped().await;
    let queue = queue(&endpoint, "expired").await;
    configure(&endpoint, vec![notify(&queue, "all", &["s3:LifecycleExpiration:*"])]).await.unwrap();
    drain(&endpoint, &queue).await;
    endpoint.put("tmp/a", "v").await;
    endpoint.put("kept", "v").await;
    let expires = LifecycleExpiration::builder().days(2).build();
    set(&endpoint, rule("tmp/").expiration(expires).build().unwrap()).await.unwrap();
    let head = endpoint.s3.head_object().bucket(BUCKET).key("tmp/a").send().await.unwrap();
    assert!(head.expiration().unwrap().ends_with("rule-id=\"rule\""), "{head:?}");
    clock.advance(DAY);
    assert_eq!(endpoint.keys().await, ["kept", "tmp/a"]);
    clock.advance(2 * DAY);
    until_left(&endpoint, 1, 0).await;
    assert_eq!(endpoint.keys().await, ["kept"]);
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut events = Vec::new();
    while events.is_empty() {
        assert!(Instant::now() < deadline, "no event");
        events = drain(&endpoint, &queue).await;
    }
    assert_eq!(names(&events), [("LifecycleExpiration:Delete".into(), "tmp/a".into())]);
}

#[tokio::test]
async fn versions_expire_when_they_were_replaced_long_enough() {
    let (endpoint, clock) = stopped().await;
    endpoint.set_versioning(aws_sdk_s3::types::BucketVersioningStatus::Enabled).await;
    for body in ["1", "2", "3"] {
        endpoint.put("k", body).await;
    }
    let expires = NoncurrentVersionExpiration::builder().noncurrent_days(1).build();
    let current = LifecycleExpiration::builder().days(3).build();
    let rule = rule("").noncurrent_version_expiration(expires).expiration(current);
    set(&endpoint, rule.build().unwrap()).await.unwrap();
    clock.advance(2 * DAY);
    until_left(&endpoint, 1, 0).await;
    clock.advance(2 * DAY);
    until_left(&endpoint, 1, 1).await;
    clock.advance(2 * DAY);
    // The version below is gone, and nothing needs the marker then.
    until_left(&endpoint, 0, 1).await;
    clock.advance(4 * DAY);
    until_left(&endpoint, 0, 0).await;
}

#[tokio::test]
async fn uploads_that_never_end_are_given_up() {
    let (endpoint, clock) = stopped().await;
    let upload = endpoint.s3.create_multipart_upload().bucket(BUCKET).key("k");
    upload.send().await.unwrap();
    let abort = AbortIncompleteMultipartUpload::builder().days_after_initiation(1).build();
    let rule = rule("").abort_incomplete_multipart_upload(abort);
    set(&endpoint, rule.build().unwrap()).await.unwrap();
    clock.advance(2 * DAY);
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let listed = endpoint.s3.list_multipart_uploads().bucket(BUCKET).send().await.unwrap();
        if listed.uploads().is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "the upload is still there");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_rule_must_do_something() {
    let (endpoint, _) = stopped().await;
    let idle = set(&endpoint, rule("").build().unwrap()).await.unwrap_err();
    assert_eq!(idle, Refusal::new("InvalidRequest", 400));
    let never = LifecycleExpiration::builder().days(0).build();
    let never = set(&endpoint, rule("").expiration(never).build().unwrap()).await.unwrap_err();
    assert_eq!(never, Refusal::new("InvalidArgument", 400));
}
