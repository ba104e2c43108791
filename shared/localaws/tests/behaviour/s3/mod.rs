//! Amazon S3.

mod checksums;
mod conditions;
mod configuration;
mod copying;
mod listing;
mod multipart;
mod notifications;
mod objects;
mod presigned;
mod versions;

use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use aws_sdk_s3::operation::put_object::PutObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};

use crate::aws::{Aws, unique};

impl Aws {
    /// Creates a bucket; answers its name.
    pub(crate) async fn bucket(&self) -> String {
        let name = unique("bucket");
        self.s3.create_bucket().bucket(&name).send().await.unwrap();
        name
    }

    /// Creates a bucket that keeps versions.
    async fn versioned(&self) -> String {
        let bucket = self.bucket().await;
        self.set_versioning(&bucket, BucketVersioningStatus::Enabled).await;
        bucket
    }

    async fn set_versioning(&self, bucket: &str, status: BucketVersioningStatus) {
        let versioning = VersioningConfiguration::builder().status(status).build();
        let request = self.s3.put_bucket_versioning().bucket(bucket);
        request.versioning_configuration(versioning).send().await.unwrap();
    }

    /// Stores an object.
    pub(crate) async fn put(&self, bucket: &str, key: &str, body: &'static str) -> PutObjectOutput {
        let request = self.s3.put_object().bucket(bucket).key(key);
        request.body(ByteStream::from_static(body.as_bytes())).send().await.unwrap()
    }

    async fn get(
        &self,
        bucket: &str,
        key: &str,
    ) -> Result<GetObjectOutput, SdkError<GetObjectError>> {
        self.s3.get_object().bucket(bucket).key(key).send().await
    }

    async fn content(&self, bucket: &str, key: &str) -> String {
        text(self.get(bucket, key).await.unwrap()).await
    }

    async fn delete_object(&self, bucket: &str, key: &str) -> Option<String> {
        let deleted = self.s3.delete_object().bucket(bucket).key(key).send().await.unwrap();
        deleted.version_id
    }
}

async fn text(got: GetObjectOutput) -> String {
    String::from_utf8(got.body.collect().await.unwrap().to_vec()).unwrap()
}
