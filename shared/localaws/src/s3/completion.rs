//! Puts an object together from the parts of an upload, without moving a byte:
//! the object is the list of its parts' content files.

use s3s::dto::CompletedPart;
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use super::checksum::{Algorithm, Checksum, given_checksums};
use super::error;
use super::etag::Etag;
use super::object::Object;
use super::record::{Part, Upload};

/// Every part but the last has at least this length.
const MIN_PART: u64 = 5 << 20;

/// The object that the parts `asked` for make up.
///
/// # Errors
/// `MalformedXML`, `InvalidPart`, `InvalidPartOrder` or `EntityTooSmall`.
pub(super) fn object(upload: &Upload, asked: &[CompletedPart]) -> S3Result<Object> {
    let parts = asked.iter().map(|part| find(upload, part)).collect::<S3Result<Vec<_>>>()?;
    let Some((_, but_last)) = parts.split_last() else {
        return Err(S3Error::new(S3ErrorCode::MalformedXML));
    };
    if !asked.is_sorted_by(|a, b| a.part_number < b.part_number) {
        return Err(s3_error!(
            InvalidPartOrder,
            "The list of parts was not in ascending order. The parts list must be specified in \
             order by part number."
        ));
    }
    if let Some(at) = but_last.iter().position(|part| part.blob.len() < MIN_PART) {
        return Err(s3_error!(
            EntityTooSmall,
            "Your proposed upload is smaller than the minimum allowed size: part {} has {} bytes, \
             and only the last may have less than {MIN_PART}",
            asked[at].part_number.unwrap_or_default(),
            parts[at].blob.len()
        ));
    }
    Ok(Object {
        etag: Etag::of_parts(parts.iter().map(|part| &part.etag)),
        size: parts.iter().map(|part| part.blob.len()).sum(),
        blobs: parts.iter().map(|part| part.blob.clone()).collect(),
        checksum: checksum(upload, &parts),
        part_checksums: match upload.checksum_asked {
            true => parts.iter().map(|part| part.checksum.value.clone()).collect(),
            false => Box::default(),
        },
        headers: upload.headers.clone(),
        tags: upload.tags.clone(),
    })
}

fn checksum(upload: &Upload, parts: &[&Part]) -> Option<Checksum> {
    let checksums = parts.iter().map(|part| &part.checksum);
    match upload.composite {
        true => Some(Checksum::composite(upload.algorithm, checksums)),
        false => {
            let lengths = parts.iter().map(|part| part.blob.len());
            Checksum::concatenated(upload.algorithm, checksums.zip(lengths))
        }
    }
}

fn find<'a>(upload: &'a Upload, asked: &CompletedPart) -> S3Result<&'a Part> {
    let number = asked.part_number.and_then(|number| u16::try_from(number).ok());
    let part = number.and_then(|number| upload.parts.get(&number));
    let part = part.filter(|part| asked.e_tag.as_ref().is_some_and(|tag| part.etag.matches(tag)));
    let same = |part: &&Part| {
        given_checksums!(asked).all(|(algorithm, value)| match part.checksum.of(algorithm) {
            Some(stored) => stored == value,
            None => true,
        })
    };
    part.filter(same).ok_or_else(|| {
        s3_error!(
            InvalidPart,
            "One or more of the specified parts could not be found. The part may not have been \
             uploaded, or the specified entity tag may not match the part's entity tag: part {}",
            asked.part_number.unwrap_or_default()
        )
    })
}

/// Holds what the client says of the whole object against it.
///
/// # Errors
/// `BadDigest` or `InvalidRequest`.
pub(super) fn check(
    object: &Object,
    claimed: &[(Algorithm, Box<str>)],
    size: Option<i64>,
) -> S3Result<()> {
    if size.is_some_and(|size| u64::try_from(size) != Ok(object.size)) {
        return Err(s3_error!(
            InvalidRequest,
            "The provided 'x-amz-mp-object-size' header value {} does not match what was \
             computed: {}",
            size.unwrap_or_default(),
            object.size
        ));
    }
    for (algorithm, value) in claimed {
        let computed = object.checksum.as_ref().and_then(|checksum| checksum.of(*algorithm));
        if computed.is_some_and(|computed| computed != **value) {
            return Err(error::bad_digest(algorithm.name()));
        }
    }
    Ok(())
}
