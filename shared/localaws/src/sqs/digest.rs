//! The MD5 digests SQS answers with, which SDKs compare with their own.
//!
//! Source: "Calculating the MD5 message digest for message attributes", SQS
//! Developer Guide.

use md5::{Digest, Md5};
use sha2::Sha256;

use super::message::{Attribute, AttributeValue};

use crate::hex::hex;

/// Digest of a message body.
pub(crate) fn of_body(body: &str) -> [u8; 16] {
    Md5::digest(body.as_bytes()).into()
}

/// Digest of message attributes, which must be in ascending order of names.
pub(crate) fn of_attributes<'a>(attributes: impl IntoIterator<Item = &'a Attribute>) -> [u8; 16] {
    let mut md5 = Md5::new();
    for attribute in attributes {
        update(&mut md5, attribute.name.as_bytes());
        update(&mut md5, attribute.data_type.as_bytes());
        let transport_type = match attribute.value {
            AttributeValue::Text(_) => 1u8,
            AttributeValue::Binary(_) => 2,
        };
        md5.update([transport_type]);
        update(&mut md5, attribute.value.bytes());
    }
    md5.finalize().into()
}

fn update(md5: &mut Md5, part: &[u8]) {
    md5.update((part.len() as u32).to_be_bytes());
    md5.update(part);
}

/// SHA-256 of a body in hexadecimal: its deduplication id by content.
pub(crate) fn sha256_hex(body: &str) -> String {
    hex(&Sha256::digest(body.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_the_md5_everyone_knows() {
        assert_eq!(hex(&of_body("hello")), "5d41402abc4b2a76b9719d911017c592");
    }
}
