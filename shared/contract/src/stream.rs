//! `[streams.NAME]`: how messages become the objects of a batch each. Plain data:
//! the pipeline file is read into it, and the collect stage works by it.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::KeyPart;

/// The message attribute that says which stream a message is for, where a
/// pipeline has several.
pub const STREAM_ATTRIBUTE: &str = "stream";

/// Bytes of a key at most ("Naming Amazon S3 objects" in the Amazon S3 User
/// Guide).
const LONGEST_KEY: usize = 1024;

/// Bytes at most of a message's value that becomes part of a key.
const LONGEST_PART: usize = 128;

/// Names of the values that every batch has.
const OWN_VALUES: [&str; 8] = ["stream", "date", "yyyy", "mm", "dd", "hour", "batch", "unix_us"];

/// Messages that become objects, in batches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// Its name.
    pub name: String,
    /// The bucket of the objects.
    pub bucket: String,
    /// The bucket in which a batch lies until it is published.
    pub staging: String,
    /// The objects' key.
    pub key: Vec<KeyPart>,
    /// How an object holds its messages.
    pub format: StreamFormat,
    /// How an object is compressed.
    pub compression: StreamCompression,
    /// When a batch is full.
    pub batch: BatchLimits,
    /// By what messages are the same although they were sent twice.
    pub dedupe: Option<MessageIdentity>,
    /// Whether each message stands in an envelope, beside what is known of it.
    pub envelope: bool,
    /// How long it is remembered which messages were collected.
    pub remember: Duration,
}

/// How an object holds its messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StreamFormat {
    /// A line each.
    #[default]
    Ndjson,
    /// One array of all.
    Json,
}

impl StreamFormat {
    /// The name in the pipeline file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Json => "json",
        }
    }
}

/// How an object is compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StreamCompression {
    /// Not at all.
    #[default]
    None,
    /// gzip (RFC 1952).
    Gzip,
    /// Zstandard (RFC 8878).
    Zstd,
}

/// When a batch is full: whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    /// Messages.
    pub count: usize,
    /// Bytes of the messages, before compression.
    pub bytes: usize,
    /// Time since its first message.
    pub age: Duration,
}

/// Where a message says who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageIdentity {
    /// In a member of its body, by the path to it.
    Field(String),
    /// In a message attribute.
    Attribute(String),
}

impl Stream {
    /// What every key begins with.
    pub fn literal_prefix(&self) -> &str {
        match self.key.first() {
            Some(KeyPart::Text(text)) => text,
            Some(KeyPart::Value(_)) | None => "",
        }
    }

    /// What the keys of its batches begin with where they lie until they are
    /// published.
    pub fn staged_prefix(&self) -> String {
        format!("_collect/{}/", self.name)
    }

    /// The names of the values in the key that are members of the message, each
    /// once.
    pub fn fields(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for part in &self.key {
            if let KeyPart::Value(name) = part
                && !OWN_VALUES.contains(&name.as_str())
                && !names.contains(&name.as_str())
            {
                names.push(name);
            }
        }
        names
    }

    /// Whether the key has the value of this name in it.
    pub fn has_value(&self, name: &str) -> bool {
        self.key.iter().any(|part| matches!(part, KeyPart::Value(value) if value == name))
    }

    /// The key of a batch that was closed at a moment; `fields` are the values of
    /// [`Stream::fields`], in their order.
    ///
    /// # Errors
    /// A key that is too long, in words.
    pub fn key(
        &self,
        batch: &str,
        closed_at: DateTime<Utc>,
        fields: &[String],
    ) -> Result<String, String> {
        let time = |format: &str| closed_at.format(format).to_string();
        let own = [
            ("stream", self.name.clone()),
            ("date", time("%Y-%m-%d")),
            ("yyyy", time("%Y")),
            ("mm", time("%m")),
            ("dd", time("%d")),
            ("hour", time("%H")),
            ("batch", batch.to_owned()),
            ("unix_us", closed_at.timestamp_micros().to_string()),
        ];
        let mut values: BTreeMap<&str, &str> =
            own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        values.extend(self.fields().into_iter().zip(fields.iter().map(String::as_str)));
        let part = |part: &KeyPart| match part {
            KeyPart::Text(text) => text.clone(),
            KeyPart::Value(name) => values.get(name.as_str()).copied().unwrap_or_default().into(),
        };
        let key: String = self.key.iter().map(part).collect();
        match key.len() > LONGEST_KEY {
            true => {
                Err(format!("its key would have {} bytes, and S3 takes {LONGEST_KEY}", key.len()))
            }
            false => Ok(key),
        }
    }

    /// A key as one of the stream's objects would have, every member of a message
    /// being `x`.
    pub fn example_key(&self) -> String {
        let fields = vec!["x".to_owned(); self.fields().len()];
        self.key("0", DateTime::UNIX_EPOCH, &fields).unwrap_or_default()
    }
}

/// Whether a member's value can be a part of a key.
///
/// # Errors
/// Why not, in words.
pub fn check_key_part(name: &str, value: &str) -> Result<(), String> {
    let is_wrong = |c: char| c.is_control() || matches!(c, '/' | '\\');
    let why = match value {
        "" => "it is empty",
        "." | ".." => "it is a folder's name for itself or its parent",
        value if value.len() > LONGEST_PART => "it has more than 128 bytes",
        value if value.contains(is_wrong) => "it has a `/`, a `\\` or a control character in it",
        _ => return Ok(()),
    };
    let shown: String = value.chars().take(60).collect();
    Err(format!("`{}` of `{name}` can't be part of a key: {why}", shown.escape_debug()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> Stream {
        let text = |text: &str| KeyPart::Text(text.into());
        let value = |name: &str| KeyPart::Value(name.into());
        Stream {
            name: "game".into(),
            bucket: "raw".into(),
            staging: "lake".into(),
            key: vec![
                text("raw/"),
                value("name"),
                text("/"),
                value("yyyy"),
                text("/"),
                value("batch"),
                text("_"),
                value("unix_us"),
                text(".ndjson"),
            ],
            format: StreamFormat::Ndjson,
            compression: StreamCompression::None,
            batch: BatchLimits { count: 1, bytes: 1, age: Duration::ZERO },
            dedupe: None,
            envelope: false,
            remember: Duration::ZERO,
        }
    }

    #[test]
    fn a_key_follows_from_batch_moment_and_message() {
        let stream = stream();
        assert_eq!(stream.fields(), ["name"]);
        let at = DateTime::from_timestamp_micros(1_700_000_000_000_001).expect("a time");
        let key = stream.key("b1", at, &["lib.server.lobby".into()]).expect("a key");
        assert_eq!(key, "raw/lib.server.lobby/2023/b1_1700000000000001.ndjson");
        assert_eq!(stream.literal_prefix(), "raw/");
        let long = Stream { key: vec![KeyPart::Text("x".repeat(1025))], ..stream };
        assert!(long.key("b", at, &[]).is_err());
    }

    #[test]
    fn no_message_leaves_its_folder() {
        for value in ["", ".", "..", "a/b", "a\\b", "a\nb", &"x".repeat(129)] {
            assert!(check_key_part("name", value).is_err(), "{value}");
        }
        for value in ["lib.server.lobby", "a b", "...", "ü", &"x".repeat(128)] {
            assert_eq!(check_key_part("name", value), Ok(()), "{value}");
        }
    }
}
