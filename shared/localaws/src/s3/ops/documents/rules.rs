//! Rules of a bucket: for callers from other origins, for the end of objects'
//! lives, and for copies elsewhere. Copies elsewhere are not made.

use std::sync::Arc;

use s3s::dto::{
    BucketLifecycleConfiguration, CORSConfiguration, DeleteBucketCorsInput, DeleteBucketCorsOutput,
    DeleteBucketLifecycleInput, DeleteBucketLifecycleOutput, DeleteBucketReplicationInput,
    DeleteBucketReplicationOutput, GetBucketCorsInput, GetBucketCorsOutput,
    GetBucketLifecycleConfigurationInput, GetBucketLifecycleConfigurationOutput,
    GetBucketReplicationInput, GetBucketReplicationOutput, PutBucketCorsInput, PutBucketCorsOutput,
    PutBucketLifecycleConfigurationInput, PutBucketLifecycleConfigurationOutput,
    PutBucketReplicationInput, PutBucketReplicationOutput, ReplicationConfiguration,
    TransitionDefaultMinimumObjectSize,
};
use s3s::{S3Request, S3Result, s3_error};

use super::{delete, get, put, set};
use crate::s3::document::{self, CORS, LIFECYCLE, REPLICATION, TRANSITION_SIZE, check_count};
use crate::s3::ops::{Answer, answer};
use crate::s3::settings::Versioning;
use crate::s3::store::Store;
use crate::s3::{cors, error, lifecycle};

const MAX_CORS_RULES: usize = 100;
const MAX_RULES: usize = 1000;

/// Gives the rules for callers from other origins.
pub(in crate::s3) async fn get_cors(
    store: &Arc<Store>,
    request: S3Request<GetBucketCorsInput>,
) -> Answer<GetBucketCorsOutput> {
    let kept: Option<CORSConfiguration> = get(store, &request.input.bucket, CORS)?;
    let kept = kept.ok_or_else(|| {
        s3_error!(NoSuchCORSConfiguration, "The CORS configuration does not exist")
    })?;
    answer(GetBucketCorsOutput { cors_rules: Some(kept.cors_rules) })
}

/// Sets the rules for callers from other origins.
pub(in crate::s3) async fn put_cors(
    store: &Arc<Store>,
    request: S3Request<PutBucketCorsInput>,
) -> Answer<PutBucketCorsOutput> {
    let input = request.input;
    check_count(input.cors_configuration.cors_rules.len(), MAX_CORS_RULES)?;
    cors::check(&input.cors_configuration)?;
    put(store, &input.bucket, CORS, &input.cors_configuration)?;
    answer(PutBucketCorsOutput::default())
}

/// Removes the rules for callers from other origins.
pub(in crate::s3) async fn delete_cors(
    store: &Arc<Store>,
    request: S3Request<DeleteBucketCorsInput>,
) -> Answer<DeleteBucketCorsOutput> {
    delete(store, &request.input.bucket, CORS)?;
    answer(DeleteBucketCorsOutput::default())
}

/// Gives the lifecycle rules.
pub(in crate::s3) async fn get_lifecycle(
    store: &Arc<Store>,
    request: S3Request<GetBucketLifecycleConfigurationInput>,
) -> Answer<GetBucketLifecycleConfigurationOutput> {
    let bucket = store.bucket(&request.input.bucket)?;
    let (kept, size): (Option<BucketLifecycleConfiguration>, _) = bucket.read(|index| {
        let documents = &index.settings.documents;
        (documents.read(LIFECYCLE), documents.text(TRANSITION_SIZE).map(str::to_owned))
    });
    let kept = kept.ok_or_else(|| {
        s3_error!(NoSuchLifecycleConfiguration, "The lifecycle configuration does not exist")
    })?;
    answer(GetBucketLifecycleConfigurationOutput {
        rules: Some(kept.rules),
        transition_default_minimum_object_size: size.map(TransitionDefaultMinimumObjectSize::from),
    })
}

/// Sets the lifecycle rules, and looks at once whether they apply.
pub(in crate::s3) async fn put_lifecycle(
    store: &Arc<Store>,
    request: S3Request<PutBucketLifecycleConfigurationInput>,
) -> Answer<PutBucketLifecycleConfigurationOutput> {
    let input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    let mut rules = input.lifecycle_configuration.ok_or_else(error::malformed_xml)?;
    check_count(rules.rules.len(), MAX_RULES)?;
    lifecycle::check(&mut rules)?;
    let size = minimum_size(input.transition_default_minimum_object_size)?;
    let text = document::write(&rules)?;
    set(&bucket, [(LIFECYCLE, Some(text)), (TRANSITION_SIZE, Some(size.clone()))])?;
    store.rules_changed.notify_one();
    answer(PutBucketLifecycleConfigurationOutput {
        transition_default_minimum_object_size: Some(size.into()),
    })
}

fn minimum_size(given: Option<TransitionDefaultMinimumObjectSize>) -> S3Result<String> {
    const DEFAULT: &str = "all_storage_classes_128K";
    match given.as_ref().map(TransitionDefaultMinimumObjectSize::as_str) {
        None => Ok(DEFAULT.to_owned()),
        Some(size @ (DEFAULT | "varies_by_storage_class")) => Ok(size.to_owned()),
        Some(_) => Err(s3_error!(
            InvalidRequest,
            "Invalid TransitionDefaultMinimumObjectSize found in the request"
        )),
    }
}

/// Removes the lifecycle rules.
pub(in crate::s3) async fn delete_lifecycle(
    store: &Arc<Store>,
    request: S3Request<DeleteBucketLifecycleInput>,
) -> Answer<DeleteBucketLifecycleOutput> {
    let bucket = store.bucket(&request.input.bucket)?;
    set(&bucket, [(LIFECYCLE, None), (TRANSITION_SIZE, None)])?;
    answer(DeleteBucketLifecycleOutput::default())
}

/// Gives the rules for copies elsewhere.
pub(in crate::s3) async fn get_replication(
    store: &Arc<Store>,
    request: S3Request<GetBucketReplicationInput>,
) -> Answer<GetBucketReplicationOutput> {
    let kept: Option<ReplicationConfiguration> = get(store, &request.input.bucket, REPLICATION)?;
    let kept = kept.ok_or_else(|| {
        error::not_found(
            "ReplicationConfigurationNotFoundError",
            "The replication configuration was not found",
        )
    })?;
    answer(GetBucketReplicationOutput { replication_configuration: Some(kept) })
}

/// Sets the rules for copies elsewhere.
pub(in crate::s3) async fn put_replication(
    store: &Arc<Store>,
    request: S3Request<PutBucketReplicationInput>,
) -> Answer<PutBucketReplicationOutput> {
    let input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    if bucket.read(|index| index.settings.versioning) != Versioning::Enabled {
        return Err(s3_error!(
            InvalidRequest,
            "Versioning must be 'Enabled' on the bucket to apply a replication configuration"
        ));
    }
    let mut replication = input.replication_configuration;
    check_count(replication.rules.len(), MAX_RULES)?;
    for rule in &mut replication.rules {
        let id = rule.id.take().filter(|id| !id.is_empty());
        rule.id = Some(id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string()));
    }
    put(store, &input.bucket, REPLICATION, &replication)?;
    answer(PutBucketReplicationOutput::default())
}

/// Removes the rules for copies elsewhere.
pub(in crate::s3) async fn delete_replication(
    store: &Arc<Store>,
    request: S3Request<DeleteBucketReplicationInput>,
) -> Answer<DeleteBucketReplicationOutput> {
    delete(store, &request.input.bucket, REPLICATION)?;
    answer(DeleteBucketReplicationOutput::default())
}
