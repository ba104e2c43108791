//! Buckets themselves: create, delete, find, and whether they keep versions.

use std::sync::Arc;

use hyper::StatusCode;
use s3s::dto::{
    self, AccessControlPolicy, BucketLocationConstraint, BucketVersioningStatus,
    CreateBucketConfiguration, CreateBucketInput, CreateBucketOutput, DeleteBucketInput,
    DeleteBucketOutput, GetBucketLocationInput, GetBucketLocationOutput, GetBucketVersioningInput,
    GetBucketVersioningOutput, HeadBucketInput, HeadBucketOutput, ListBucketsInput,
    ListBucketsOutput, Owner, OwnershipControls, OwnershipControlsRule, PutBucketVersioningInput,
    PutBucketVersioningOutput,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result, s3_error};

use super::{Answer, answer, documents, lock};
use crate::s3::acl::given_acl;
use crate::s3::bucket::Bucket;
use crate::s3::document::{self, ACL, OBJECT_LOCK, OWNERSHIP};
use crate::s3::error;
use crate::s3::object::timestamp;
use crate::s3::record::Record;
use crate::s3::settings::{Settings, Versioning};
use crate::s3::store::Store;
use crate::s3::wire::SignedRegion;

/// The region that has no location constraint.
const CLASSIC: &str = "us-east-1";
const MAX_BUCKETS: i32 = 10_000;

/// Creates a bucket.
pub(in crate::s3) async fn create_bucket(
    store: &Arc<Store>,
    request: S3Request<CreateBucketInput>,
) -> Answer<CreateBucketOutput> {
    check_name(&request.input.bucket)?;
    let signed = request.extensions.get::<SignedRegion>().map(|region| region.0.clone());
    let input = request.input;
    let asked = input.create_bucket_configuration.as_ref();
    let region = location(signed.as_deref().unwrap_or(&store.region), asked)?;
    let mut settings = settings(store, &input)?;
    settings.region = Some(region.clone()).filter(|region| *region != store.region);
    let name = input.bucket;
    // In the classic region, creating a bucket that one has succeeds.
    if !store.create_bucket(&name, settings)? && region != CLASSIC {
        return Err(s3_error!(
            BucketAlreadyOwnedByYou,
            "Your previous request to create the named bucket succeeded and you already own it."
        ));
    }
    answer(CreateBucketOutput { location: Some(format!("/{name}")) })
}

/// Refuses the names that S3 keeps for itself ("Bucket naming rules"); the other
/// rules are checked where requests are read.
fn check_name(name: &str) -> S3Result<()> {
    let reserved = name.starts_with("sthree-")
        || ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"]
            .iter()
            .any(|suffix| name.ends_with(suffix));
    match reserved {
        true => Err(s3_error!(InvalidBucketName, "The specified bucket is not valid.")),
        false => Ok(()),
    }
}

/// Where a bucket is to be. The classic region creates them anywhere, any other
/// only where it is.
fn location(signed: &str, given: Option<&CreateBucketConfiguration>) -> S3Result<String> {
    let constraint = given.and_then(|given| given.location_constraint.as_ref());
    let constraint = constraint.map(BucketLocationConstraint::as_str).filter(|it| !it.is_empty());
    let illegal = |constraint: &str| {
        error::custom(
            "IllegalLocationConstraintException",
            StatusCode::BAD_REQUEST,
            format!(
                "The {constraint} location constraint is incompatible for the region specific \
                 endpoint this request was sent to."
            ),
        )
    };
    match constraint {
        None if signed == CLASSIC => Ok(CLASSIC.to_owned()),
        None => Err(illegal("unspecified")),
        Some("EU") if signed == CLASSIC => Ok("eu-west-1".to_owned()),
        Some(region) if region != CLASSIC && is_region(region) => {
            match signed == CLASSIC || signed == region {
                true => Ok(region.to_owned()),
                false => Err(illegal(region)),
            }
        }
        Some(_) => Err(error::custom(
            "InvalidLocationConstraint",
            StatusCode::BAD_REQUEST,
            "The specified location-constraint is not valid".to_owned(),
        )),
    }
}

/// Whether it looks like `eu-west-1` or `us-gov-east-1`.
fn is_region(name: &str) -> bool {
    let parts: Vec<_> = name.split('-').collect();
    let number = parts.last().is_some_and(|last| last.parse::<u8>().is_ok());
    (3..=4).contains(&parts.len()) && number
}

/// Where a bucket is.
fn region_of(store: &Store, bucket: &Bucket) -> String {
    bucket.read(|index| index.settings.region.clone()).unwrap_or_else(|| store.region.clone())
}

/// What a bucket is created with.
fn settings(store: &Store, input: &CreateBucketInput) -> S3Result<Settings> {
    let mut settings = Settings::new(store.sequence.now());
    if input.object_lock_enabled_for_bucket == Some(true) {
        settings.versioning = Versioning::Enabled;
        settings.documents.set(OBJECT_LOCK, Some(lock::enabled()?));
    }
    if let Some(ownership) = &input.object_ownership {
        let rules = vec![OwnershipControlsRule { object_ownership: ownership.clone() }];
        settings.documents.set(OWNERSHIP, Some(document::write(&OwnershipControls { rules })?));
    }
    let acl = given_acl!(input, write);
    if !acl.is_empty() {
        let grants = acl.grants(store, None)?;
        documents::acl::check_allowed(store, &settings.documents, &grants)?;
        let policy = AccessControlPolicy { grants: Some(grants), owner: Some(owner(store)) };
        settings.documents.set(ACL, Some(document::write(&policy)?));
    }
    Ok(settings)
}

/// Deletes an empty bucket.
pub(in crate::s3) async fn delete_bucket(
    store: &Arc<Store>,
    request: S3Request<DeleteBucketInput>,
) -> Answer<DeleteBucketOutput> {
    store.delete_bucket(&request.input.bucket)?;
    answer(DeleteBucketOutput {})
}

/// Says whether there is a bucket.
pub(in crate::s3) async fn head_bucket(
    store: &Arc<Store>,
    request: S3Request<HeadBucketInput>,
) -> Answer<HeadBucketOutput> {
    let bucket = store.bucket(&request.input.bucket)?;
    let bucket_region = Some(region_of(store, &bucket));
    answer(HeadBucketOutput { bucket_region, ..Default::default() })
}

/// Lists buckets by name.
pub(in crate::s3) async fn list_buckets(
    store: &Arc<Store>,
    request: S3Request<ListBucketsInput>,
) -> Answer<ListBucketsOutput> {
    let input = request.input;
    let limit = input.max_buckets.unwrap_or(MAX_BUCKETS).clamp(1, MAX_BUCKETS) as usize;
    let prefix = input.prefix.as_deref().unwrap_or_default();
    let after = input.continuation_token.as_deref().unwrap_or_default();
    let buckets = store.buckets();
    let matching =
        buckets.iter().filter(|bucket| bucket.name.starts_with(prefix) && &*bucket.name > after);
    let region = input.bucket_region.as_deref();
    let mut matching =
        matching.filter(|bucket| region.is_none_or(|region| region == region_of(store, bucket)));
    let page: Vec<_> = matching.by_ref().take(limit).collect();
    let last = page.last().map(|bucket| bucket.name.to_string());
    let shown = page.into_iter().map(|bucket| dto::Bucket {
        bucket_region: Some(region_of(store, bucket)),
        creation_date: Some(timestamp(bucket.read(|index| index.settings.created))),
        name: Some(bucket.name.to_string()),
    });
    answer(ListBucketsOutput {
        buckets: Some(shown.collect()),
        continuation_token: last.filter(|_| matching.next().is_some()),
        owner: Some(owner(store)),
        prefix: input.prefix,
    })
}

/// The owner of everything.
pub(in crate::s3) fn owner(store: &Store) -> Owner {
    Owner { display_name: None, id: Some(store.account.clone()) }
}

/// Says where a bucket is.
pub(in crate::s3) async fn get_bucket_location(
    store: &Arc<Store>,
    request: S3Request<GetBucketLocationInput>,
) -> Answer<GetBucketLocationOutput> {
    let bucket = store.bucket(&request.input.bucket)?;
    let constraint = Some(region_of(store, &bucket)).filter(|region| region != CLASSIC);
    answer(GetBucketLocationOutput {
        location_constraint: constraint.map(BucketLocationConstraint::from),
    })
}

/// Says whether a bucket keeps versions.
pub(in crate::s3) async fn get_bucket_versioning(
    store: &Arc<Store>,
    request: S3Request<GetBucketVersioningInput>,
) -> Answer<GetBucketVersioningOutput> {
    let bucket = store.bucket(&request.input.bucket)?;
    let status = match bucket.read(|index| index.settings.versioning) {
        Versioning::Unversioned => None,
        Versioning::Enabled => Some(BucketVersioningStatus::ENABLED),
        Versioning::Suspended => Some(BucketVersioningStatus::SUSPENDED),
    };
    answer(GetBucketVersioningOutput {
        status: status.map(BucketVersioningStatus::from_static),
        ..Default::default()
    })
}

/// Makes a bucket keep versions, or stop to.
pub(in crate::s3) async fn put_bucket_versioning(
    store: &Arc<Store>,
    request: S3Request<PutBucketVersioningInput>,
) -> Answer<PutBucketVersioningOutput> {
    let input = request.input;
    let status = input.versioning_configuration.status;
    let versioning = match status.as_ref().map(BucketVersioningStatus::as_str) {
        Some(BucketVersioningStatus::ENABLED) => Versioning::Enabled,
        Some(BucketVersioningStatus::SUSPENDED) => Versioning::Suspended,
        Some(_) | None => return Err(S3Error::new(S3ErrorCode::MalformedXML)),
    };
    store.bucket(&input.bucket)?.commit(|index, _| {
        let locks = index.settings.documents.text(OBJECT_LOCK).is_some();
        if locks && versioning != Versioning::Enabled {
            return Err(s3_error!(
                InvalidBucketState,
                "An Object Lock configuration is present on this bucket, so the versioning state \
                 cannot be changed."
            ));
        }
        let settings = Settings { versioning, ..index.settings.clone() };
        Ok((Some(Record::Settings(settings)), ()))
    })?;
    answer(PutBucketVersioningOutput {})
}
