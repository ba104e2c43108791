//! Looking at a bucket as it is set up, and at the service's clock: what
//! `millrace doctor` does.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use aws_sdk_s3::types::{BucketVersioningStatus, FilterRuleName, QueueConfiguration};

use crate::s3::Call;
use crate::{BucketAdmin, Notification, StorageError};

/// How a bucket is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketFacts {
    /// What is announced to queues.
    pub notifications: Vec<Notification>,
    /// Whether everything is announced to EventBridge.
    pub eventbridge: bool,
    /// Whether objects keep their older versions.
    pub versioned: bool,
    /// What the service's clock said, where it said so.
    pub clock: Option<SystemTime>,
}

impl BucketAdmin {
    /// How a bucket is set up.
    ///
    /// # Errors
    /// [`StorageError::NoBucket`] if there is none,
    /// [`StorageError::Denied`] with the permission that is missing.
    pub async fn inspect(&self, bucket: &str) -> Result<BucketFacts, StorageError> {
        let client = &self.storage.client;
        let call = Call::on(bucket, "", "s3:GetBucketNotification");
        let clock = Clock::default();
        let announced = client
            .get_bucket_notification_configuration()
            .bucket(bucket)
            .customize()
            .interceptor(clock.clone())
            .send()
            .await
            .map_err(|error| call.error(error))?;
        let call = Call::on(bucket, "", "s3:GetBucketVersioning");
        let versioning = client.get_bucket_versioning().bucket(bucket).send().await;
        let versioning = versioning.map_err(|error| call.error(error))?;
        Ok(BucketFacts {
            notifications: announced.queue_configurations().iter().map(notification).collect(),
            eventbridge: announced.event_bridge_configuration().is_some(),
            versioned: versioning.status() == Some(&BucketVersioningStatus::Enabled),
            clock: clock.read(),
        })
    }
}

fn notification(configuration: &QueueConfiguration) -> Notification {
    let rules = configuration.filter().and_then(|filter| filter.key());
    let rules = rules.map(|key| key.filter_rules()).unwrap_or_default();
    let prefix = rules.iter().find(|rule| {
        // S3 answers `Prefix`, though it is asked for by `prefix`.
        rule.name()
            .is_some_and(|name| name.as_str().eq_ignore_ascii_case(FilterRuleName::Prefix.as_str()))
    });
    Notification {
        id: configuration.id().unwrap_or_default().to_owned(),
        queue_arn: configuration.queue_arn().to_owned(),
        prefix: prefix.and_then(|rule| rule.value()).unwrap_or_default().to_owned(),
    }
}

/// Reads the `Date` of an answer.
#[derive(Debug, Clone, Default)]
struct Clock(Arc<Mutex<Option<SystemTime>>>);

impl Clock {
    fn read(&self) -> Option<SystemTime> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for Clock {
    fn name(&self) -> &'static str {
        "clock"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|text| DateTime::from_str(text, DateTimeFormat::HttpDate).ok());
        let date = date.and_then(|date| SystemTime::try_from(date).ok());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date;
        Ok(())
    }
}
