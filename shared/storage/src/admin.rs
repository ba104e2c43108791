//! Buckets themselves: what provisioning needs, and no worker.

use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types::{
    Event, FilterRule, FilterRuleName, NotificationConfiguration, NotificationConfigurationFilter,
    QueueConfiguration, S3KeyFilter,
};

use crate::s3::Call;
use crate::{S3Storage, StorageError};

/// Which new objects a queue hears of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Names the rule in the events it causes.
    pub id: String,
    /// Queue to send to.
    pub queue_arn: String,
    /// Only keys that start so; empty for all.
    pub prefix: String,
}

/// Creates and sets up buckets.
#[derive(Debug, Clone)]
pub struct BucketAdmin {
    pub(crate) storage: S3Storage,
}

impl BucketAdmin {
    /// Works through the same client as `storage`.
    pub fn new(storage: S3Storage) -> Self {
        Self { storage }
    }

    /// Creates the bucket unless it is there.
    ///
    /// # Errors
    /// [`StorageError`], among others if somebody else owns that name.
    pub async fn ensure_bucket(&self, bucket: &str) -> Result<(), StorageError> {
        let client = &self.storage.client;
        if client.head_bucket().bucket(bucket).send().await.is_ok() {
            return Ok(());
        }
        let call = Call::on(bucket, "", "s3:CreateBucket");
        match client.create_bucket().bucket(bucket).send().await {
            Ok(_) => Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_bucket_already_owned_by_you()) =>
            {
                Ok(())
            }
            Err(error) => Err(call.error(error)),
        }
    }

    /// Sets the bucket's notifications to exactly these.
    ///
    /// # Errors
    /// [`StorageError`], among others if a queue does not exist or does not let
    /// S3 send to it.
    pub async fn set_notifications(
        &self,
        bucket: &str,
        notifications: &[Notification],
    ) -> Result<(), StorageError> {
        let call = Call::on(bucket, "", "s3:PutBucketNotification");
        let current = self
            .storage
            .client
            .get_bucket_notification_configuration()
            .bucket(bucket)
            .send()
            .await
            .map_err(|error| call.error(error))?;
        let wanted = notifications
            .iter()
            .map(configuration)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| call.failed(&error.to_string()))?;
        if current.queue_configurations() == wanted {
            return Ok(());
        }
        let configuration =
            NotificationConfiguration::builder().set_queue_configurations(Some(wanted)).build();
        self.storage
            .client
            .put_bucket_notification_configuration()
            .bucket(bucket)
            .notification_configuration(configuration)
            .send()
            .await
            .map_err(|error| call.error(error))?;
        Ok(())
    }
}

/// One queue configuration of S3's `NotificationConfiguration`.
fn configuration(notification: &Notification) -> Result<QueueConfiguration, BuildError> {
    let rule =
        FilterRule::builder().name(FilterRuleName::Prefix).value(&notification.prefix).build();
    let filter = NotificationConfigurationFilter::builder()
        .key(S3KeyFilter::builder().filter_rules(rule).build())
        .build();
    let builder = QueueConfiguration::builder()
        .id(&notification.id)
        .queue_arn(&notification.queue_arn)
        .events(Event::S3ObjectCreated)
        .set_filter((!notification.prefix.is_empty()).then_some(filter));
    builder.build()
}
