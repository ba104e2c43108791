//! Buckets.

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, Tag, Tagging};
use millrace_localaws::{Config, Server};

use crate::client::{BUCKET, Endpoint, Refusal, s3};

#[tokio::test]
async fn a_bucket_lives_until_it_is_deleted() {
    let endpoint = Endpoint::start().await;
    let s3 = &endpoint.s3;
    s3.head_bucket().bucket(BUCKET).send().await.unwrap();
    s3.create_bucket().bucket("another").send().await.unwrap();
    let listed = s3.list_buckets().send().await.unwrap();
    let names: Vec<_> = listed.buckets().iter().filter_map(|bucket| bucket.name()).collect();
    assert_eq!(names, ["another", BUCKET]);

    endpoint.put("k", "v").await;
    let refused = s3.delete_bucket().bucket(BUCKET).send().await.map_err(Refusal::of);
    assert_eq!(refused.unwrap_err(), Refusal::new("BucketNotEmpty", 409));
    endpoint.delete("k").await;
    s3.delete_bucket().bucket(BUCKET).send().await.unwrap();
    assert_eq!(endpoint.get("k").await, Err(Refusal::new("NoSuchBucket", 404)));
    let head = s3.head_bucket().bucket(BUCKET).send().await.map_err(Refusal::of);
    assert_eq!(head.unwrap_err().status, 404);
}

#[tokio::test]
async fn a_deleted_bucket_can_be_created_anew_and_is_empty() {
    let endpoint = Endpoint::start().await;
    let upload = endpoint.s3.create_multipart_upload().bucket(BUCKET).key("k").send().await;
    assert!(upload.unwrap().upload_id.is_some());
    endpoint.s3.delete_bucket().bucket(BUCKET).send().await.unwrap();
    endpoint.s3.create_bucket().bucket(BUCKET).send().await.unwrap();
    let uploads = endpoint.s3.list_multipart_uploads().bucket(BUCKET).send().await.unwrap();
    assert!(uploads.uploads().is_empty());
    assert!(endpoint.keys().await.is_empty());
}

#[tokio::test]
async fn creating_a_bucket_twice_is_answered_as_the_region_does() {
    let endpoint = Endpoint::start().await;
    endpoint.s3.create_bucket().bucket(BUCKET).send().await.unwrap();

    let data = tempfile::tempdir().unwrap();
    let mut config = Config::new(data.path());
    config.bind.set_port(0);
    config.region = "ap-southeast-2".to_owned();
    let server = Server::start(config).await.unwrap();
    let s3 = s3(&server.url(), |config| config);
    let create = || {
        let here = BucketLocationConstraint::ApSoutheast2;
        let configuration = CreateBucketConfiguration::builder().location_constraint(here).build();
        s3.create_bucket().bucket(BUCKET).create_bucket_configuration(configuration).send()
    };
    create().await.unwrap();
    let refused = create().await.map_err(Refusal::of).unwrap_err();
    assert_eq!(refused, Refusal::new("BucketAlreadyOwnedByYou", 409));
    let location = s3.get_bucket_location().bucket(BUCKET).send().await.unwrap();
    assert_eq!(location.location_constraint(), Some(&BucketLocationConstraint::ApSoutheast2));
    server.stop().await;
}

#[tokio::test]
async fn names_that_s3_forbids_are_refused() {
    let endpoint = Endpoint::start().await;
    let head = "PUT /Not_A_Bucket HTTP/1.1\nhost: localhost\ncontent-length: 0";
    let (head, body) = endpoint.http(head, b"").await;
    assert!(head.starts_with("http/1.1 400"), "{head}");
    assert!(String::from_utf8(body).unwrap().contains("<Code>InvalidBucketName</Code>"));
}

#[tokio::test]
async fn a_bucket_has_tags_until_they_are_removed() {
    let endpoint = Endpoint::start().await;
    let s3 = &endpoint.s3;
    let none = s3.get_bucket_tagging().bucket(BUCKET).send().await.map_err(Refusal::of);
    assert_eq!(none.unwrap_err(), Refusal::new("NoSuchTagSet", 404));
    let tag = Tag::builder().key("team").value("data").build().unwrap();
    let tagging = Tagging::builder().tag_set(tag).build().unwrap();
    s3.put_bucket_tagging().bucket(BUCKET).tagging(tagging).send().await.unwrap();
    let tags = s3.get_bucket_tagging().bucket(BUCKET).send().await.unwrap();
    assert_eq!(tags.tag_set()[0].value(), "data");
    s3.delete_bucket_tagging().bucket(BUCKET).send().await.unwrap();
    assert!(s3.get_bucket_tagging().bucket(BUCKET).send().await.is_err());
}

#[tokio::test]
async fn a_bucket_says_which_region_it_was_created_in() {
    let endpoint = Endpoint::start().await;
    let there = BucketLocationConstraint::EuWest1;
    let configuration = CreateBucketConfiguration::builder().location_constraint(there).build();
    let create = endpoint.s3.create_bucket().bucket("elsewhere");
    create.create_bucket_configuration(configuration).send().await.unwrap();
    let endpoint = endpoint.restart().await;
    let location = endpoint.s3.get_bucket_location().bucket("elsewhere").send().await.unwrap();
    assert_eq!(location.location_constraint(), Some(&BucketLocationConstraint::EuWest1));
    let listed = endpoint.s3.list_buckets().bucket_region("eu-west-1").send().await.unwrap();
    let names: Vec<_> = listed.buckets().iter().filter_map(|bucket| bucket.name()).collect();
    assert_eq!(names, ["elsewhere"]);
}
