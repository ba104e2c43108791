//! One version of one object in S3, and the order in which versions of the
//! same key came about.

use std::cmp::Ordering;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One version of one S3 object: the unit that is registered, transformed and
/// loaded.
///
/// `key` is the real key, decoded from whatever the event carried.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ObjectVersion {
    /// Bucket name, without ARN or path.
    pub bucket: String,
    /// Object key as S3 stores it (not URL-encoded).
    pub key: String,
    /// Version id where the bucket is versioned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// ETag without quotes. Empty if the event carried none.
    #[serde(default)]
    pub etag: String,
    /// S3's event sequencer, which orders the versions of one key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequencer: Option<Sequencer>,
    /// Size in bytes, where the event said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

impl ObjectVersion {
    /// What names this version's content: the version id, or else the ETag.
    pub fn revision(&self) -> &str {
        match &self.version_id {
            Some(id) => id,
            None => &self.etag,
        }
    }

    /// The object as an `s3://bucket/key` URL.
    pub fn url(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }
}

impl fmt::Display for ObjectVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)?;
        match &self.version_id {
            Some(id) => write!(f, "?versionId={id}"),
            None => Ok(()),
        }
    }
}

/// What the sequencers of objects found by listing begin with.
const FOUND: char = '!';

/// S3's sequencer: a hexadecimal string that orders the events of one key.
///
/// Source of the rule: "Event message structure" in the Amazon S3 User Guide:
/// right-pad the shorter value with zeros, then compare lexicographically.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequencer(String);

impl Sequencer {
    /// What stands for the sequencer of an object that was found by listing, which
    /// shows none: the moment at which it was seen to be the key's newest version.
    ///
    /// Whatever was put before that moment is older, whatever was put after it is
    /// newer. S3's own begin with a hexadecimal digit, these with `!`, which sorts
    /// before all of them.
    pub fn found(seen_at: DateTime<Utc>) -> Self {
        Self(format!("{FOUND}{:016X}", seen_at.timestamp_micros()))
    }

    /// The moment at which an object that was found by listing was seen to be its
    /// key's newest version; none for a sequencer of S3's.
    pub fn found_at(&self) -> Option<DateTime<Utc>> {
        let micros = i64::from_str_radix(self.0.strip_prefix(FOUND)?, 16).ok()?;
        DateTime::from_timestamp_micros(micros)
    }

    /// Wraps a sequencer as the event carried it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The sequencer as S3 wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A form whose byte order is the sequencer order, for databases: upper
    /// case, with trailing zeros removed. Those of objects found by listing are in
    /// the order of their moments, before all others.
    pub fn sort_key(&self) -> String {
        if self.0.starts_with(FOUND) {
            return self.0.clone();
        }
        match self.0.trim_end_matches('0') {
            "" => "0".to_owned(),
            digits => digits.to_ascii_uppercase(),
        }
    }
}

impl PartialEq for Sequencer {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Sequencer {}

impl std::hash::Hash for Sequencer {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.sort_key().hash(state);
    }
}

impl PartialOrd for Sequencer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Sequencer {
    fn cmp(&self, other: &Self) -> Ordering {
        self.sort_key().cmp(&other.sort_key())
    }
}

/// Decodes a key from an S3 notification, where it is form-encoded: `+` is a
/// space and `%XX` a byte (`%2B` is a plus sign, `%2F` a slash).
///
/// A `%` that is not followed by two hexadecimal digits stays as it is, and
/// bytes that are not UTF-8 after decoding leave the key as it came.
pub fn decode_key(encoded: &str) -> String {
    let bytes = encoded.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape =
            (bytes[at] == b'%').then(|| bytes.get(at + 1..at + 3)).flatten().and_then(hex_byte);
        match (bytes[at], escape) {
            (_, Some(byte)) => {
                decoded.push(byte);
                at += 3;
            }
            (b'+', None) => {
                decoded.push(b' ');
                at += 1;
            }
            (byte, None) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).unwrap_or_else(|_| encoded.to_owned())
}

/// Encodes a key as S3 does in its notifications, so that [`decode_key`] gives it
/// back.
pub fn encode_key(key: &str) -> String {
    let mut encoded = String::with_capacity(key.len());
    for &byte in key.as_bytes() {
        match byte {
            b' ' => encoded.push('+'),
            b'/' | b'-' | b'_' | b'.' | b'*' => encoded.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => encoded.push(char::from(byte)),
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

fn hex_byte(pair: &[u8]) -> Option<u8> {
    let high = char::from(pair[0]).to_digit(16)?;
    let low = char::from(pair[1]).to_digit(16)?;
    u8::try_from(high * 16 + low).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_form_decoded() {
        for (encoded, key) in [
            ("a+b.csv", "a b.csv"),
            ("a%20b.csv", "a b.csv"),
            ("a%2Bb.csv", "a+b.csv"),
            ("dir%2Ffile.csv", "dir/file.csv"),
            ("caf%C3%A9.csv", "café.csv"),
            ("100%.csv", "100%.csv"),
            ("100%zz.csv", "100%zz.csv"),
            ("naïve.csv", "naïve.csv"),
            ("%FF.csv", "%FF.csv"),
            ("ends%2", "ends%2"),
        ] {
            assert_eq!(decode_key(encoded), key, "{encoded}");
        }
    }

    #[test]
    fn encoded_keys_are_what_they_were_once_decoded() {
        for key in ["a b.csv", "a+b.csv", "a%20b.csv", "dir/é=1/x.csv", "100%", "a\u{1f}\"&<b"] {
            assert_eq!(decode_key(&encode_key(key)), key);
        }
        assert_eq!(encode_key("year=2024/a b.csv"), "year%3D2024/a+b.csv");
    }

    #[test]
    fn what_was_found_is_in_the_order_of_its_moments_before_all_that_was_told() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).expect("a time");
        let (first, second) =
            (Sequencer::found(at(1_700_000_000)), Sequencer::found(at(1_800_000_000)));
        assert!(first < second && second < Sequencer::new("00"));
        assert_eq!(Sequencer::new(second.as_str()).found_at(), Some(at(1_800_000_000)));
        assert_eq!(Sequencer::new("0055AED6DCD90281E5").found_at(), None);
    }

    #[test]
    fn sequencers_compare_as_if_right_padded_with_zeros() {
        let order = |a: &str, b: &str| Sequencer::new(a).cmp(&Sequencer::new(b));
        assert_eq!(order("0055AED6DCD90281E5", "0055AED6DCD90281E6"), Ordering::Less);
        assert_eq!(order("0055AE", "0055AE00"), Ordering::Equal);
        assert_eq!(order("0055AE", "0055AE01"), Ordering::Less);
        assert_eq!(order("00ab", "00AB"), Ordering::Equal);
        assert_eq!(order("1", "09"), Ordering::Greater);
    }
}
