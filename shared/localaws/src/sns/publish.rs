//! `Publish` and `PublishBatch`.

use std::collections::HashSet;

use serde_json::Value;
use tracing::warn;

use crate::answer::random_id;
use crate::pattern::{Dialect, Pattern};
use crate::query::{Form, Group, QueryError, Xml};
use crate::sqs::{Attribute, Delivery};

use super::envelope::{self, Postmark};
use super::state::{State, Subscription};
use super::{Sns, attributes, error, invalid, not_found, required};

/// Bytes of a message, and of a whole batch, at most.
const MAX_BYTES: usize = 256 << 10;
/// Entries of a batch at most.
const MAX_ENTRIES: usize = 10;

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
}

impl Publication {
    /// A message and nothing else.
    pub(crate) fn plain(message: String) -> Self {
        Self { message, subject: None, attributes: Vec::new(), by_protocol: false }
    }

    fn check(self) -> Result<Self, QueryError> {
        if self.message.is_empty() {
            return Err(error("InvalidParameter", "Invalid parameter: Empty message"));
        }
        if self.size() > MAX_BYTES {
            return Err(error("InvalidParameter", "Invalid parameter: Message too long"));
        }
        let subject_length = self.subject.as_ref().map_or(1, |subject| subject.chars().count());
        if !(1..=100).contains(&subject_length) {
            return Err(invalid("Subject", "it is 1 to 100 characters long"));
        }
        if self.by_protocol && self.message_for("default").is_none() {
            let reason = "No default entry in JSON message body";
            return Err(invalid("Message Structure", reason));
        }
        Ok(self)
    }

    fn size(&self) -> usize {
        let attribute = |attribute: &Attribute| {
            attribute.name.len() + attribute.data_type.len() + attribute.value.bytes().len()
        };
        self.message.len() + self.attributes.iter().map(attribute).sum::<usize>()
    }

    /// What it says to subscribers of `protocol`.
    fn message_for(&self, protocol: &str) -> Option<String> {
        if !self.by_protocol {
            return Some(self.message.clone());
        }
        let messages: Value = serde_json::from_str(&self.message).ok()?;
        let message = messages.get(protocol).or_else(|| messages.get("default"))?;
        message.as_str().map(str::to_owned)
    }

    /// What a filter policy of this scope is held against.
    fn document(&self, scope: Option<&String>) -> Value {
        match scope.map(String::as_str) {
            Some("MessageBody") => serde_json::from_str(&self.message).unwrap_or_default(),
            _ => attributes::document(&self.attributes),
        }
    }
}

impl Sns {
    pub(super) fn publish(&self, base: &str, form: &Form) -> Result<Xml, QueryError> {
        let topic = match form.get("TopicArn").or_else(|| form.get("TargetArn")) {
            Some(topic) => topic,
            None => return Err(invalid("TopicArn or TargetArn", "there is neither")),
        };
        let publication = Publication {
            message: form.get("Message").unwrap_or_default().to_owned(),
            subject: form.get("Subject").map(str::to_owned),
            attributes: attributes::read(form.list("MessageAttributes.entry"))?,
            by_protocol: is_by_protocol(form.get("MessageStructure"))?,
        };
        let id = self.publish_to(topic, publication.check()?, base)?;
        let mut xml = Xml::default();
        xml.text("MessageId", &id);
        Ok(xml)
    }

    pub(super) fn publish_batch(&self, base: &str, form: &Form) -> Result<Xml, QueryError> {
        let topic = required(form, "TopicArn")?;
        if !self.has_topic(topic) {
            return Err(not_found("Topic"));
        }
        let entries: Vec<_> = form.list("PublishBatchRequestEntries.member").collect();
        check_batch(&entries)?;
        let (mut successful, mut failed) = (Xml::default(), Xml::default());
        for entry in &entries {
            let entry_id = entry.get("Id").unwrap_or_default();
            let published = publication_of(entry)
                .and_then(|publication| self.publish_to(topic, publication.check()?, base));
            match published {
                Ok(id) => successful.within("member", |xml| {
                    xml.text("Id", entry_id).text("MessageId", &id);
                }),
                Err(error) => failed.within("member", |xml| {
                    let sender_fault = (error.status < 500).to_string();
                    xml.text("Id", entry_id)
                        .text("Code", error.code)
                        .text("Message", &error.message)
                        .text("SenderFault", &sender_fault);
                }),
            };
        }
        let mut xml = Xml::default();
        xml.piece("Successful", &successful).piece("Failed", &failed);
        Ok(xml)
    }

    /// Publishes to a topic; every queue that is to have the message has
    /// stored it when this returns. Answers the message id.
    pub(crate) fn publish_to(
        &self,
        topic: &str,
        publication: Publication,
        base: &str,
    ) -> Result<String, QueryError> {
        let state = self.store.read();
        if !state.topics.contains_key(topic) {
            return Err(not_found("Topic"));
        }
        let id = random_id().to_string();
        for (arn, subscription) in recipients(&state, topic, &publication) {
            let Some(message) = publication.message_for(&subscription.protocol) else { continue };
            let postmark = Postmark {
                topic,
                subscription: arn,
                id: &id,
                at: self.clock.now(),
                base,
                region: &self.account.region,
            };
            self.deliver(subscription, delivery(&publication, message, subscription, &postmark));
        }
        Ok(id)
    }

    /// Sends to a subscriber or, failing that, to its dead-letter queue. As on
    /// AWS the publisher does not learn that a subscriber's queue is gone.
    fn deliver(&self, subscription: &Subscription, delivery: Delivery) {
        let Err(reason) = self.sqs.deliver(&subscription.endpoint, delivery.clone()) else {
            return;
        };
        let dead_letters = dead_letter_queue(subscription);
        let saved = dead_letters.is_some_and(|arn| self.sqs.deliver(&arn, delivery).is_ok());
        if !saved {
            warn!(endpoint = subscription.endpoint, %reason, "a subscriber did not get its message");
        }
    }
}

/// The confirmed subscriptions whose filter lets the publication through.
fn recipients<'a>(
    state: &'a State,
    topic: &'a str,
    publication: &'a Publication,
) -> impl Iterator<Item = (&'a String, &'a Subscription)> {
    state.subscriptions_of(topic).filter(|(_, subscription)| {
        let scope = subscription.attributes.get("FilterPolicyScope");
        let policy = subscription.attributes.get("FilterPolicy");
        subscription.is_confirmed()
            && policy.is_none_or(|policy| {
                let pattern = Pattern::parse(policy, Dialect::MessageBody);
                pattern.is_ok_and(|pattern| pattern.matches(&publication.document(scope)))
            })
    })
}

fn delivery(
    publication: &Publication,
    message: String,
    subscription: &Subscription,
    postmark: &Postmark<'_>,
) -> Delivery {
    let (body, attributes) = match subscription.is_raw() {
        true => (message, publication.attributes.clone()),
        false => (envelope::wrap(publication, &message, postmark), Vec::new()),
    };
    Delivery { body, attributes, group_id: None, deduplication_id: None }
}

fn dead_letter_queue(subscription: &Subscription) -> Option<String> {
    let policy: Value = serde_json::from_str(subscription.attributes.get("RedrivePolicy")?).ok()?;
    policy["deadLetterTargetArn"].as_str().map(str::to_owned)
}

fn publication_of(entry: &Group<'_>) -> Result<Publication, QueryError> {
    Ok(Publication {
        message: entry.get("Message").unwrap_or_default().to_owned(),
        subject: entry.get("Subject").map(str::to_owned),
        attributes: attributes::read(entry.list("MessageAttributes.entry"))?,
        by_protocol: is_by_protocol(entry.get("MessageStructure"))?,
    })
}

fn is_by_protocol(structure: Option<&str>) -> Result<bool, QueryError> {
    match structure {
        None | Some("") => Ok(false),
        Some("json") => Ok(true),
        Some(_) => Err(invalid("MessageStructure", "it is json or left out")),
    }
}

fn check_batch(entries: &[Group<'_>]) -> Result<(), QueryError> {
    if entries.is_empty() {
        return Err(error("EmptyBatchRequest", "The batch request doesn't contain any entries."));
    }
    if entries.len() > MAX_ENTRIES {
        let message = "The batch request contains more entries than permissible.";
        return Err(error("TooManyEntriesInBatchRequest", message));
    }
    let mut seen = HashSet::new();
    if !entries.iter().all(|entry| seen.insert(entry.get("Id").unwrap_or_default())) {
        let message = "Two or more batch entries in the request have the same Id.";
        return Err(error("BatchEntryIdsNotDistinct", message));
    }
    let size = |entry: &Group<'_>| entry.get("Message").unwrap_or_default().len();
    if entries.iter().map(size).sum::<usize>() > MAX_BYTES {
        let message = "The length of all the batch messages put together is more than the limit.";
        return Err(error("BatchRequestTooLong", message));
    }
    Ok(())
}
