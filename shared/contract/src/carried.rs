//! A small object that travels in the message that names it, so that its reader
//! need not fetch it.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The bytes of an object, as base64 in JSON.
#[derive(Clone, PartialEq, Eq)]
pub struct Carried(pub Bytes);

impl Carried {
    /// The most bytes that the objects of one message may have together. Ten such
    /// messages, as base64, fit a request of the 256 KiB that older queues allow.
    pub const MOST_BYTES: usize = 16 * 1024;
}

impl fmt::Debug for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Carried({} bytes)", self.0.len())
    }
}

impl Serialize for Carried {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Carried {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Base64)
    }
}

/// Reads base64 where it stands in the message.
struct Base64;

impl Visitor<'_> for Base64 {
    type Value = Carried;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object as base64")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Carried, E> {
        BASE64_STANDARD.decode(text).map(|bytes| Carried(bytes.into())).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_read_back_as_they_were() {
        let carried = Carried(Bytes::from_static(b"PAR1\x00\xff"));
        let json = serde_json::to_string(&carried).expect("text");
        assert_eq!(json, "\"UEFSMQD/\"");
        assert_eq!(serde_json::from_str::<Carried>(&json).expect("bytes"), carried);
        assert!(serde_json::from_str::<Carried>("\"no base64\"").is_err());
    }

    #[test]
    fn a_log_says_how_many_and_not_which() {
        assert_eq!(format!("{:?}", Carried(Bytes::from_static(b"abc"))), "Carried(3 bytes)");
    }
}
