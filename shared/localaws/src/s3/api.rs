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

    get_bucket_policy(GetBucketPolicyInput) -> GetBucketPolicyOutput
        = ops::documents::access::get_policy;
    put_bucket_policy(PutBucketPolicyInput) -> PutBucketPolicyOutput
        = ops::documents::access::put_policy;
    delete_bucket_policy(DeleteBucketPolicyInput) -> DeleteBucketPolicyOutput
        = ops::documents::access::delete_policy;
    get_bucket_policy_status(GetBucketPolicyStatusInput) -> GetBucketPolicyStatusOutput
        = ops::documents::access::get_policy_status;
    get_public_access_block(GetPublicAccessBlockInput) -> GetPublicAccessBlockOutput
        = ops::documents::access::get_public_access_block;
    put_public_access_block(PutPublicAccessBlockInput) -> PutPublicAccessBlockOutput
        = ops::documents::access::put_public_access_block;
    delete_public_access_block(DeletePublicAccessBlockInput) -> DeletePublicAccessBlockOutput
        = ops::documents::access::delete_public_access_block;
    get_bucket_ownership_controls(GetBucketOwnershipControlsInput) -> GetBucketOwnershipControlsOutput
        = ops::documents::access::get_ownership;
    put_bucket_ownership_controls(PutBucketOwnershipControlsInput) -> PutBucketOwnershipControlsOutput
        = ops::documents::access::put_ownership;
    delete_bucket_ownership_controls(DeleteBucketOwnershipControlsInput) -> DeleteBucketOwnershipControlsOutput
        = ops::documents::access::delete_ownership;
    get_bucket_acl(GetBucketAclInput) -> GetBucketAclOutput
        = ops::documents::acl::get_bucket_acl;
    put_bucket_acl(PutBucketAclInput) -> PutBucketAclOutput
        = ops::documents::acl::put_bucket_acl;
    get_object_acl(GetObjectAclInput) -> GetObjectAclOutput
        = ops::documents::acl::get_object_acl;
    put_object_acl(PutObjectAclInput) -> PutObjectAclOutput
        = ops::documents::acl::put_object_acl;
    get_bucket_website(GetBucketWebsiteInput) -> GetBucketWebsiteOutput
        = ops::documents::delivery::get_website;
    put_bucket_website(PutBucketWebsiteInput) -> PutBucketWebsiteOutput
        = ops::documents::delivery::put_website;
    delete_bucket_website(DeleteBucketWebsiteInput) -> DeleteBucketWebsiteOutput
        = ops::documents::delivery::delete_website;
    get_bucket_logging(GetBucketLoggingInput) -> GetBucketLoggingOutput
        = ops::documents::delivery::get_logging;
    put_bucket_logging(PutBucketLoggingInput) -> PutBucketLoggingOutput
        = ops::documents::delivery::put_logging;
    get_bucket_request_payment(GetBucketRequestPaymentInput) -> GetBucketRequestPaymentOutput
        = ops::documents::delivery::get_request_payment;
    put_bucket_request_payment(PutBucketRequestPaymentInput) -> PutBucketRequestPaymentOutput
        = ops::documents::delivery::put_request_payment;
    get_bucket_accelerate_configuration(GetBucketAccelerateConfigurationInput) -> GetBucketAccelerateConfigurationOutput
        = ops::documents::delivery::get_accelerate;
    put_bucket_accelerate_configuration(PutBucketAccelerateConfigurationInput) -> PutBucketAccelerateConfigurationOutput
        = ops::documents::delivery::put_accelerate;
    get_bucket_encryption(GetBucketEncryptionInput) -> GetBucketEncryptionOutput
        = ops::documents::encryption::get_encryption;
    put_bucket_encryption(PutBucketEncryptionInput) -> PutBucketEncryptionOutput
        = ops::documents::encryption::put_encryption;
    delete_bucket_encryption(DeleteBucketEncryptionInput) -> DeleteBucketEncryptionOutput
        = ops::documents::encryption::delete_encryption;
    get_bucket_cors(GetBucketCorsInput) -> GetBucketCorsOutput
        = ops::documents::rules::get_cors;
    put_bucket_cors(PutBucketCorsInput) -> PutBucketCorsOutput
        = ops::documents::rules::put_cors;
    delete_bucket_cors(DeleteBucketCorsInput) -> DeleteBucketCorsOutput
        = ops::documents::rules::delete_cors;
    get_bucket_lifecycle_configuration(GetBucketLifecycleConfigurationInput) -> GetBucketLifecycleConfigurationOutput
        = ops::documents::rules::get_lifecycle;
    put_bucket_lifecycle_configuration(PutBucketLifecycleConfigurationInput) -> PutBucketLifecycleConfigurationOutput
        = ops::documents::rules::put_lifecycle;
    delete_bucket_lifecycle(DeleteBucketLifecycleInput) -> DeleteBucketLifecycleOutput
        = ops::documents::rules::delete_lifecycle;
    get_bucket_replication(GetBucketReplicationInput) -> GetBucketReplicationOutput
        = ops::documents::rules::get_replication;
    put_bucket_replication(PutBucketReplicationInput) -> PutBucketReplicationOutput
        = ops::documents::rules::put_replication;
    delete_bucket_replication(DeleteBucketReplicationInput) -> DeleteBucketReplicationOutput
        = ops::documents::rules::delete_replication;
    get_bucket_inventory_configuration(GetBucketInventoryConfigurationInput) -> GetBucketInventoryConfigurationOutput
        = ops::documents::reports::get_inventory;
    put_bucket_inventory_configuration(PutBucketInventoryConfigurationInput) -> PutBucketInventoryConfigurationOutput
        = ops::documents::reports::put_inventory;
    delete_bucket_inventory_configuration(DeleteBucketInventoryConfigurationInput) -> DeleteBucketInventoryConfigurationOutput
        = ops::documents::reports::delete_inventory;
    list_bucket_inventory_configurations(ListBucketInventoryConfigurationsInput) -> ListBucketInventoryConfigurationsOutput
        = ops::documents::reports::list_inventories;
    get_bucket_analytics_configuration(GetBucketAnalyticsConfigurationInput) -> GetBucketAnalyticsConfigurationOutput
        = ops::documents::reports::get_analytics;
    put_bucket_analytics_configuration(PutBucketAnalyticsConfigurationInput) -> PutBucketAnalyticsConfigurationOutput
        = ops::documents::reports::put_analytics;
    delete_bucket_analytics_configuration(DeleteBucketAnalyticsConfigurationInput) -> DeleteBucketAnalyticsConfigurationOutput
        = ops::documents::reports::delete_analytics;
    list_bucket_analytics_configurations(ListBucketAnalyticsConfigurationsInput) -> ListBucketAnalyticsConfigurationsOutput
        = ops::documents::reports::list_analytics;
    get_bucket_metrics_configuration(GetBucketMetricsConfigurationInput) -> GetBucketMetricsConfigurationOutput
        = ops::documents::reports::get_metrics;
    put_bucket_metrics_configuration(PutBucketMetricsConfigurationInput) -> PutBucketMetricsConfigurationOutput
        = ops::documents::reports::put_metrics;
    delete_bucket_metrics_configuration(DeleteBucketMetricsConfigurationInput) -> DeleteBucketMetricsConfigurationOutput
        = ops::documents::reports::delete_metrics;
    list_bucket_metrics_configurations(ListBucketMetricsConfigurationsInput) -> ListBucketMetricsConfigurationsOutput
        = ops::documents::reports::list_metrics;
    get_bucket_intelligent_tiering_configuration(GetBucketIntelligentTieringConfigurationInput) -> GetBucketIntelligentTieringConfigurationOutput
        = ops::documents::reports::get_tiering;
    put_bucket_intelligent_tiering_configuration(PutBucketIntelligentTieringConfigurationInput) -> PutBucketIntelligentTieringConfigurationOutput
        = ops::documents::reports::put_tiering;
    delete_bucket_intelligent_tiering_configuration(DeleteBucketIntelligentTieringConfigurationInput) -> DeleteBucketIntelligentTieringConfigurationOutput
        = ops::documents::reports::delete_tiering;
    list_bucket_intelligent_tiering_configurations(ListBucketIntelligentTieringConfigurationsInput) -> ListBucketIntelligentTieringConfigurationsOutput
        = ops::documents::reports::list_tierings;
    get_object_lock_configuration(GetObjectLockConfigurationInput) -> GetObjectLockConfigurationOutput
        = ops::lock::get_configuration;
    put_object_lock_configuration(PutObjectLockConfigurationInput) -> PutObjectLockConfigurationOutput
        = ops::lock::put_configuration;
    get_object_retention(GetObjectRetentionInput) -> GetObjectRetentionOutput
        = ops::lock::get_retention;
    put_object_retention(PutObjectRetentionInput) -> PutObjectRetentionOutput
        = ops::lock::put_retention;
    get_object_legal_hold(GetObjectLegalHoldInput) -> GetObjectLegalHoldOutput
        = ops::lock::get_legal_hold;
    put_object_legal_hold(PutObjectLegalHoldInput) -> PutObjectLegalHoldOutput
        = ops::lock::put_legal_hold;

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
