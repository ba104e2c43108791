//! A bucket's default encryption. Nothing is encrypted here: what S3 would say
//! of it is kept and given back.

use std::sync::Arc;

use s3s::S3Request;
use s3s::dto::{
    DeleteBucketEncryptionInput, DeleteBucketEncryptionOutput, GetBucketEncryptionInput,
    GetBucketEncryptionOutput, PutBucketEncryptionInput, PutBucketEncryptionOutput,
    ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
    ServerSideEncryptionRule,
};

use super::{delete, put};
use crate::s3::document::{Documents, ENCRYPTION};
use crate::s3::error;
use crate::s3::ops::{Answer, answer};
use crate::s3::store::Store;

/// What a bucket's objects are encrypted with unless they say otherwise: SSE-S3
/// since January 2023.
pub(in crate::s3) fn default(documents: &Documents) -> ServerSideEncryptionConfiguration {
    documents.read(ENCRYPTION).unwrap_or_else(|| ServerSideEncryptionConfiguration {
        rules: vec![ServerSideEncryptionRule {
            apply_server_side_encryption_by_default: Some(ServerSideEncryptionByDefault {
                kms_master_key_id: None,
                sse_algorithm: ServerSideEncryption::from_static(ServerSideEncryption::AES256),
            }),
            bucket_key_enabled: Some(false),
        }],
    })
}

/// Gives the default encryption.
pub(in crate::s3) async fn get_encryption(
    store: &Arc<Store>,
    request: S3Request<GetBucketEncryptionInput>,
) -> Answer<GetBucketEncryptionOutput> {
    let bucket = store.bucket(&request.input.bucket)?;
    let encryption = bucket.read(|index| default(&index.settings.documents));
    answer(GetBucketEncryptionOutput { server_side_encryption_configuration: Some(encryption) })
}

/// Sets the default encryption.
pub(in crate::s3) async fn put_encryption(
    store: &Arc<Store>,
    request: S3Request<PutBucketEncryptionInput>,
) -> Answer<PutBucketEncryptionOutput> {
    let input = request.input;
    let mut encryption = input.server_side_encryption_configuration;
    let known = [
        ServerSideEncryption::AES256,
        ServerSideEncryption::AWS_KMS,
        ServerSideEncryption::AWS_KMS_DSSE,
    ];
    let [rule] = &mut *encryption.rules else { return Err(error::malformed_xml()) };
    let default = rule.apply_server_side_encryption_by_default.as_ref();
    let algorithm = default.map(|default| default.sse_algorithm.as_str());
    if algorithm.is_some_and(|algorithm| !known.contains(&algorithm)) {
        return Err(error::malformed_xml());
    }
    let without_key = algorithm == Some(ServerSideEncryption::AES256);
    if without_key && default.is_some_and(|default| default.kms_master_key_id.is_some()) {
        return Err(s3s::s3_error!(
            InvalidArgument,
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or \
             aws:kms:dsse"
        ));
    }
    rule.bucket_key_enabled = Some(rule.bucket_key_enabled.unwrap_or(false));
    put(store, &input.bucket, ENCRYPTION, &encryption)?;
    answer(PutBucketEncryptionOutput::default())
}

/// Makes the default encryption that of a new bucket.
pub(in crate::s3) async fn delete_encryption(
    store: &Arc<Store>,
    request: S3Request<DeleteBucketEncryptionInput>,
) -> Answer<DeleteBucketEncryptionOutput> {
    delete(store, &request.input.bucket, ENCRYPTION)?;
    answer(DeleteBucketEncryptionOutput::default())
}
