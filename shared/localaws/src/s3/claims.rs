//! What a request says about its body, to be held against the body received.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper::HeaderMap;
use s3s::crypto::{Checksum as _, Md5, Sha256};
use s3s::{S3ErrorCode, S3Result, s3_error};

use super::checksum::{self, Algorithm, Checksum, Hasher};
use super::chunked::Trailers;
use super::error;
use super::etag::Etag;

/// The digests a request gives for its body.
#[derive(Debug, Default)]
pub(super) struct Claims {
    md5: Option<[u8; 16]>,
    /// `x-amz-content-sha256`, where the client signed the body.
    payload: Option<String>,
    /// The checksum to compute, and what it must be if that is known before
    /// the body.
    checksum: Option<(Algorithm, Option<Box<str>>)>,
    /// Where the checksum stands if it comes after the body.
    trailers: Option<Trailers>,
}

impl Claims {
    /// Reads them from a request's headers; `given` are its checksums.
    pub(super) fn read<'a>(
        headers: &HeaderMap,
        content_md5: Option<&str>,
        given: impl Iterator<Item = (Algorithm, &'a str)>,
        trailers: Option<Trailers>,
    ) -> S3Result<Self> {
        let md5 = content_md5.map(parse_md5).transpose()?;
        let payload = header(headers, "x-amz-content-sha256")
            .filter(|hash| hash.len() == 64)
            .map(str::to_ascii_lowercase);
        let checksum = match sole(given)? {
            Some(given) => Some(given),
            None => announced(headers)?.map(|algorithm| (algorithm, None)),
        };
        Ok(Self { md5, payload, checksum, trailers })
    }

    /// The checksum to compute: the client's choice, or else `default`.
    pub(super) fn algorithm_or(&self, default: Algorithm) -> Algorithm {
        self.checksum.as_ref().map_or(default, |(algorithm, _)| *algorithm)
    }

    /// Holds them against the body.
    ///
    /// # Errors
    /// `BadDigest`, `XAmzContentSHA256Mismatch` or `InvalidRequest`.
    pub(super) fn check(&self, body: &Digest) -> S3Result<()> {
        if self.md5.is_some_and(|md5| md5 != body.md5) {
            return Err(error::bad_digest("Content-MD5"));
        }
        if self.payload.is_some() && self.payload != body.payload {
            return Err(error::payload_mismatch());
        }
        match self.expected()? {
            Some((algorithm, value)) if body.checksum_of(algorithm).as_deref() != Some(&*value) => {
                Err(error::bad_digest(algorithm.name()))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn expected(&self) -> S3Result<Option<(Algorithm, Box<str>)>> {
        if let Some((algorithm, Some(value))) = &self.checksum {
            return Ok(Some((*algorithm, value.clone())));
        }
        let trailers = self.trailers.as_ref();
        let given = Algorithm::ALL
            .into_iter()
            .filter_map(|algorithm| Some((algorithm, trailers?.get(algorithm.header())?)));
        let given: Vec<_> = given.collect();
        let given = sole(given.iter().map(|(algorithm, value)| (*algorithm, &**value)))?;
        Ok(given.and_then(|(algorithm, value)| Some((algorithm, value?))))
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn parse_md5(text: &str) -> S3Result<[u8; 16]> {
    let bytes = BASE64.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| s3_error!(InvalidDigest, "The Content-MD5 you specified was invalid."))
}

fn sole<'a>(
    mut given: impl Iterator<Item = (Algorithm, &'a str)>,
) -> S3Result<Option<(Algorithm, Option<Box<str>>)>> {
    let Some((algorithm, value)) = given.next() else { return Ok(None) };
    if given.next().is_some() {
        return Err(s3_error!(
            InvalidRequest,
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        ));
    }
    if !checksum::is_well_formed(algorithm, value) {
        let header = algorithm.header();
        return Err(s3_error!(InvalidRequest, "Value for {header} header is invalid."));
    }
    Ok(Some((algorithm, Some(value.into()))))
}

/// The algorithm of a checksum that comes after the body, or that the client
/// leaves to the server.
fn announced(headers: &HeaderMap) -> S3Result<Option<Algorithm>> {
    let trailer = header(headers, "x-amz-trailer").and_then(|names| {
        let mut names = names.split(',').map(str::trim);
        names.find_map(|name| {
            Algorithm::ALL.into_iter().find(|algorithm| algorithm.header() == name)
        })
    });
    if trailer.is_some() {
        return Ok(trailer);
    }
    let name = header(headers, "x-amz-sdk-checksum-algorithm")
        .or_else(|| header(headers, "x-amz-checksum-algorithm"));
    name.map(parse_algorithm).transpose()
}

/// The algorithm of this name.
///
/// # Errors
/// `InvalidRequest` if there is none.
pub(super) fn parse_algorithm(name: &str) -> S3Result<Algorithm> {
    Algorithm::named(name).ok_or_else(|| {
        s3s::S3Error::with_message(
            S3ErrorCode::InvalidRequest,
            "Checksum algorithm provided is unsupported. Please try again with any of the valid \
             types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]",
        )
    })
}

/// The digests of a body that was received.
#[derive(Debug)]
pub(super) struct Digest {
    md5: [u8; 16],
    payload: Option<String>,
    /// The additional checksum.
    pub(super) checksum: Checksum,
    /// The checksum of the client's choice, where that is another.
    pub(super) claimed: Option<Checksum>,
}

impl Digest {
    /// The entity tag of these bytes.
    pub(super) fn etag(&self) -> Etag {
        Etag::whole(self.md5)
    }

    fn checksum_of(&self, algorithm: Algorithm) -> Option<String> {
        let computed = std::iter::once(&self.checksum).chain(&self.claimed);
        computed.filter_map(|checksum| checksum.of(algorithm)).next()
    }
}

/// Digests being computed.
pub(super) struct Digester {
    md5: Md5,
    payload: Option<Sha256>,
    checksum: (Algorithm, Hasher),
    claimed: Option<(Algorithm, Hasher)>,
}

impl Digester {
    /// What the claims need, and a checksum of this algorithm.
    pub(super) fn new(claims: &Claims, algorithm: Algorithm) -> Self {
        let claimed = claims.checksum.as_ref().map(|(claimed, _)| *claimed);
        let claimed = claimed.filter(|claimed| *claimed != algorithm);
        Self {
            md5: Md5::new(),
            payload: claims.payload.as_ref().map(|_| Sha256::new()),
            checksum: (algorithm, Hasher::new(algorithm)),
            claimed: claimed.map(|claimed| (claimed, Hasher::new(claimed))),
        }
    }

    /// Takes in more bytes.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        if let Some(payload) = &mut self.payload {
            payload.update(bytes);
        }
        self.checksum.1.update(bytes);
        if let Some((_, claimed)) = &mut self.claimed {
            claimed.update(bytes);
        }
    }

    /// The digests.
    pub(super) fn finish(self) -> Digest {
        let payload = self.payload.map(|hasher| {
            hasher.finalize().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
        });
        let finish = |(algorithm, hasher): (_, Hasher)| Checksum::full(algorithm, &hasher.finish());
        Digest {
            md5: self.md5.finalize(),
            payload,
            checksum: finish(self.checksum),
            claimed: self.claimed.map(finish),
        }
    }
}
