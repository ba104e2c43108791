//! Entity tags: the MD5 of the bytes, or of the parts' MD5s with their number.

use std::fmt;
use std::str::FromStr;

use s3s::crypto::{Checksum as _, Md5};
use serde::{Deserialize, Serialize};

/// An object's or part's entity tag, without quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(super) struct Etag {
    md5: [u8; 16],
    parts: u16,
}

impl Etag {
    /// The tag of bytes with this MD5, uploaded in one go.
    pub(super) fn whole(md5: [u8; 16]) -> Self {
        Self { md5, parts: 0 }
    }

    /// The tag of an object put together from parts with these tags.
    pub(super) fn of_parts<'a>(parts: impl Iterator<Item = &'a Self>) -> Self {
        let mut hasher = Md5::new();
        let mut count = 0;
        for part in parts {
            hasher.update(&part.md5);
            count += 1;
        }
        Self { md5: hasher.finalize(), parts: count }
    }

    /// How many parts the object was uploaded in; none for a plain upload.
    pub(super) fn parts(self) -> Option<u16> {
        (self.parts > 0).then_some(self.parts)
    }

    /// As the responses carry it.
    pub(super) fn to_dto(self) -> s3s::dto::ETag {
        s3s::dto::ETag::Strong(self.to_string())
    }

    /// Whether a client's tag names this one.
    pub(super) fn matches(self, tag: &s3s::dto::ETag) -> bool {
        tag.value().parse() == Ok(self)
    }
}

impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.md5))?;
        match self.parts {
            0 => Ok(()),
            parts => write!(f, "-{parts}"),
        }
    }
}

/// Not an entity tag of ours.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an entity tag")]
pub(super) struct NotAnEtag(String);

impl FromStr for Etag {
    type Err = NotAnEtag;

    fn from_str(text: &str) -> Result<Self, NotAnEtag> {
        let wrong = || NotAnEtag(text.to_owned());
        let (md5, parts) = match text.split_once('-') {
            Some((md5, parts)) => (md5, parts.parse().map_err(|_| wrong())?),
            None => (text, 0),
        };
        if md5.len() != 32 {
            return Err(wrong());
        }
        let md5 = u128::from_str_radix(md5, 16).map_err(|_| wrong())?;
        Ok(Self { md5: md5.to_be_bytes(), parts })
    }
}

impl From<Etag> for String {
    fn from(etag: Etag) -> Self {
        etag.to_string()
    }
}

impl TryFrom<String> for Etag {
    type Error = NotAnEtag;

    fn try_from(text: String) -> Result<Self, NotAnEtag> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_read_back_as_written() {
        for text in ["d41d8cd98f00b204e9800998ecf8427e", "00000000000000000000000000000001-17"] {
            assert_eq!(text.parse::<Etag>().unwrap().to_string(), text);
        }
        assert!("d41d8cd98f00b204".parse::<Etag>().is_err());
    }

    #[test]
    fn a_multipart_tag_hashes_the_parts_tags() {
        let part = Etag::whole(Md5::checksum(b"a"));
        let tag = Etag::of_parts([part, part].iter());
        let expected = Md5::checksum(&[Md5::checksum(b"a"), Md5::checksum(b"a")].concat());
        assert_eq!(tag.to_string(), format!("{:032x}-2", u128::from_be_bytes(expected)));
        assert_eq!(tag.parts(), Some(2));
    }
}
