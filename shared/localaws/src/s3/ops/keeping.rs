//! How an object is to be kept beside its content: encrypted, locked, and by
//! whose leave; from the request and from what the bucket has for defaults.

use s3s::dto::{AccessControlPolicy, ObjectLockConfiguration, ServerSideEncryption};
use s3s::{S3Result, s3_error};

use super::bucket::owner;
use super::documents::{acl::check_allowed, encryption};
use crate::s3::acl::{self, Given};
use crate::s3::bucket::Bucket;
use crate::s3::document::{self, Documents, OBJECT_LOCK};
use crate::s3::headers::{
    Headers, LOCK_HOLD, LOCK_MODE, LOCK_UNTIL, SSE, SSE_BUCKET_KEY, SSE_CUSTOMER, SSE_KEY,
};
use crate::s3::lifecycle::DAY;
use crate::s3::store::Store;

type Pairs = Vec<(Box<str>, Option<Box<str>>)>;

/// Adds the bucket's defaults to what a request says.
///
/// # Errors
/// If the bucket does not allow what the request says.
pub(super) fn complete(
    store: &Store,
    bucket: &Bucket,
    mut headers: Headers,
    acl: &Given<'_>,
) -> S3Result<Headers> {
    check_class(&headers)?;
    let mut more = Pairs::new();
    let grants = match acl.is_empty() {
        true => None,
        false => Some(acl.grants(store, None)?),
    };
    let now = store.sequence.now();
    bucket.read(|index| {
        let documents = &index.settings.documents;
        encrypt(&headers, documents, &mut more)?;
        lock(&headers, documents, now, &mut more)?;
        grants.as_ref().map_or(Ok(()), |grants| check_allowed(store, documents, grants))
    })?;
    if let Some(grants) = grants {
        let policy = AccessControlPolicy { grants: Some(grants), owner: Some(owner(store)) };
        more.push((acl::KEPT.into(), Some(document::write(&policy)?.into())));
    }
    headers.reset(more);
    Ok(headers)
}

const CLASSES: [&str; 11] = [
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "DEEP_ARCHIVE",
    "OUTPOSTS",
    "GLACIER_IR",
    "SNOW",
    "EXPRESS_ONEZONE",
];

fn check_class(headers: &Headers) -> S3Result<()> {
    match headers.get("x-amz-storage-class") {
        Some(class) if !CLASSES.contains(&class.as_str()) => {
            Err(s3_error!(InvalidStorageClass, "The storage class you specified is not valid"))
        }
        Some(_) | None => Ok(()),
    }
}

fn encrypt(headers: &Headers, documents: &Documents, more: &mut Pairs) -> S3Result<()> {
    let known = [
        ServerSideEncryption::AES256,
        ServerSideEncryption::AWS_KMS,
        ServerSideEncryption::AWS_KMS_DSSE,
    ];
    match headers.get(SSE) {
        Some(algorithm) if !known.contains(&algorithm.as_str()) => {
            Err(s3_error!(InvalidArgument, "The encryption method specified is not supported"))
        }
        Some(algorithm) if algorithm == known[0] && headers.get(SSE_KEY).is_some() => {
            Err(s3_error!(
                InvalidArgument,
                "Server Side Encryption with AWS KMS managed key requires HTTP header \
                 x-amz-server-side-encryption : aws:kms"
            ))
        }
        Some(_) => Ok(()),
        None if headers.get(SSE_CUSTOMER).is_some() => Ok(()),
        None => {
            by_default(documents, more);
            Ok(())
        }
    }
}

fn by_default(documents: &Documents, more: &mut Pairs) {
    for rule in encryption::default(documents).rules {
        let Some(default) = rule.apply_server_side_encryption_by_default else { continue };
        let with_key = default.sse_algorithm.as_str() != ServerSideEncryption::AES256;
        more.push((SSE.into(), Some(default.sse_algorithm.as_str().into())));
        if let Some(key) = default.kms_master_key_id {
            more.push((SSE_KEY.into(), Some(key.into())));
        }
        if with_key && rule.bucket_key_enabled == Some(true) {
            more.push((SSE_BUCKET_KEY.into(), Some("true".into())));
        }
    }
}

fn lock(headers: &Headers, documents: &Documents, now: u64, more: &mut Pairs) -> S3Result<()> {
    let config: Option<ObjectLockConfiguration> = documents.read(OBJECT_LOCK);
    let asked = [LOCK_MODE, LOCK_UNTIL, LOCK_HOLD].map(|name| headers.get(name).is_some());
    let Some(config) = config else {
        return match asked.contains(&true) {
            true => Err(s3_error!(InvalidRequest, "Bucket is missing Object Lock Configuration")),
            false => Ok(()),
        };
    };
    if asked[0] != asked[1] {
        return Err(s3_error!(
            InvalidArgument,
            "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied"
        ));
    }
    let default = config.rule.and_then(|rule| rule.default_retention).filter(|_| !asked[0]);
    let Some(default) = default else { return Ok(()) };
    let days = default.days.or_else(|| default.years.map(|years| years.saturating_mul(365)));
    if let (Some(mode), Some(days)) = (default.mode, days) {
        let until = now.saturating_add(u64::try_from(days).unwrap_or(0).saturating_mul(DAY));
        more.push((LOCK_MODE.into(), Some(mode.as_str().into())));
        more.push((LOCK_UNTIL.into(), Some(until.to_string().into())));
    }
    Ok(())
}

/// Writes how an object is encrypted by S3 into an output.
macro_rules! set_common_encryption {
    ($output:expr, $headers:expr) => {{
        use $crate::s3::headers::{SSE, SSE_BUCKET_KEY, SSE_KEY};
        let headers: &$crate::s3::headers::Headers = $headers;
        $output.server_side_encryption =
            headers.get(SSE).map(::s3s::dto::ServerSideEncryption::from);
        $output.ssekms_key_id = headers.get(SSE_KEY);
        let bucket_key = headers.get(SSE_BUCKET_KEY);
        $output.bucket_key_enabled = bucket_key.filter(|it| it == "true").map(|_| true);
    }};
}

/// Writes how an object is encrypted, by S3 or by its client, into an output.
macro_rules! set_encryption {
    ($output:expr, $headers:expr) => {{
        use $crate::s3::headers::{SSE_CUSTOMER, SSE_CUSTOMER_KEY};
        $crate::s3::ops::keeping::set_common_encryption!($output, $headers);
        $output.sse_customer_algorithm = $headers.get(SSE_CUSTOMER);
        $output.sse_customer_key_md5 = $headers.get(SSE_CUSTOMER_KEY);
    }};
}

/// Writes how an object is encrypted and locked into an output.
macro_rules! set_kept {
    ($output:expr, $headers:expr) => {{
        use $crate::s3::headers::{LOCK_HOLD, LOCK_MODE};
        $crate::s3::ops::keeping::set_encryption!($output, $headers);
        $output.object_lock_mode = $headers.get(LOCK_MODE).map(::s3s::dto::ObjectLockMode::from);
        $output.object_lock_retain_until_date = $headers.locked_until();
        let hold = $headers.get(LOCK_HOLD);
        $output.object_lock_legal_hold_status =
            hold.map(::s3s::dto::ObjectLockLegalHoldStatus::from);
    }};
}

pub(super) use {set_common_encryption, set_encryption, set_kept};
