//! What is set on a bucket is kept, and what is not set has its own error.

use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, CorsConfiguration, CorsRule, ExpirationStatus,
    LifecycleExpiration, LifecycleRule, LifecycleRuleFilter, Tag, Tagging,
};

use crate::aws::Aws;
use crate::refusal::refused;

/// A bucket without a lifecycle configuration is
/// `NoSuchLifecycleConfiguration`. (GetBucketLifecycleConfiguration)
#[tokio::test]
async fn a_bucket_may_have_no_lifecycle() {
    let aws = Aws::start().await;
    let bucket = aws.bucket().await;
    let get = aws.s3.get_bucket_lifecycle_configuration().bucket(&bucket).send().await;
    assert_eq!(refused(get), "NoSuchLifecycleConfiguration");
}

/// A lifecycle configuration is returned as it was set, and gone when it is
/// deleted. (PutBucketLifecycleConfiguration, DeleteBucketLifecycle)
#[tokio::test]
async fn a_lifecycle_is_kept() {
    let aws = Aws::start().await;
    let bucket = aws.bucket().await;
    let rule = LifecycleRule::builder().id("old").status(ExpirationStatus::Enabled);
    let rule = rule.filter(LifecycleRuleFilter::builder().prefix("tmp/").build());
    let rule = rule.expiration(LifecycleExpiration::builder().days(7).build());
    let rules = BucketLifecycleConfiguration::builder().rules(rule.build().unwrap());
    let request = aws.s3.put_bucket_lifecycle_configuration().bucket(&bucket);
    request.lifecycle_configuration(rules.build().unwrap()).send().await.unwrap();
    let get = || aws.s3.get_bucket_lifecycle_configuration().bucket(&bucket).send();
    let rules = get().await.unwrap().rules.unwrap();
    assert_eq!(rules[0].expiration().unwrap().days(), Some(7));
    assert_eq!(rules[0].filter().unwrap().prefix(), Some("tmp/"));
    aws.s3.delete_bucket_lifecycle().bucket(&bucket).send().await.unwrap();
    assert_eq!(refused(get().await), "NoSuchLifecycleConfiguration");
}

/// A bucket without CORS rules is `NoSuchCORSConfiguration`. (GetBucketCors; API
/// Reference, Error responses)
#[tokio::test]
async fn a_bucket_may_have_no_cors() {
    let aws = Aws::start().await;
    let bucket = aws.bucket().await;
    let get = aws.s3.get_bucket_cors().bucket(&bucket).send().await;
    assert_eq!(refused(get), "NoSuchCORSConfiguration");
}

/// CORS rules are returned as they were set. (PutBucketCors, GetBucketCors)
#[tokio::test]
async fn cors_rules_are_kept() {
    let aws = Aws::start().await;
    let bucket = aws.bucket().await;
    let rule = CorsRule::builder().allowed_methods("GET").allowed_origins("https://a.example");
    let rule = rule.max_age_seconds(60).build().unwrap();
    let cors = CorsConfiguration::builder().cors_rules(rule.clone()).build().unwrap();
    let request = aws.s3.put_bucket_cors().bucket(&bucket).cors_configuration(cors);
    request.send().await.unwrap();
    let kept = aws.s3.get_bucket_cors().bucket(&bucket).send().await.unwrap();
    let kept = &kept.cors_rules()[0];
    assert_eq!(kept.allowed_origins, rule.allowed_origins);
    assert_eq!(kept.max_age_seconds, Some(60));
}

/// A bucket without a policy is `NoSuchBucketPolicy`. (GetBucketPolicy; API
/// Reference, Error responses)
#[tokio::test]
async fn a_bucket_may_have_no_policy() {
    let aws = Aws::start().await;
    let bucket = aws.bucket().await;
    let get = aws.s3.get_bucket_policy().bucket(&bucket).send().await;
    assert_eq!(refused(get), "NoSuchBucketPolicy");
}

/// A bucket policy is returned as the JSON that was set. (PutBucketPolicy,
/// GetBucketPolicy)
#[tokio::test]
async fn a_policy_is_kept() {
    let aws = Aws::start().await;
    let bucket = aws.bucket().await;
    let policy = serde_json::json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
        "Resource": [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }]});
    let request = aws.s3.put_bucket_policy().bucket(&bucket).policy(policy.to_string());
    request.send().await.unwrap();
    let kept = aws.s3.get_bucket_policy().bucket(&bucket).send().await.unwrap().policy.unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&kept).unwrap(), policy);
}

/// A bucket without tags is `NoSuchTagSet`; a set of tags is returned as it was
/// set. (GetBucketTagging, PutBucketTagging)
#[tokio::test]
async fn a_bucket_has_tags() {
    let aws = Aws::start().await;
    let bucket = aws.bucket().await;
    let get = || aws.s3.get_bucket_tagging().bucket(&bucket).send();
    assert_eq!(refused(get().await), "NoSuchTagSet");
    let tag = Tag::builder().key("team").value("a").build().unwrap();
    let tags = Tagging::builder().tag_set(tag.clone()).build().unwrap();
    aws.s3.put_bucket_tagging().bucket(&bucket).tagging(tags).send().await.unwrap();
    assert_eq!(get().await.unwrap().tag_set, [tag]);
}
