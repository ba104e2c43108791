//! What is published, and what it may be.

use serde_json::Value;

use crate::query::QueryError;
use crate::sqs::Attribute;

use super::state::Topic;
use super::{attributes, error, invalid};

/// Bytes of a message with its attributes, and of a whole batch, at most.
pub(super) const MAX_BYTES: usize = 256 << 10;

/// What is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Publication {
    /// The message; with a structure, the JSON of messages by protocol.
    pub(crate) message: String,
    /// Subject.
    pub(crate) subject: Option<String>,
    /// Message attributes, by ascending name.
    pub(crate) attributes: Vec<Attribute>,
    /// Whether each protocol has a message of its own.
    pub(crate) by_protocol: bool,
    /// Message group; FIFO topics need one, fair queues may have one.
    pub(crate) group_id: Option<String>,
    /// Deduplication id, of FIFO topics.
    pub(crate) deduplication_id: Option<String>,
}

impl Publication {
    /// A message and nothing else.
    pub(crate) fn plain(message: String) -> Self {
        Self {
            message,
            subject: None,
            attributes: Vec::new(),
            by_protocol: false,
            group_id: None,
            deduplication_id: None,
        }
    }

    /// Reads the parameters of `Publish`, or of an entry of a batch.
    pub(super) fn read<'a>(
        get: impl Fn(&str) -> Option<&'a str>,
        attributes: Vec<Attribute>,
    ) -> Result<Self, QueryError> {
        let text = |name| get(name).map(str::to_owned);
        let by_protocol = match get("MessageStructure") {
            None | Some("") => false,
            Some("json") => true,
            Some(_) => return Err(invalid("MessageStructure", "it is json or left out")),
        };
        let publication = Self {
            message: text("Message").unwrap_or_default(),
            subject: text("Subject"),
            attributes,
            by_protocol,
            group_id: text("MessageGroupId"),
            deduplication_id: text("MessageDeduplicationId"),
        };
        publication.check()
    }

    fn check(self) -> Result<Self, QueryError> {
        if self.message.is_empty() {
            return Err(error("InvalidParameter", "Invalid parameter: Empty message"));
        }
        if self.size() > MAX_BYTES {
            return Err(error("InvalidParameter", "Invalid parameter: Message too long"));
        }
        if self.subject.as_deref().is_some_and(|subject| !is_subject(subject)) {
            return Err(error("InvalidParameter", "Invalid parameter: Subject"));
        }
        for id in [&self.group_id, &self.deduplication_id].into_iter().flatten() {
            if !is_id(id) {
                let reason = "it is 1 to 128 letters, digits and punctuation marks";
                return Err(invalid("MessageGroupId or MessageDeduplicationId", reason));
            }
        }
        if !self.by_protocol {
            return Ok(self);
        }
        let reason = match serde_json::from_str::<Value>(&self.message) {
            Ok(Value::Object(_)) if self.message_for("default").is_some() => return Ok(self),
            Ok(_) => "No default entry in JSON message body",
            Err(_) => "JSON message body failed to parse",
        };
        let message = format!("Invalid parameter: Message Structure - {reason}");
        Err(error("InvalidParameter", message))
    }

    /// Checks what depends on the kind of topic.
    pub(super) fn check_for(&self, topic: &Topic) -> Result<(), QueryError> {
        let refused =
            |reason: &str| Err(error("InvalidParameter", format!("Invalid parameter: {reason}")));
        match (topic.is_fifo(), &self.group_id, &self.deduplication_id) {
            (true, None, _) => refused("The MessageGroupId parameter is required for FIFO topics"),
            (true, Some(_), None) if !topic.deduplicates_by_content() => refused(
                "The topic should either have ContentBasedDeduplication enabled or \
                 MessageDeduplicationId provided explicitly",
            ),
            (false, _, Some(_)) => refused(
                "MessageDeduplicationId Reason: The request includes MessageDeduplicationId \
                 parameter that is not valid for this topic type",
            ),
            (true, Some(_), _) | (false, _, None) => Ok(()),
        }
    }

    /// Bytes of the message and its attributes.
    pub(super) fn size(&self) -> usize {
        let attribute = |attribute: &Attribute| {
            attribute.name.len() + attribute.data_type.len() + attribute.value.bytes().len()
        };
        self.message.len() + self.attributes.iter().map(attribute).sum::<usize>()
    }

    /// What it says to subscribers of `protocol`.
    pub(super) fn message_for(&self, protocol: &str) -> Option<String> {
        if !self.by_protocol {
            return Some(self.message.clone());
        }
        let messages: Value = serde_json::from_str(&self.message).ok()?;
        let message = messages.get(protocol).or_else(|| messages.get("default"))?;
        message.as_str().map(str::to_owned)
    }

    /// What a filter policy over the attributes is held against.
    pub(super) fn attribute_document(&self) -> Value {
        attributes::document(&self.attributes)
    }

    /// What a filter policy over the message is held against; nothing matches
    /// a message that is not JSON.
    pub(super) fn message_document(&self) -> Value {
        serde_json::from_str(&self.message).unwrap_or_default()
    }
}

/// Whether it is 1 to 100 characters long, without line breaks.
fn is_subject(subject: &str) -> bool {
    (1..=100).contains(&subject.chars().count()) && !subject.chars().any(char::is_control)
}

fn is_id(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}
