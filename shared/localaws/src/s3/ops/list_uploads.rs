//! `ListMultipartUploads`: uploads under way, by key and then by age.

use std::collections::BTreeMap;
use std::sync::Arc;

use s3s::S3Request;
use s3s::dto::{
    self, Initiator, ListMultipartUploadsInput, ListMultipartUploadsOutput, MultipartUpload,
};

use super::bucket::owner;
use super::list::Encoding;
use super::multipart::checksum_type;
use super::{Answer, answer};
use crate::s3::index::{Index, Key};
use crate::s3::listing::{self, Entry, From, Walk};
use crate::s3::object::timestamp;
use crate::s3::record::Upload;
use crate::s3::store::Store;

/// Lists uploads.
pub(in crate::s3) async fn list_multipart_uploads(
    store: &Arc<Store>,
    request: S3Request<ListMultipartUploadsInput>,
) -> Answer<ListMultipartUploadsOutput> {
    let input = request.input;
    let bucket = store.bucket(&input.bucket)?;
    let max_uploads = listing::limit(input.max_uploads)?;
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let key_marker = input.key_marker.as_deref().filter(|key| !key.is_empty());
    let id_marker = input.upload_id_marker.as_deref().filter(|_| key_marker.is_some());
    let walk = Walk {
        prefix: input.prefix.as_deref().unwrap_or_default(),
        delimiter: input.delimiter.as_deref(),
        from: match (key_marker, id_marker) {
            (Some(key), Some(_)) => From::At(key),
            (Some(key), None) => From::After(key),
            (None, _) => From::Start,
        },
        limit: usize::MAX,
    };
    let owner = owner(store);
    let shown = bucket.read(|index| {
        let mut shown = Shown::default();
        let by_key = by_key(index);
        for entry in walk.page(&by_key, Some).entries {
            match entry {
                Entry::Prefix(prefix) => shown.entries.push((prefix.to_owned(), None)),
                Entry::Key(key, uploads) => {
                    let past = id_marker.filter(|_| key_marker == Some(key)).unwrap_or_default();
                    let uploads = uploads.iter().filter(|(id, _)| **id > *past);
                    shown.entries.extend(uploads.map(|(id, upload)| {
                        (key.to_owned(), Some(self::shown(id, upload, encoding, &owner)))
                    }));
                }
            }
        }
        shown.cut(max_uploads as usize)
    });
    let (next_key, next_id) = shown.next.clone().unzip();
    let (uploads, prefixes) = shown.split(encoding);
    answer(ListMultipartUploadsOutput {
        bucket: Some(input.bucket),
        common_prefixes: Some(prefixes),
        delimiter: encoding.apply(input.delimiter),
        encoding_type: input.encoding_type,
        is_truncated: Some(next_key.is_some()),
        key_marker: encoding.apply(input.key_marker),
        max_uploads: Some(max_uploads),
        next_key_marker: encoding.apply(next_key),
        next_upload_id_marker: next_id.flatten(),
        prefix: encoding.apply(input.prefix),
        request_charged: None,
        upload_id_marker: input.upload_id_marker,
        uploads: Some(uploads),
    })
}

type ByKey<'a> = BTreeMap<Key, Vec<(&'a str, &'a Upload)>>;

fn by_key(index: &Index) -> ByKey<'_> {
    let mut by_key = ByKey::new();
    for (id, upload) in &index.uploads {
        by_key.entry(Key::new(upload.key.clone())).or_default().push((id, upload));
    }
    by_key
}

#[derive(Default)]
struct Shown {
    entries: Vec<(String, Option<MultipartUpload>)>,
    next: Option<(String, Option<String>)>,
}

impl Shown {
    fn cut(mut self, limit: usize) -> Self {
        if self.entries.len() > limit && limit > 0 {
            self.entries.truncate(limit);
            self.next = self.entries.last().map(|(key, upload)| {
                (key.clone(), upload.as_ref().and_then(|upload| upload.upload_id.clone()))
            });
        }
        self.entries.truncate(limit);
        self
    }

    fn split(self, encoding: Encoding) -> (Vec<MultipartUpload>, Vec<dto::CommonPrefix>) {
        let (mut uploads, mut prefixes) = (Vec::new(), Vec::new());
        for (name, upload) in self.entries {
            match upload {
                Some(upload) => uploads.push(upload),
                None => prefixes.push(encoding.prefix(&name)),
            }
        }
        (uploads, prefixes)
    }
}

fn shown(id: &str, upload: &Upload, encoding: Encoding, owner: &dto::Owner) -> MultipartUpload {
    let class = upload.headers.get("x-amz-storage-class");
    MultipartUpload {
        checksum_algorithm: upload
            .checksum_asked
            .then(|| dto::ChecksumAlgorithm::from_static(upload.algorithm.name())),
        checksum_type: upload.checksum_asked.then(|| checksum_type(upload.composite)),
        initiated: Some(timestamp(upload.initiated)),
        initiator: Some(Initiator { display_name: None, id: owner.id.clone() }),
        key: Some(encoding.apply_to(&upload.key)),
        owner: Some(owner.clone()),
        storage_class: Some(dto::StorageClass::from(class.unwrap_or_else(|| "STANDARD".into()))),
        upload_id: Some(id.to_owned()),
    }
}
