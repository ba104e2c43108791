//! A bucket's notification configuration: give it, and set it.

use std::sync::Arc;

use s3s::dto::{
    GetBucketNotificationConfigurationInput, GetBucketNotificationConfigurationOutput,
    PutBucketNotificationConfigurationInput, PutBucketNotificationConfigurationOutput,
};
use s3s::{S3Request, S3Result};

use super::{Answer, answer, open};
use crate::s3::message;
use crate::s3::notification::{self, Kind, Notification};
use crate::s3::record::Record;
use crate::s3::settings::Settings;
use crate::s3::store::{Store, parcel};

/// Gives the configuration.
pub(in crate::s3) async fn get_configuration(
    store: &Arc<Store>,
    request: S3Request<GetBucketNotificationConfigurationInput>,
) -> Answer<GetBucketNotificationConfigurationOutput> {
    let bucket = store.bucket(&request.input.bucket)?;
    answer(bucket.read(|index| index.settings.notification.to_dto()))
}

/// Replaces the configuration, and sends destinations that are new in it a
/// test message.
pub(in crate::s3) async fn put_configuration(
    store: &Arc<Store>,
    request: S3Request<PutBucketNotificationConfigurationInput>,
) -> Answer<PutBucketNotificationConfigurationOutput> {
    let (input, id) = open(request);
    let bucket = store.bucket(&input.bucket)?;
    let notification = Notification::from_dto(input.notification_configuration)?;
    if !input.skip_destination_validation.unwrap_or(false) {
        check_destinations(store, &notification).await?;
    }
    let arns: Vec<String> = notification.rules.iter().map(|rule| rule.arn.clone()).collect();
    let known = bucket.commit(|index, _| {
        let known: Vec<String> =
            index.settings.notification.rules.iter().map(|rule| rule.arn.clone()).collect();
        let settings = Settings { notification, ..index.settings.clone() };
        Ok((Some(Record::Settings(settings)), known))
    })?;
    let body = message::test_message(&store.origin(&bucket.name, &id), store.sequence.now());
    for (at, arn) in arns.iter().enumerate() {
        if known.contains(arn) || arns[..at].contains(arn) {
            continue;
        }
        if let Err(error) = store.sink.deliver(arn, parcel(body.clone())).await {
            tracing::warn!(%error, bucket = &*bucket.name, "test event not delivered");
        }
    }
    answer(PutBucketNotificationConfigurationOutput {})
}

async fn check_destinations(store: &Store, notification: &Notification) -> S3Result<()> {
    for rule in &notification.rules {
        let service = match rule.kind {
            Kind::Queue => "arn:aws:sqs:",
            Kind::Topic => "arn:aws:sns:",
        };
        if !rule.arn.starts_with(service) || !store.sink.exists(&rule.arn).await {
            return Err(notification::unreachable_destinations());
        }
    }
    Ok(())
}
