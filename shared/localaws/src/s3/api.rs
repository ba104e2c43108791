//! The operations that are served, as `s3s` wants them listed.

use std::sync::Arc;

use async_trait::async_trait;
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result};

use super::ops;
use super::store::Store;

/// Hands every operation to the function that does it.
pub(super) struct Api(pub(super) Arc<Store>);

macro_rules! operations {
    ($($name:ident($input:ident) -> $output:ident = $function:path;)*) => {
        #[async_trait]
        impl s3s::S3 for Api {
            $(async fn $name(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                $function(&self.0, request).await
            })*
        }
    };
}

operations! {
    create_bucket(CreateBucketInput) -> CreateBucketOutput = ops::bucket::create_bucket;
    delete_bucket(DeleteBucketInput) -> DeleteBucketOutput = ops::bucket::delete_bucket;
    head_bucket(HeadBucketInput) -> HeadBucketOutput = ops::bucket::head_bucket;
    list_buckets(ListBucketsInput) -> ListBucketsOutput = ops::bucket::list_buckets;
    get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput
        = ops::bucket::get_bucket_location;
    get_bucket_versioning(GetBucketVersioningInput) -> GetBucketVersioningOutput
        = ops::bucket::get_bucket_versioning;
    put_bucket_versioning(PutBucketVersioningInput) -> PutBucketVersioningOutput
        = ops::bucket::put_bucket_versioning;
    get_bucket_notification_configuration(GetBucketNotificationConfigurationInput)
        -> GetBucketNotificationConfigurationOutput = ops::notify::get_configuration;
    put_bucket_notification_configuration(PutBucketNotificationConfigurationInput)
        -> PutBucketNotificationConfigurationOutput = ops::notify::put_configuration;
    get_bucket_tagging(GetBucketTaggingInput) -> GetBucketTaggingOutput
        = ops::tagging::get_bucket_tagging;
    put_bucket_tagging(PutBucketTaggingInput) -> PutBucketTaggingOutput
        = ops::tagging::put_bucket_tagging;
    delete_bucket_tagging(DeleteBucketTaggingInput) -> DeleteBucketTaggingOutput
        = ops::tagging::delete_bucket_tagging;

    put_object(PutObjectInput) -> PutObjectOutput = ops::put::put_object;
    get_object(GetObjectInput) -> GetObjectOutput = ops::get::get_object;
    head_object(HeadObjectInput) -> HeadObjectOutput = ops::get::head_object;
    get_object_attributes(GetObjectAttributesInput) -> GetObjectAttributesOutput
        = ops::get::get_object_attributes;
    copy_object(CopyObjectInput) -> CopyObjectOutput = ops::copy::copy_object;
    delete_object(DeleteObjectInput) -> DeleteObjectOutput = ops::delete::delete_object;
    delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput = ops::delete::delete_objects;
    get_object_tagging(GetObjectTaggingInput) -> GetObjectTaggingOutput
        = ops::tagging::get_object_tagging;
    put_object_tagging(PutObjectTaggingInput) -> PutObjectTaggingOutput
        = ops::tagging::put_object_tagging;
    delete_object_tagging(DeleteObjectTaggingInput) -> DeleteObjectTaggingOutput
        = ops::tagging::delete_object_tagging;

    list_objects(ListObjectsInput) -> ListObjectsOutput = ops::list::list_objects;
    list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output = ops::list::list_objects_v2;
    list_object_versions(ListObjectVersionsInput) -> ListObjectVersionsOutput
        = ops::list_versions::list_object_versions;

    create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput
        = ops::multipart::create;
    complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput
        = ops::multipart::complete;
    abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput
        = ops::multipart::abort;
    list_multipart_uploads(ListMultipartUploadsInput) -> ListMultipartUploadsOutput
        = ops::list_uploads::list_multipart_uploads;
    upload_part(UploadPartInput) -> UploadPartOutput = ops::parts::upload_part;
    upload_part_copy(UploadPartCopyInput) -> UploadPartCopyOutput = ops::parts::upload_part_copy;
    list_parts(ListPartsInput) -> ListPartsOutput = ops::parts::list_parts;
}
