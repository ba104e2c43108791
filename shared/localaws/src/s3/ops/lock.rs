//! Object lock: versions that can't be removed for some time, or until they are
//! let go.

use std::sync::Arc;

use s3s::dto::{
    DefaultRetention, GetObjectLegalHoldInput, GetObjectLegalHoldOutput,
    GetObjectLockConfigurationInput, GetObjectLockConfigurationOutput, GetObjectRetentionInput,
    GetObjectRetentionOutput, ObjectLockConfiguration, ObjectLockEnabled, ObjectLockLegalHold,
    ObjectLockLegalHoldStatus, ObjectLockRetention, ObjectLockRetentionMode,
    PutObjectLegalHoldInput, PutObjectLegalHoldOutput, PutObjectLockConfigurationInput,
    PutObjectLockConfigurationOutput, PutObjectRetentionInput, PutObjectRetentionOutput,
};
use s3s::{S3Error, S3Request, S3Result, s3_error};

use super::{Answer, answer, find, open, reset};
use crate::clock::Millis;
use crate::s3::bucket::Bucket;
use crate::s3::document::{self, OBJECT_LOCK};
use crate::s3::error;
use crate::s3::headers::{Headers, LOCK_HOLD, LOCK_MODE, LOCK_UNTIL};
use crate::s3::object::millis;
use crate::s3::record::Record;
use crate::s3::settings::{Settings, Versioning};
use crate::s3::store::Store;

const MODES: [&str; 2] = [ObjectLockRetentionMode::GOVERNANCE, ObjectLockRetentionMode::COMPLIANCE];

/// The configuration of a bucket that was created with object lock.
pub(super) fn enabled() -> S3Result<String> {
    let object_lock_enabled = Some(ObjectLockEnabled::from_static(ObjectLockEnabled::ENABLED));
    document::write(&ObjectLockConfiguration { object_lock_enabled, rule: None })
}

/// Gives a bucket's configuration.
pub(in crate::s3) async fn get_configuration(
    store: &Arc<Store>,
    request: S3Request<GetObjectLockConfigurationInput>,
) -> Answer<GetObjectLockConfigurationOutput> {
    let bucket = store.bucket(&request.input.bucket)?;
    let kept = bucket.read(|index| index.settings.documents.read(OBJECT_LOCK));
    let kept = kept.ok_or_else(|| {
        error::not_found(
            "ObjectLockConfigurationNotFoundError",
            "Object Lock configuration does not exist for this bucket",
        )
    })?;
    answer(GetObjectLockConfigurationOutput { object_lock_configuration: Some(kept) })
}

/// Sets a bucket's configuration.
pub(in crate::s3) async fn put_configuration(
    store: &Arc<Store>,
    request: S3Request<PutObjectLockConfigurationInput>,
) -> Answer<PutObjectLockConfigurationOutput> {
    let input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    let config = input.object_lock_configuration.ok_or_else(error::malformed_xml)?;
    let status = config.object_lock_enabled.as_ref().map(ObjectLockEnabled::as_str);
    if status != Some(ObjectLockEnabled::ENABLED) {
        return Err(error::malformed_xml());
    }
    if let Some(rule) = &config.rule {
        check_default(rule.default_retention.as_ref())?;
    }
    let text = document::write(&config)?;
    bucket.commit(|index, _| {
        if index.settings.versioning != Versioning::Enabled {
            return Err(s3_error!(
                InvalidBucketState,
                "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration"
            ));
        }
        let mut settings = Settings::clone(&index.settings);
        settings.documents.set(OBJECT_LOCK, Some(text));
        Ok((Some(Record::Settings(settings)), ()))
    })?;
    answer(PutObjectLockConfigurationOutput::default())
}

fn check_default(retention: Option<&DefaultRetention>) -> S3Result<()> {
    let retention = retention.ok_or_else(error::malformed_xml)?;
    let mode = retention.mode.as_ref().map(ObjectLockRetentionMode::as_str);
    if !mode.is_some_and(|mode| MODES.contains(&mode)) {
        return Err(error::malformed_xml());
    }
    match (retention.days, retention.years) {
        (Some(1..), None) | (None, Some(1..)) => Ok(()),
        (Some(_), None) | (None, Some(_)) => Err(s3_error!(
            InvalidArgument,
            "Default retention period must be a positive integer value"
        )),
        (Some(_), Some(_)) | (None, None) => Err(error::malformed_xml()),
    }
}

fn check_enabled(bucket: &Bucket) -> S3Result<()> {
    match bucket.read(|index| index.settings.documents.text(OBJECT_LOCK).is_some()) {
        true => Ok(()),
        false => Err(s3_error!(InvalidRequest, "Bucket is missing Object Lock Configuration")),
    }
}

fn not_locked() -> S3Error {
    s3_error!(
        NoSuchObjectLockConfiguration,
        "The specified object does not have a ObjectLock configuration"
    )
}

/// Gives how long a version is locked.
pub(in crate::s3) async fn get_retention(
    store: &Arc<Store>,
    request: S3Request<GetObjectRetentionInput>,
) -> Answer<GetObjectRetentionOutput> {
    let input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    check_enabled(&bucket)?;
    let found = find(&bucket, &input.key, input.version_id.as_deref())?;
    let headers = &found.object.headers;
    let mode = headers.get(LOCK_MODE).ok_or_else(not_locked)?;
    answer(GetObjectRetentionOutput {
        retention: Some(ObjectLockRetention {
            mode: Some(mode.into()),
            retain_until_date: headers.locked_until(),
        }),
    })
}

/// Sets how long a version is locked.
pub(in crate::s3) async fn put_retention(
    store: &Arc<Store>,
    request: S3Request<PutObjectRetentionInput>,
) -> Answer<PutObjectRetentionOutput> {
    let (input, id) = open(request);
    let bucket = store.bucket(&input.bucket)?;
    check_enabled(&bucket)?;
    let version = input.version_id.as_deref();
    let found = find(&bucket, &input.key, version)?;
    let retention = input.retention.ok_or_else(error::malformed_xml)?;
    let mode = retention.mode.as_ref().map(|mode| mode.as_str().to_owned());
    let until = retention.retain_until_date.as_ref().map(millis);
    let now = store.sequence.now();
    match (mode.as_deref(), until) {
        (None, None) => {}
        (Some(mode), Some(until)) if MODES.contains(&mode) => {
            if until <= now {
                return Err(s3_error!(
                    InvalidArgument,
                    "The retain until date must be in the future!"
                ));
            }
        }
        (Some(_), _) | (None, Some(_)) => return Err(error::malformed_xml()),
    }
    let bypass = input.bypass_governance_retention.unwrap_or(false);
    let headers = &found.object.headers;
    let kept = headers.get(LOCK_MODE);
    let same = kept == mode || mode.as_deref() == Some(ObjectLockRetentionMode::COMPLIANCE);
    let longer = same && until >= headers.number(LOCK_UNTIL);
    if !longer && is_retained(headers, now, bypass) {
        return Err(protected());
    }
    let headers = vec![
        (LOCK_MODE.into(), mode.map(Into::into)),
        (LOCK_UNTIL.into(), until.map(|until| until.to_string().into())),
    ];
    reset(store, &bucket, &id, &input.key, version, headers, None).await?;
    answer(PutObjectRetentionOutput::default())
}

/// Says whether a version is held.
pub(in crate::s3) async fn get_legal_hold(
    store: &Arc<Store>,
    request: S3Request<GetObjectLegalHoldInput>,
) -> Answer<GetObjectLegalHoldOutput> {
    let input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    check_enabled(&bucket)?;
    let found = find(&bucket, &input.key, input.version_id.as_deref())?;
    let status = found.object.headers.get(LOCK_HOLD).ok_or_else(not_locked)?;
    let legal_hold = ObjectLockLegalHold { status: Some(status.into()) };
    answer(GetObjectLegalHoldOutput { legal_hold: Some(legal_hold) })
}

/// Holds a version until further notice, or lets it go.
pub(in crate::s3) async fn put_legal_hold(
    store: &Arc<Store>,
    request: S3Request<PutObjectLegalHoldInput>,
) -> Answer<PutObjectLegalHoldOutput> {
    let (input, id) = open(request);
    let bucket = store.bucket(&input.bucket)?;
    check_enabled(&bucket)?;
    let status = input.legal_hold.and_then(|hold| hold.status);
    let known = [ObjectLockLegalHoldStatus::ON, ObjectLockLegalHoldStatus::OFF];
    let status = status.filter(|status| known.contains(&status.as_str()));
    let status = status.ok_or_else(error::malformed_xml)?;
    let headers = vec![(LOCK_HOLD.into(), Some(status.as_str().into()))];
    let version = input.version_id.as_deref();
    reset(store, &bucket, &id, &input.key, version, headers, None).await?;
    answer(PutObjectLegalHoldOutput::default())
}

/// Refuses to remove a version that is locked.
///
/// # Errors
/// `AccessDenied`.
pub(in crate::s3) fn check_removal(headers: &Headers, now: Millis, bypass: bool) -> S3Result<()> {
    let held = headers.get(LOCK_HOLD).as_deref() == Some(ObjectLockLegalHoldStatus::ON);
    match held || is_retained(headers, now, bypass) {
        true => Err(protected()),
        false => Ok(()),
    }
}

fn is_retained(headers: &Headers, now: Millis, bypass: bool) -> bool {
    let governed = headers.get(LOCK_MODE).as_deref() == Some(ObjectLockRetentionMode::GOVERNANCE);
    headers.number(LOCK_UNTIL).is_some_and(|until| until > now) && !(governed && bypass)
}

fn protected() -> S3Error {
    s3_error!(AccessDenied, "Access Denied because object protected by object lock.")
}
