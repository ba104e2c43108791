//! Access control lists of buckets and objects. They are kept, and not
//! enforced; as in S3 a bucket takes none but its owner's until its ownership
//! controls allow them.

use std::sync::Arc;

use s3s::dto::{
    AccessControlPolicy, GetBucketAclInput, GetBucketAclOutput, GetObjectAclInput,
    GetObjectAclOutput, Grants, ObjectOwnership, PutBucketAclInput, PutBucketAclOutput,
    PutObjectAclInput, PutObjectAclOutput,
};
use s3s::{S3Request, S3Result};

use super::access::ownership;
use super::set;
use crate::s3::acl::{self, given_acl};
use crate::s3::document::{self, ACL, Documents};
use crate::s3::error;
use crate::s3::event::What;
use crate::s3::ops::{Answer, answer, bucket::owner, find, open, reset};
use crate::s3::store::Store;

/// Gives a bucket's list.
pub(in crate::s3) async fn get_bucket_acl(
    store: &Arc<Store>,
    request: S3Request<GetBucketAclInput>,
) -> Answer<GetBucketAclOutput> {
    let bucket = store.bucket(&request.input.bucket)?;
    let kept: Option<AccessControlPolicy> = bucket.read(|index| index.settings.documents.read(ACL));
    let grants = kept.and_then(|kept| kept.grants).unwrap_or_else(|| acl::private(store));
    answer(GetBucketAclOutput { grants: Some(grants), owner: Some(owner(store)) })
}

/// Replaces a bucket's list.
pub(in crate::s3) async fn put_bucket_acl(
    store: &Arc<Store>,
    request: S3Request<PutBucketAclInput>,
) -> Answer<PutBucketAclOutput> {
    let input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    let given = given_acl!(input, write);
    let grants = given.grants(store, input.access_control_policy)?;
    bucket.read(|index| check_allowed(store, &index.settings.documents, &grants))?;
    let policy = AccessControlPolicy { grants: Some(grants), owner: Some(owner(store)) };
    set(&bucket, [(ACL, Some(document::write(&policy)?))])?;
    answer(PutBucketAclOutput::default())
}

/// Refuses lists where the bucket's owner owns everything.
///
/// # Errors
/// `AccessControlListNotSupported`.
pub(in crate::s3) fn check_allowed(
    store: &Store,
    documents: &Documents,
    grants: &Grants,
) -> S3Result<()> {
    let enforced = ownership(documents).is_some_and(|controls| {
        let mut rules = controls.rules.iter().map(|rule| rule.object_ownership.as_str());
        rules.any(|rule| rule == ObjectOwnership::BUCKET_OWNER_ENFORCED)
    });
    match enforced && *grants != acl::private(store) {
        true => Err(error::acl_not_supported()),
        false => Ok(()),
    }
}

/// Gives an object's list.
pub(in crate::s3) async fn get_object_acl(
    store: &Arc<Store>,
    request: S3Request<GetObjectAclInput>,
) -> Answer<GetObjectAclOutput> {
    let input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    let found = find(&bucket, &input.key, input.version_id.as_deref())?;
    let kept = found.object.headers.get(acl::KEPT);
    let kept: Option<AccessControlPolicy> = kept.and_then(|text| document::parse(&text));
    let grants = kept.and_then(|kept| kept.grants).unwrap_or_else(|| acl::private(store));
    answer(GetObjectAclOutput {
        grants: Some(grants),
        owner: Some(owner(store)),
        ..Default::default()
    })
}

/// Replaces an object's list.
pub(in crate::s3) async fn put_object_acl(
    store: &Arc<Store>,
    request: S3Request<PutObjectAclInput>,
) -> Answer<PutObjectAclOutput> {
    let (input, id) = open(request);
    let bucket = store.bucket(&input.bucket)?;
    let given = given_acl!(input, write);
    let grants = given.grants(store, input.access_control_policy)?;
    bucket.read(|index| check_allowed(store, &index.settings.documents, &grants))?;
    let policy = AccessControlPolicy { grants: Some(grants), owner: Some(owner(store)) };
    let headers = vec![(acl::KEPT.into(), Some(document::write(&policy)?.into()))];
    let version = input.version_id.as_deref();
    reset(store, &bucket, &id, &input.key, version, headers, Some(What::AclPut)).await?;
    answer(PutObjectAclOutput::default())
}
