//! What can be set for a bucket is kept, given back and deleted.

use aws_sdk_s3::types::{BucketLoggingStatus, ObjectLockEnabled, ObjectLockLegalHold};
use aws_sdk_s3::types::{
    CorsConfiguration, CorsRule, LoggingEnabled, ObjectCannedAcl, ObjectOwnership,
    OwnershipControls, OwnershipControlsRule, PublicAccessBlockConfiguration, ServerSideEncryption,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
};

use crate::client::{BUCKET, Endpoint, Refusal};

#[tokio::test]
async fn what_was_never_set_has_a_code_of_its_own() {
    let endpoint = Endpoint::start().await;
    let s3 = &endpoint.s3;
    macro_rules! refused {
        ($operation:ident, $code:literal) => {
            let sent = s3.$operation().bucket(BUCKET).send().await;
            let refused = sent.map_err(Refusal::of).unwrap_err();
            assert_eq!(refused, Refusal::new($code, 404));
        };
    }
    refused!(get_bucket_policy, "NoSuchBucketPolicy");
    refused!(get_bucket_policy_status, "NoSuchBucketPolicy");
    refused!(get_bucket_cors, "NoSuchCORSConfiguration");
    refused!(get_bucket_lifecycle_configuration, "NoSuchLifecycleConfiguration");
    refused!(get_bucket_website, "NoSuchWebsiteConfiguration");
    refused!(get_bucket_replication, "ReplicationConfigurationNotFoundError");
    refused!(get_object_lock_configuration, "ObjectLockConfigurationNotFoundError");
    refused!(get_bucket_tagging, "NoSuchTagSet");
    s3.delete_public_access_block().bucket(BUCKET).send().await.unwrap();
    refused!(get_public_access_block, "NoSuchPublicAccessBlockConfiguration");
    s3.delete_bucket_ownership_controls().bucket(BUCKET).send().await.unwrap();
    refused!(get_bucket_ownership_controls, "OwnershipControlsNotFoundError");
    let logging = s3.get_bucket_logging().bucket(BUCKET).send().await.unwrap();
    assert!(logging.logging_enabled().is_none());
    let metrics = s3.list_bucket_metrics_configurations().bucket(BUCKET).send().await.unwrap();
    assert!(metrics.metrics_configuration_list().is_empty());
}

#[tokio::test]
async fn a_new_bucket_has_the_defaults_of_s3() {
    let endpoint = Endpoint::start().await;
    let s3 = &endpoint.s3;
    let encryption = s3.get_bucket_encryption().bucket(BUCKET).send().await.unwrap();
    let encryption = encryption.server_side_encryption_configuration().unwrap();
    let default = encryption.rules()[0].apply_server_side_encryption_by_default().unwrap();
    assert_eq!(default.sse_algorithm(), &ServerSideEncryption::Aes256);
    let block = s3.get_public_access_block().bucket(BUCKET).send().await.unwrap();
    let block = block.public_access_block_configuration().unwrap();
    assert_eq!(block.restrict_public_buckets(), Some(true));
    let ownership = s3.get_bucket_ownership_controls().bucket(BUCKET).send().await.unwrap();
    let rules = ownership.ownership_controls().unwrap().rules().to_vec();
    assert_eq!(rules[0].object_ownership(), &ObjectOwnership::BucketOwnerEnforced);
    let acl = s3.get_bucket_acl().bucket(BUCKET).send().await.unwrap();
    assert_eq!(acl.grants().len(), 1);
    let public = s3.put_bucket_acl().bucket(BUCKET).acl("public-read".into()).send().await;
    let refused = public.map_err(Refusal::of).unwrap_err();
    assert_eq!(refused, Refusal::new("AccessControlListNotSupported", 400));
}

#[tokio::test]
async fn a_policy_is_kept_to_the_letter_over_a_restart() {
    let endpoint = Endpoint::start().await;
    let policy = format!(
        r#"{{ "Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": "*",
        "Action": "s3:GetObject", "Resource": "arn:aws:s3:::{BUCKET}/*"}}]}}"#
    );
    let put = |text: &str| endpoint.s3.put_bucket_policy().bucket(BUCKET).policy(text).send();
    put(&policy).await.unwrap();
    let refused = put("{").await.map_err(Refusal::of).unwrap_err();
    assert_eq!(refused, Refusal::new("MalformedPolicy", 400));
    let endpoint = endpoint.restart().await;
    let s3 = &endpoint.s3;
    let kept = s3.get_bucket_policy().bucket(BUCKET).send().await.unwrap();
    assert_eq!(kept.policy(), Some(policy.as_str()));
    let status = s3.get_bucket_policy_status().bucket(BUCKET).send().await.unwrap();
    assert_eq!(status.policy_status().unwrap().is_public(), Some(true));
    s3.delete_bucket_policy().bucket(BUCKET).send().await.unwrap();
    assert!(s3.get_bucket_policy().bucket(BUCKET).send().await.is_err());
}

#[tokio::test]
async fn objects_are_said_to_be_encrypted_as_their_bucket_is() {
    let endpoint = Endpoint::start().await;
    let s3 = &endpoint.s3;
    let put = async |key: &str| s3.put_object().bucket(BUCKET).key(key).send().await.unwrap();
    assert_eq!(put("a").await.server_side_encryption(), Some(&ServerSideEncryption::Aes256));
    let default = ServerSideEncryptionByDefault::builder()
        .sse_algorithm(ServerSideEncryption::AwsKms)
        .kms_master_key_id("arn:aws:kms:us-east-1:000000000000:key/k")
        .build()
        .unwrap();
    let rule = ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(default)
        .bucket_key_enabled(true)
        .build();
    let config = ServerSideEncryptionConfiguration::builder().rules(rule).build().unwrap();
    let request = s3.put_bucket_encryption().bucket(BUCKET);
    request.server_side_encryption_configuration(config).send().await.unwrap();
    put("b").await;
    let head = s3.head_object().bucket(BUCKET).key("b").send().await.unwrap();
    assert_eq!(head.server_side_encryption(), Some(&ServerSideEncryption::AwsKms));
    assert_eq!(head.ssekms_key_id(), Some("arn:aws:kms:us-east-1:000000000000:key/k"));
    assert_eq!(head.bucket_key_enabled(), Some(true));
    let copy = s3.copy_object().bucket(BUCKET).key("c").copy_source(format!("{BUCKET}/a"));
    let copied = copy.send().await.unwrap();
    assert_eq!(copied.server_side_encryption(), Some(&ServerSideEncryption::AwsKms));
}

#[tokio::test]
async fn lists_are_taken_where_ownership_lets_them() {
    let endpoint = Endpoint::start().await;
    let s3 = &endpoint.s3;
    let rule = OwnershipControlsRule::builder().object_ownership(ObjectOwnership::ObjectWriter);
    let controls = OwnershipControls::builder().rules(rule.build().unwrap()).build().unwrap();
    let request = s3.put_bucket_ownership_controls().bucket(BUCKET);
    request.ownership_controls(controls).send().await.unwrap();
    endpoint.put("k", "v").await;
    let request = s3.put_object_acl().bucket(BUCKET).key("k").acl(ObjectCannedAcl::PublicRead);
    request.send().await.unwrap();
    let endpoint = endpoint.restart().await;
    let acl = endpoint.s3.get_object_acl().bucket(BUCKET).key("k").send().await.unwrap();
    let everyone = acl.grants()[1].grantee().unwrap().uri().unwrap();
    assert!(everyone.ends_with("AllUsers"), "{everyone}");
    assert_eq!(endpoint.get("k").await.unwrap(), b"v");
}

#[tokio::test]
async fn settings_read_back_as_they_were_set() {
    let endpoint = Endpoint::start().await;
    let s3 = &endpoint.s3;
    let block = PublicAccessBlockConfiguration::builder().block_public_acls(true).build();
    let request = s3.put_public_access_block().bucket(BUCKET);
    request.public_access_block_configuration(block).send().await.unwrap();
    let kept = s3.get_public_access_block().bucket(BUCKET).send().await.unwrap();
    let kept = kept.public_access_block_configuration.unwrap();
    assert_eq!((kept.block_public_acls, kept.ignore_public_acls), (Some(true), Some(false)));

    let logging = LoggingEnabled::builder().target_bucket(BUCKET).target_prefix("log/");
    let logging = logging.build().unwrap();
    let status = BucketLoggingStatus::builder().logging_enabled(logging.clone()).build();
    let request = s3.put_bucket_logging().bucket(BUCKET).bucket_logging_status(status);
    request.send().await.unwrap();
    let kept = s3.get_bucket_logging().bucket(BUCKET).send().await.unwrap();
    assert_eq!(kept.logging_enabled(), Some(&logging));
}

#[tokio::test]
async fn browsers_of_allowed_origins_are_answered() {
    let endpoint = Endpoint::start().await;
    let rule = CorsRule::builder()
        .allowed_methods("PUT")
        .allowed_origins("https://*.example.com")
        .allowed_headers("x-*")
        .expose_headers("ETag")
        .max_age_seconds(60);
    let rules = CorsConfiguration::builder().cors_rules(rule.build().unwrap()).build().unwrap();
    let request = endpoint.s3.put_bucket_cors().bucket(BUCKET).cors_configuration(rules);
    request.send().await.unwrap();
    let ask = async |origin: &str, header: &str| {
        let head = format!(
            "OPTIONS /{BUCKET}/k HTTP/1.1\nhost: localhost\norigin: {origin}\n\
             access-control-request-method: PUT\naccess-control-request-headers: {header}"
        );
        endpoint.http(&head, b"").await.0
    };
    let allowed = ask("https://a.example.com", "X-One").await;
    assert!(allowed.starts_with("http/1.1 200"), "{allowed}");
    assert!(allowed.contains("access-control-allow-origin: https://a.example.com"), "{allowed}");
    assert!(allowed.contains("access-control-allow-headers: x-one"), "{allowed}");
    assert!(allowed.contains("access-control-max-age: 60"), "{allowed}");
    assert!(ask("https://a.example.com", "y").await.starts_with("http/1.1 403"));
    assert!(ask("https://example.org", "x-one").await.starts_with("http/1.1 403"));
    let head = format!(
        "PUT /{BUCKET}/k HTTP/1.1\nhost: localhost\norigin: https://a.example.com\n\
         content-length: 1"
    );
    let (put, _) = endpoint.http(&head, b"v").await;
    assert!(put.contains("access-control-expose-headers: etag"), "{put}");
}

#[tokio::test]
async fn a_locked_version_stays() {
    let endpoint = Endpoint::start().await;
    let s3 = &endpoint.s3;
    let create = s3.create_bucket().bucket("locked").object_lock_enabled_for_bucket(true);
    create.send().await.unwrap();
    let config = s3.get_object_lock_configuration().bucket("locked").send().await.unwrap();
    let enabled = config.object_lock_configuration().unwrap().object_lock_enabled();
    assert_eq!(enabled, Some(&ObjectLockEnabled::Enabled));
    let put = s3.put_object().bucket("locked").key("k").send().await.unwrap();
    let version = put.version_id().unwrap();
    let hold = async |status: &str| {
        let hold = ObjectLockLegalHold::builder().status(status.into()).build();
        let request = s3.put_object_legal_hold().bucket("locked").key("k");
        request.legal_hold(hold).send().await.unwrap();
    };
    let delete = || s3.delete_object().bucket("locked").key("k").version_id(version).send();
    hold("ON").await;
    let refused = delete().await.map_err(Refusal::of).unwrap_err();
    assert_eq!(refused, Refusal::new("AccessDenied", 403));
    hold("OFF").await;
    delete().await.unwrap();
}
