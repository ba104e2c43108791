//! What can be set for a bucket as a whole and given back: a function to set,
//! to give and to delete each, a file per family.

pub(in crate::s3) mod access;
pub(in crate::s3) mod acl;
pub(in crate::s3) mod delivery;
pub(in crate::s3) mod encryption;
pub(in crate::s3) mod reports;
pub(in crate::s3) mod rules;

use s3s::S3Result;
use s3s::xml::{DeserializeContent, SerializeContent};

use crate::s3::bucket::Bucket;
use crate::s3::document;
use crate::s3::record::Record;
use crate::s3::settings::Settings;
use crate::s3::store::Store;

/// The document of a bucket, if it is set.
///
/// # Errors
/// `NoSuchBucket`.
fn get<T: for<'xml> DeserializeContent<'xml>>(
    store: &Store,
    bucket: &str,
    name: &str,
) -> S3Result<Option<T>> {
    let bucket = store.bucket(bucket)?;
    Ok(bucket.read(|index| index.settings.documents.read(name)))
}

/// Sets a document of a bucket.
fn put<T: SerializeContent>(store: &Store, bucket: &str, name: &str, document: &T) -> S3Result<()> {
    let text = document::write(document)?;
    set(&*store.bucket(bucket)?, [(name, Some(text))])
}

/// Takes a document out, so that the bucket is as if it had never been set.
fn delete(store: &Store, bucket: &str, name: &str) -> S3Result<()> {
    set(&*store.bucket(bucket)?, [(name, None)])
}

/// Sets some documents and takes others out, all at once.
fn set<const N: usize>(bucket: &Bucket, documents: [(&str, Option<String>); N]) -> S3Result<()> {
    bucket.commit(|index, _| {
        let mut settings = Settings::clone(&index.settings);
        for (name, text) in documents {
            settings.documents.set(name, text);
        }
        Ok((Some(Record::Settings(settings)), ()))
    })
}
