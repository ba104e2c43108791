//! Secrets and their versions.

use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use aws_sdk_secretsmanager::primitives::Blob;

use crate::client::Endpoint;

fn client(endpoint: &Endpoint) -> aws_sdk_secretsmanager::Client {
    use aws_sdk_secretsmanager::config::{BehaviorVersion, Config, Credentials, Region};
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint.server.url())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("a", "b", None, None, "test"))
        .build();
    aws_sdk_secretsmanager::Client::from_conf(config)
}

#[tokio::test]
async fn a_new_version_becomes_current_and_the_old_one_previous() {
    let endpoint = Endpoint::start().await;
    let secrets = client(&endpoint);
    let created =
        secrets.create_secret().name("shop/db").secret_string("one").send().await.unwrap();
    let arn = created.arn().unwrap();
    assert!(arn.starts_with("arn:aws:secretsmanager:us-east-1:000000000000:secret:shop/db-"));
    secrets.put_secret_value().secret_id(arn).secret_string("two").send().await.unwrap();
    let get =
        |stage: &str| secrets.get_secret_value().secret_id("shop/db").version_stage(stage).send();
    assert_eq!(get("AWSCURRENT").await.unwrap().secret_string(), Some("two"));
    assert_eq!(get("AWSPREVIOUS").await.unwrap().secret_string(), Some("one"));
    let error = get("AWSPENDING").await.unwrap_err();
    assert_eq!(error.code(), Some("ResourceNotFoundException"));
}

#[tokio::test]
async fn a_secret_outlives_the_endpoint_and_is_readable_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let endpoint = Endpoint::start().await;
    let bytes = Blob::new([0u8, 255, 1]);
    let create = client(&endpoint).create_secret().name("bytes").secret_binary(bytes.clone());
    create.send().await.unwrap();
    let file = endpoint.data.path().join("secrets/secrets.json");
    assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    let endpoint = endpoint.restart().await;
    let got = client(&endpoint).get_secret_value().secret_id("bytes").send().await.unwrap();
    assert_eq!(got.secret_binary(), Some(&bytes));
}

#[tokio::test]
async fn a_deleted_secret_can_be_restored_until_it_is_gone() {
    let endpoint = Endpoint::start().await;
    let secrets = client(&endpoint);
    secrets.create_secret().name("s").secret_string("x").send().await.unwrap();
    secrets.delete_secret().secret_id("s").recovery_window_in_days(7).send().await.unwrap();
    let error = secrets.get_secret_value().secret_id("s").send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidRequestException"));
    secrets.restore_secret().secret_id("s").send().await.unwrap();
    secrets.get_secret_value().secret_id("s").send().await.unwrap();
    let delete = secrets.delete_secret().secret_id("s").force_delete_without_recovery(true);
    delete.send().await.unwrap();
    let error = secrets.get_secret_value().secret_id("s").send().await.unwrap_err();
    assert_eq!(error.code(), Some("ResourceNotFoundException"));
}
