//! `ListObjects`, both versions of it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as TOKEN;
use s3s::dto::{
    self, CommonPrefix, EncodingType, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input,
    ListObjectsV2Output, ObjectStorageClass, Owner,
};
use s3s::{S3Request, S3Result, s3_error};

use super::bucket::owner;
use super::{Answer, answer};
use crate::s3::bucket::Bucket;
use crate::s3::event::encode_key;
use crate::s3::listing::{self, Entry, From, Walk};
use crate::s3::object::{Object, Version};
use crate::s3::store::Store;

/// Lists objects, from a marker on.
pub(in crate::s3) async fn list_objects(
    store: &Arc<Store>,
    request: S3Request<ListObjectsInput>,
) -> Answer<ListObjectsOutput> {
    let input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    let max_keys = listing::limit(input.max_keys)?;
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let walk = Walk {
        prefix: input.prefix.as_deref().unwrap_or_default(),
        delimiter: input.delimiter.as_deref(),
        from: input.marker.as_deref().map_or(From::Start, From::After),
        limit: max_keys as usize,
    };
    let page = objects(&bucket, &walk, encoding, Some(&owner(store)));
    let next = page.last.filter(|_| page.truncated && input.delimiter.is_some());
    answer(ListObjectsOutput {
        name: Some(input.bucket),
        prefix: encoding.apply(input.prefix.or_else(|| Some(String::new()))),
        marker: encoding.apply(input.marker.or_else(|| Some(String::new()))),
        max_keys: Some(max_keys),
        is_truncated: Some(page.truncated),
        contents: Some(page.contents),
        common_prefixes: Some(page.prefixes),
        delimiter: encoding.apply(input.delimiter),
        next_marker: encoding.apply(next),
        encoding_type: input.encoding_type,
        request_charged: None,
    })
}

/// Lists objects, from a continuation token on.
pub(in crate::s3) async fn list_objects_v2(
    store: &Arc<Store>,
    request: S3Request<ListObjectsV2Input>,
) -> Answer<ListObjectsV2Output> {
    let input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    let max_keys = listing::limit(input.max_keys)?;
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let token = input.continuation_token.as_deref().map(read_token).transpose()?;
    let after = token.as_deref().or(input.start_after.as_deref());
    let walk = Walk {
        prefix: input.prefix.as_deref().unwrap_or_default(),
        delimiter: input.delimiter.as_deref(),
        from: after.map_or(From::Start, From::After),
        limit: max_keys as usize,
    };
    let owner = input.fetch_owner.unwrap_or(false).then(|| owner(store));
    let page = objects(&bucket, &walk, encoding, owner.as_ref());
    let count = page.contents.len() + page.prefixes.len();
    answer(ListObjectsV2Output {
        name: Some(input.bucket),
        prefix: encoding.apply(input.prefix.or_else(|| Some(String::new()))),
        max_keys: Some(max_keys),
        key_count: Some(count as i32),
        continuation_token: input.continuation_token,
        is_truncated: Some(page.truncated),
        next_continuation_token: page.last.filter(|_| page.truncated).map(write_token),
        contents: Some(page.contents),
        common_prefixes: Some(page.prefixes),
        delimiter: encoding.apply(input.delimiter),
        encoding_type: input.encoding_type,
        start_after: encoding.apply(input.start_after),
        request_charged: None,
    })
}

fn write_token(last: String) -> String {
    TOKEN.encode(last)
}

fn read_token(token: &str) -> S3Result<String> {
    let bytes = TOKEN.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    bytes.ok_or_else(|| s3_error!(InvalidArgument, "The continuation token provided is incorrect"))
}

struct Objects {
    contents: Vec<dto::Object>,
    prefixes: Vec<CommonPrefix>,
    last: Option<String>,
    truncated: bool,
}

fn objects(bucket: &Bucket, walk: &Walk<'_>, encoding: Encoding, owner: Option<&Owner>) -> Objects {
    bucket.read(|index| {
        let page = walk.page(&index.objects, |versions| {
            let current = versions.last()?;
            Some((current, current.object.as_deref()?))
        });
        let (mut contents, mut prefixes) = (Vec::new(), Vec::new());
        let last = page.entries.last().map(|entry| entry.name().to_owned());
        for entry in page.entries {
            match entry {
                Entry::Key(key, (version, object)) => {
                    contents.push(shown(encoding.apply_to(key), version, object, owner));
                }
                Entry::Prefix(prefix) => prefixes.push(encoding.prefix(prefix)),
            }
        }
        Objects { contents, prefixes, last, truncated: page.truncated }
    })
}

fn shown(key: String, version: &Version, object: &Object, owner: Option<&Owner>) -> dto::Object {
    let class = object.headers.get("x-amz-storage-class");
    dto::Object {
        checksum_algorithm: object
            .checksum
            .as_ref()
            .map(|checksum| vec![dto::ChecksumAlgorithm::from_static(checksum.algorithm.name())]),
        checksum_type: object.checksum.as_ref().map(|checksum| checksum.kind()),
        e_tag: Some(object.etag.to_dto()),
        key: Some(key),
        last_modified: Some(version.last_modified()),
        owner: owner.cloned(),
        restore_status: None,
        size: Some(object.size as i64),
        storage_class: Some(match class {
            Some(class) => ObjectStorageClass::from(class),
            None => ObjectStorageClass::from_static(ObjectStorageClass::STANDARD),
        }),
    }
}

/// How keys are written in a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// As they are.
    Plain,
    /// Form-encoded, for keys that XML can't carry.
    Url,
}

impl Encoding {
    /// What a request asks for.
    ///
    /// # Errors
    /// `InvalidArgument` if it is neither nothing nor `url`.
    pub(super) fn of(asked: Option<&EncodingType>) -> S3Result<Self> {
        match asked.map(EncodingType::as_str) {
            None => Ok(Self::Plain),
            Some(EncodingType::URL) => Ok(Self::Url),
            Some(_) => {
                Err(s3_error!(InvalidArgument, "Invalid Encoding Method specified in Request"))
            }
        }
    }

    /// Encodes a key, a prefix or a marker.
    pub(super) fn apply_to(self, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Url => encode_key(text),
        }
    }

    /// Encodes what is there.
    pub(super) fn apply(self, text: Option<String>) -> Option<String> {
        text.map(|text| self.apply_to(&text))
    }

    /// Encodes a folded prefix.
    pub(super) fn prefix(self, prefix: &str) -> CommonPrefix {
        CommonPrefix { prefix: Some(self.apply_to(prefix)) }
    }
}
