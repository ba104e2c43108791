//! The additional checksums: CRC32, CRC32C, CRC64NVME, SHA1, SHA256.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crc_fast::CrcAlgorithm;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};
use serde::{Deserialize, Serialize};

/// A checksum algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Algorithm {
    /// CRC-32, as in zip.
    #[serde(rename = "CRC32")]
    Crc32,
    /// CRC-32C, Castagnoli.
    #[serde(rename = "CRC32C")]
    Crc32c,
    /// CRC-64/NVME: what S3 computes where the client asks for nothing.
    #[serde(rename = "CRC64NVME")]
    Crc64Nvme,
    /// SHA-1.
    #[serde(rename = "SHA1")]
    Sha1,
    /// SHA-256.
    #[serde(rename = "SHA256")]
    Sha256,
}

impl Algorithm {
    /// Every algorithm.
    pub(super) const ALL: [Self; 5] =
        [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256];

    /// The name in `x-amz-sdk-checksum-algorithm` and in listings.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// The algorithm of this name, in any letter case.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// The header or trailer that carries a checksum of this algorithm.
    pub(super) fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// Length of a checksum in bytes.
    fn len(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// The CRC, where it is one: those of parts add up to that of the whole.
    pub(super) fn crc(self) -> Option<CrcAlgorithm> {
        match self {
            Self::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Self::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            Self::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
            Self::Sha1 | Self::Sha256 => None,
        }
    }
}

/// A checksum of an object or a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checksum {
    /// How it was computed.
    pub(super) algorithm: Algorithm,
    /// Base64 of the bytes; with `-N` behind it if composed of N parts'.
    pub(super) value: Box<str>,
}

impl Checksum {
    /// The checksum whose bytes these are.
    pub(super) fn full(algorithm: Algorithm, bytes: &[u8]) -> Self {
        Self { algorithm, value: BASE64.encode(bytes).into() }
    }

    /// The checksum of the checksums of parts.
    pub(super) fn composite<'a>(
        algorithm: Algorithm,
        parts: impl Iterator<Item = &'a Self>,
    ) -> Self {
        let mut hasher = Hasher::new(algorithm);
        let mut count = 0;
        for part in parts {
            hasher.update(&part.bytes());
            count += 1;
        }
        let value = format!("{}-{count}", BASE64.encode(hasher.finish()));
        Self { algorithm, value: value.into() }
    }

    /// The checksum of parts one after the other, from theirs and their
    /// lengths; none if the algorithm is not a CRC.
    pub(super) fn concatenated<'a>(
        algorithm: Algorithm,
        mut parts: impl Iterator<Item = (&'a Self, u64)>,
    ) -> Option<Self> {
        let crc = algorithm.crc()?;
        let (first, _) = parts.next()?;
        let whole = parts.fold(first.number(), |sum, (part, len)| {
            crc_fast::checksum_combine(crc, sum, part.number(), len)
        });
        Some(Self::full(algorithm, &whole.to_be_bytes()[8 - algorithm.len()..]))
    }

    /// Whether it is a checksum of checksums.
    pub(super) fn is_composite(&self) -> bool {
        self.value.contains('-')
    }

    /// `FULL_OBJECT` or `COMPOSITE`.
    pub(super) fn kind(&self) -> s3s::dto::ChecksumType {
        s3s::dto::ChecksumType::from_static(match self.is_composite() {
            true => s3s::dto::ChecksumType::COMPOSITE,
            false => s3s::dto::ChecksumType::FULL_OBJECT,
        })
    }

    /// The value, if it is of this algorithm.
    pub(super) fn of(&self, algorithm: Algorithm) -> Option<String> {
        (self.algorithm == algorithm).then(|| self.value.to_string())
    }

    fn bytes(&self) -> Vec<u8> {
        BASE64.decode(self.value.as_bytes()).unwrap_or_default()
    }

    fn number(&self) -> u64 {
        self.bytes().iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

/// Whether `value` can be a checksum of this algorithm at all.
pub(super) fn is_well_formed(algorithm: Algorithm, value: &str) -> bool {
    BASE64.decode(value).is_ok_and(|bytes| bytes.len() == algorithm.len())
}

/// A checksum being computed.
pub(super) enum Hasher {
    /// CRC-32.
    Crc32(Crc32),
    /// CRC-32C.
    Crc32c(Crc32c),
    /// CRC-64/NVME.
    Crc64Nvme(Crc64Nvme),
    /// SHA-1.
    Sha1(Sha1),
    /// SHA-256.
    Sha256(Sha256),
}

impl Hasher {
    /// Of no bytes yet.
    pub(super) fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Crc32 => Self::Crc32(Crc32::new()),
            Algorithm::Crc32c => Self::Crc32c(Crc32c::new()),
            Algorithm::Crc64Nvme => Self::Crc64Nvme(Crc64Nvme::new()),
            Algorithm::Sha1 => Self::Sha1(Sha1::new()),
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
        }
    }

    /// Takes in more bytes.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc32(hasher) => hasher.update(bytes),
            Self::Crc32c(hasher) => hasher.update(bytes),
            Self::Crc64Nvme(hasher) => hasher.update(bytes),
            Self::Sha1(hasher) => hasher.update(bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
        }
    }

    /// The checksum's bytes.
    pub(super) fn finish(self) -> Vec<u8> {
        match self {
            Self::Crc32(hasher) => hasher.finalize().to_vec(),
            Self::Crc32c(hasher) => hasher.finalize().to_vec(),
            Self::Crc64Nvme(hasher) => hasher.finalize().to_vec(),
            Self::Sha1(hasher) => hasher.finalize().to_vec(),
            Self::Sha256(hasher) => hasher.finalize().to_vec(),
        }
    }
}

/// The checksums a request's input carries, each with its algorithm.
macro_rules! given_checksums {
    ($input:expr) => {{
        use $crate::s3::checksum::Algorithm;
        [
            (Algorithm::Crc32, $input.checksum_crc32.as_deref()),
            (Algorithm::Crc32c, $input.checksum_crc32c.as_deref()),
            (Algorithm::Crc64Nvme, $input.checksum_crc64nvme.as_deref()),
            (Algorithm::Sha1, $input.checksum_sha1.as_deref()),
            (Algorithm::Sha256, $input.checksum_sha256.as_deref()),
        ]
        .into_iter()
        .filter_map(|(algorithm, value)| Some((algorithm, value?)))
    }};
}

/// Writes an optional checksum into the five fields of an output.
macro_rules! set_checksum {
    ($output:expr, $checksum:expr) => {
        if let Some(checksum) = $checksum {
            use $crate::s3::checksum::Algorithm;
            $output.checksum_crc32 = checksum.of(Algorithm::Crc32);
            $output.checksum_crc32c = checksum.of(Algorithm::Crc32c);
            $output.checksum_crc64nvme = checksum.of(Algorithm::Crc64Nvme);
            $output.checksum_sha1 = checksum.of(Algorithm::Sha1);
            $output.checksum_sha256 = checksum.of(Algorithm::Sha256);
        }
    };
}

pub(super) use {given_checksums, set_checksum};

#[cfg(test)]
mod tests {
    use super::*;

    fn of(algorithm: Algorithm, bytes: &[u8]) -> Checksum {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(bytes);
        Checksum::full(algorithm, &hasher.finish())
    }

    #[test]
    fn crcs_of_parts_add_up_to_that_of_the_whole() {
        for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
            let parts = [of(algorithm, b"hello, "), of(algorithm, b""), of(algorithm, b"world")];
            let whole = Checksum::concatenated(algorithm, parts.iter().zip([7, 0, 5]));
            assert_eq!(whole, Some(of(algorithm, b"hello, world")));
        }
        assert_eq!(Checksum::concatenated(Algorithm::Sha1, std::iter::empty()), None);
    }

    #[test]
    fn a_known_crc_is_computed() {
        assert_eq!(&*of(Algorithm::Crc32, b"123456789").value, "y/Q5Jg==");
        assert_eq!(&*of(Algorithm::Crc32c, b"123456789").value, "4waSgw==");
        assert_eq!(&*of(Algorithm::Crc64Nvme, b"123456789").value, "rosUhgp5mIg=");
    }

    #[test]
    fn a_composite_names_its_number_of_parts() {
        let part = of(Algorithm::Sha256, b"x");
        let whole = Checksum::composite(Algorithm::Sha256, [&part, &part].into_iter());
        assert!(whole.is_composite());
        assert!(whole.value.ends_with("=-2"));
    }

    #[test]
    fn only_values_of_the_right_length_are_well_formed() {
        assert!(is_well_formed(Algorithm::Crc32, "y/Q5Jg=="));
        assert!(!is_well_formed(Algorithm::Crc32c, "rosUhgp5mIg="));
        assert!(!is_well_formed(Algorithm::Sha1, "not base64"));
    }
}
