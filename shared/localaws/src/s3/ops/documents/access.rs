//! Who may reach a bucket: its policy, its block of public access, and who owns
//! the objects. All of them are kept, and none is enforced.

use std::sync::Arc;

use s3s::dto::{
    DeleteBucketOwnershipControlsInput, DeleteBucketOwnershipControlsOutput,
    DeleteBucketPolicyInput, DeleteBucketPolicyOutput, DeletePublicAccessBlockInput,
    DeletePublicAccessBlockOutput, GetBucketOwnershipControlsInput,
    GetBucketOwnershipControlsOutput, GetBucketPolicyInput, GetBucketPolicyOutput,
    GetBucketPolicyStatusInput, GetBucketPolicyStatusOutput, GetPublicAccessBlockInput,
    GetPublicAccessBlockOutput, ObjectOwnership, OwnershipControls, OwnershipControlsRule,
    PolicyStatus, PublicAccessBlockConfiguration, PutBucketOwnershipControlsInput,
    PutBucketOwnershipControlsOutput, PutBucketPolicyInput, PutBucketPolicyOutput,
    PutPublicAccessBlockInput, PutPublicAccessBlockOutput,
};
use s3s::{S3Request, S3Result, s3_error};

use super::{delete, put, set};
use crate::s3::document::{self, Documents, OWNERSHIP, POLICY, PUBLIC_ACCESS};
use crate::s3::error;
use crate::s3::ops::{Answer, answer};
use crate::s3::policy;
use crate::s3::store::Store;

/// Gives the policy.
pub(in crate::s3) async fn get_policy(
    store: &Arc<Store>,
    request: S3Request<GetBucketPolicyInput>,
) -> Answer<GetBucketPolicyOutput> {
    answer(GetBucketPolicyOutput { policy: Some(kept_policy(store, &request.input.bucket)?) })
}

fn kept_policy(store: &Store, bucket: &str) -> S3Result<String> {
    let bucket = store.bucket(bucket)?;
    let policy = bucket.read(|index| index.settings.documents.text(POLICY).map(str::to_owned));
    policy.ok_or_else(|| s3_error!(NoSuchBucketPolicy, "The bucket policy does not exist"))
}

/// Sets the policy.
pub(in crate::s3) async fn put_policy(
    store: &Arc<Store>,
    request: S3Request<PutBucketPolicyInput>,
) -> Answer<PutBucketPolicyOutput> {
    let PutBucketPolicyInput { bucket, policy, .. } = request.input;
    let kept = store.bucket(&bucket)?;
    policy::check(&policy, &bucket)?;
    set(&kept, [(POLICY, Some(policy))])?;
    answer(PutBucketPolicyOutput::default())
}

/// Deletes the policy.
pub(in crate::s3) async fn delete_policy(
    store: &Arc<Store>,
    request: S3Request<DeleteBucketPolicyInput>,
) -> Answer<DeleteBucketPolicyOutput> {
    delete(store, &request.input.bucket, POLICY)?;
    answer(DeleteBucketPolicyOutput::default())
}

/// Says whether the policy lets everyone in.
pub(in crate::s3) async fn get_policy_status(
    store: &Arc<Store>,
    request: S3Request<GetBucketPolicyStatusInput>,
) -> Answer<GetBucketPolicyStatusOutput> {
    let policy = kept_policy(store, &request.input.bucket)?;
    let is_public = Some(policy::is_public(&policy));
    answer(GetBucketPolicyStatusOutput { policy_status: Some(PolicyStatus { is_public }) })
}

/// Gives the block of public access; a new bucket has a full one.
pub(in crate::s3) async fn get_public_access_block(
    store: &Arc<Store>,
    request: S3Request<GetPublicAccessBlockInput>,
) -> Answer<GetPublicAccessBlockOutput> {
    let bucket = store.bucket(&request.input.bucket)?;
    let text = bucket.read(|index| index.settings.documents.text(PUBLIC_ACCESS).map(str::to_owned));
    let block = match text {
        None => Some(PublicAccessBlockConfiguration {
            block_public_acls: Some(true),
            block_public_policy: Some(true),
            ignore_public_acls: Some(true),
            restrict_public_buckets: Some(true),
        }),
        Some(text) => document::parse(&text),
    };
    let block = block.ok_or_else(|| {
        error::not_found(
            "NoSuchPublicAccessBlockConfiguration",
            "The public access block configuration was not found",
        )
    })?;
    answer(GetPublicAccessBlockOutput { public_access_block_configuration: Some(block) })
}

/// Sets the block of public access.
pub(in crate::s3) async fn put_public_access_block(
    store: &Arc<Store>,
    request: S3Request<PutPublicAccessBlockInput>,
) -> Answer<PutPublicAccessBlockOutput> {
    let input = request.input;
    let given = input.public_access_block_configuration;
    // What is not said is off.
    let block = PublicAccessBlockConfiguration {
        block_public_acls: Some(given.block_public_acls.unwrap_or(false)),
        block_public_policy: Some(given.block_public_policy.unwrap_or(false)),
        ignore_public_acls: Some(given.ignore_public_acls.unwrap_or(false)),
        restrict_public_buckets: Some(given.restrict_public_buckets.unwrap_or(false)),
    };
    put(store, &input.bucket, PUBLIC_ACCESS, &block)?;
    answer(PutPublicAccessBlockOutput::default())
}

/// Removes the block of public access.
pub(in crate::s3) async fn delete_public_access_block(
    store: &Arc<Store>,
    request: S3Request<DeletePublicAccessBlockInput>,
) -> Answer<DeletePublicAccessBlockOutput> {
    let bucket = store.bucket(&request.input.bucket)?;
    set(&bucket, [(PUBLIC_ACCESS, Some(String::new()))])?;
    answer(DeletePublicAccessBlockOutput::default())
}

/// Who owns the objects; none if the bucket's controls were deleted.
pub(super) fn ownership(documents: &Documents) -> Option<OwnershipControls> {
    let object_ownership = ObjectOwnership::from_static(ObjectOwnership::BUCKET_OWNER_ENFORCED);
    match documents.text(OWNERSHIP) {
        None => Some(OwnershipControls { rules: vec![OwnershipControlsRule { object_ownership }] }),
        Some(text) => document::parse(text),
    }
}

/// Gives who owns the objects; in a new bucket its owner does.
pub(in crate::s3) async fn get_ownership(
    store: &Arc<Store>,
    request: S3Request<GetBucketOwnershipControlsInput>,
) -> Answer<GetBucketOwnershipControlsOutput> {
    let bucket = store.bucket(&request.input.bucket)?;
    let controls = bucket.read(|index| ownership(&index.settings.documents));
    let controls = controls.ok_or_else(|| {
        error::not_found(
            "OwnershipControlsNotFoundError",
            "The bucket ownership controls were not found",
        )
    })?;
    answer(GetBucketOwnershipControlsOutput { ownership_controls: Some(controls) })
}

/// Sets who owns the objects.
pub(in crate::s3) async fn put_ownership(
    store: &Arc<Store>,
    request: S3Request<PutBucketOwnershipControlsInput>,
) -> Answer<PutBucketOwnershipControlsOutput> {
    let input = request.input;
    let known = [
        ObjectOwnership::BUCKET_OWNER_ENFORCED,
        ObjectOwnership::BUCKET_OWNER_PREFERRED,
        ObjectOwnership::OBJECT_WRITER,
    ];
    match &*input.ownership_controls.rules {
        [rule] if known.contains(&rule.object_ownership.as_str()) => {}
        _ => return Err(error::malformed_xml()),
    }
    put(store, &input.bucket, OWNERSHIP, &input.ownership_controls)?;
    answer(PutBucketOwnershipControlsOutput::default())
}

/// Removes who owns the objects.
pub(in crate::s3) async fn delete_ownership(
    store: &Arc<Store>,
    request: S3Request<DeleteBucketOwnershipControlsInput>,
) -> Answer<DeleteBucketOwnershipControlsOutput> {
    let bucket = store.bucket(&request.input.bucket)?;
    set(&bucket, [(OWNERSHIP, Some(String::new()))])?;
    answer(DeleteBucketOwnershipControlsOutput::default())
}
