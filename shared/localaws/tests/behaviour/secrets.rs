//! AWS Secrets Manager.

use aws_sdk_secretsmanager::primitives::Blob;
use uuid::Uuid;

use crate::aws::{Aws, unique};
use crate::refusal::refused;

impl Aws {
    /// Creates a secret with a first value; answers its name.
    async fn secret(&self, value: &str) -> String {
        let name = unique("secret");
        self.secrets.create_secret().name(&name).secret_string(value).send().await.unwrap();
        name
    }

    async fn stage(&self, secret: &str, stage: &str) -> Option<String> {
        let request = self.secrets.get_secret_value().secret_id(secret).version_stage(stage);
        request.send().await.unwrap().secret_string
    }
}

/// A secret's ARN ends in its name, a hyphen and six random characters, and
/// stands for its name. (CreateSecret, Name)
#[tokio::test]
async fn an_arn_ends_in_six_characters() {
    let aws = Aws::start().await;
    let name = unique("secret");
    let created = aws.secrets.create_secret().name(&name).secret_string("x").send().await;
    let arn = created.unwrap().arn.unwrap();
    let (_, random) = arn.rsplit_once('-').unwrap();
    assert!(arn.contains(&format!(":secret:{name}-")) && random.len() == 6, "{arn}");
    let got = aws.secrets.get_secret_value().secret_id(arn).send().await.unwrap();
    assert_eq!(got.secret_string(), Some("x"));
}

/// A new value is `AWSCURRENT`, and the one before it `AWSPREVIOUS`.
/// (PutSecretValue)
#[tokio::test]
async fn the_value_before_is_kept() {
    let aws = Aws::start().await;
    let secret = aws.secret("first").await;
    let request = aws.secrets.put_secret_value().secret_id(&secret).secret_string("second");
    request.send().await.unwrap();
    let current = aws.secrets.get_secret_value().secret_id(&secret).send().await.unwrap();
    assert_eq!(current.secret_string(), Some("second"));
    assert_eq!(current.version_stages(), ["AWSCURRENT"]);
    assert_eq!(aws.stage(&secret, "AWSPREVIOUS").await.as_deref(), Some("first"));
}

/// A value put with a stage of its own leaves `AWSCURRENT` where it is.
/// (PutSecretValue, VersionStages)
#[tokio::test]
async fn a_pending_value_is_not_current() {
    let aws = Aws::start().await;
    let secret = aws.secret("first").await;
    let request = aws.secrets.put_secret_value().secret_id(&secret).secret_string("second");
    request.version_stages("AWSPENDING").send().await.unwrap();
    assert_eq!(aws.stage(&secret, "AWSCURRENT").await.as_deref(), Some("first"));
    assert_eq!(aws.stage(&secret, "AWSPENDING").await.as_deref(), Some("second"));
}

/// Moving `AWSCURRENT` to a version moves `AWSPREVIOUS` to the one it was taken
/// from. (UpdateSecretVersionStage)
#[tokio::test]
async fn a_stage_is_moved() {
    let aws = Aws::start().await;
    let secret = aws.secret("first").await;
    let put = || aws.secrets.put_secret_value().secret_id(&secret);
    let pending = put().secret_string("second").version_stages("AWSPENDING").send().await;
    let pending = pending.unwrap().version_id.unwrap();
    let current = aws.secrets.get_secret_value().secret_id(&secret).send().await.unwrap();
    let request = aws.secrets.update_secret_version_stage().secret_id(&secret);
    let request = request.version_stage("AWSCURRENT").move_to_version_id(pending);
    request.remove_from_version_id(current.version_id.unwrap()).send().await.unwrap();
    assert_eq!(aws.stage(&secret, "AWSCURRENT").await.as_deref(), Some("second"));
    assert_eq!(aws.stage(&secret, "AWSPREVIOUS").await.as_deref(), Some("first"));
}

/// Putting the same value with the same request token does nothing; another
/// value with it is `ResourceExistsException`. (PutSecretValue)
#[tokio::test]
async fn a_request_token_is_one_version() {
    let aws = Aws::start().await;
    let secret = aws.secret("first").await;
    let token = Uuid::new_v4().to_string();
    let put = |value: &str| {
        let request = aws.secrets.put_secret_value().secret_id(&secret).secret_string(value);
        request.client_request_token(&token).send()
    };
    for _ in 0..2 {
        assert_eq!(put("second").await.unwrap().version_id(), Some(&*token));
    }
    assert_eq!(refused(put("third").await), "ResourceExistsException");
}

/// A secret can be bytes. (CreateSecret, SecretBinary)
#[tokio::test]
async fn a_secret_can_be_bytes() {
    let aws = Aws::start().await;
    let name = unique("secret");
    let request = aws.secrets.create_secret().name(&name);
    request.secret_binary(Blob::new([0, 255, 7])).send().await.unwrap();
    let got = aws.secrets.get_secret_value().secret_id(&name).send().await.unwrap();
    assert_eq!(got.secret_binary.unwrap().into_inner(), [0, 255, 7]);
    assert_eq!(got.secret_string, None);
}

/// A secret of a name that is there is `ResourceExistsException`.
/// (CreateSecret)
#[tokio::test]
async fn a_secret_is_created_once() {
    let aws = Aws::start().await;
    let secret = aws.secret("x").await;
    let again = aws.secrets.create_secret().name(secret).secret_string("y").send().await;
    assert_eq!(refused(again), "ResourceExistsException");
}

/// A secret that is not there is `ResourceNotFoundException`. (GetSecretValue)
#[tokio::test]
async fn a_missing_secret_is_said_to_be_missing() {
    let aws = Aws::start().await;
    let answer = aws.secrets.get_secret_value().secret_id(unique("nowhere")).send().await;
    assert_eq!(refused(answer), "ResourceNotFoundException");
}

/// A deleted secret waits 30 days, in which it can't be read and can be
/// restored. (DeleteSecret; RestoreSecret)
#[tokio::test]
async fn a_deleted_secret_can_be_restored() {
    let aws = Aws::start().await;
    let secret = aws.secret("x").await;
    let deleted = aws.secrets.delete_secret().secret_id(&secret).send().await.unwrap();
    let wait = deleted.deletion_date.unwrap().secs() - aws.now();
    assert!((30 * 86_400 - 120..=30 * 86_400 + 120).contains(&wait), "{wait}");
    let get = || aws.secrets.get_secret_value().secret_id(&secret).send();
    assert_eq!(refused(get().await), "InvalidRequestException");
    aws.secrets.restore_secret().secret_id(&secret).send().await.unwrap();
    assert_eq!(get().await.unwrap().secret_string(), Some("x"));
}

/// A secret deleted without recovery is gone, and its name free.
/// (DeleteSecret, ForceDeleteWithoutRecovery)
#[tokio::test]
async fn a_secret_can_be_deleted_for_good() {
    let aws = Aws::start().await;
    let secret = aws.secret("x").await;
    let request = aws.secrets.delete_secret().secret_id(&secret);
    request.force_delete_without_recovery(true).send().await.unwrap();
    let get = aws.secrets.get_secret_value().secret_id(&secret).send().await;
    assert_eq!(refused(get), "ResourceNotFoundException");
    aws.secrets.create_secret().name(secret).secret_string("y").send().await.unwrap();
}
