//! `Publish` and `PublishBatch`.

use std::collections::HashSet;
use std::sync::PoisonError;

use crate::answer::random_id;
use crate::query::{Form, Group, QueryError, Xml};

use super::fifo::Published;
use super::publication::{MAX_BYTES, Publication};
use super::{Sns, attributes, error, invalid, not_found, required};

/// Entries of a batch at most.
const MAX_ENTRIES: usize = 10;

impl Sns {
    pub(super) fn publish(&self, base: &str, form: &Form) -> Result<Xml, QueryError> {
        let attributes = attributes::read(form.list("MessageAttributes.entry"))?;
        let publication = Publication::read(|name| form.get(name), attributes)?;
        let given = |name| form.get(name).filter(|value| !value.is_empty());
        let topic = given("TopicArn").or_else(|| given("TargetArn"));
        let published = match (topic, given("PhoneNumber")) {
            (Some(topic), None) => self.publish_all(topic, publication, base)?,
            (None, Some(number)) => self.text(number, &publication)?,
            (None, None) => {
                let reason = "no value for required parameter";
                return Err(invalid("TopicArn or TargetArn", reason));
            }
            (Some(_), Some(_)) => {
                let reason = "it is one of TopicArn, TargetArn and PhoneNumber";
                return Err(invalid("PhoneNumber", reason));
            }
        };
        let mut xml = Xml::default();
        write(&mut xml, &published);
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
            let published =
                read(entry).and_then(|publication| self.publish_all(topic, publication, base));
            match published {
                Ok(published) => successful.within("member", |xml| {
                    xml.text("Id", entry_id);
                    write(xml, &published);
                }),
                Err(error) => failed.within("member", |xml| {
                    let sender_fault = (error.status < 500).to_string();
                    xml.text("Id", entry_id)
                        .text("Code", &error.code)
                        .text("Message", &error.message)
                        .text("SenderFault", &sender_fault);
                }),
            };
        }
        let mut xml = Xml::default();
        xml.piece("Successful", &successful).piece("Failed", &failed);
        Ok(xml)
    }

    /// Publishes to a topic; every subscriber that is to have the message has
    /// it when this returns, or it is in the outbox. Answers the message id.
    pub(crate) fn publish_to(
        &self,
        topic: &str,
        publication: Publication,
        base: &str,
    ) -> Result<String, QueryError> {
        self.publish_all(topic, publication, base).map(|published| published.id)
    }

    fn publish_all(
        &self,
        arn: &str,
        publication: Publication,
        base: &str,
    ) -> Result<Published, QueryError> {
        let state = self.store.read();
        let topic = state.topics.get(arn).ok_or_else(|| not_found("Topic"))?;
        publication.check_for(topic)?;
        if !topic.is_fifo() {
            let published = Published { id: random_id().to_string(), sequence: None };
            self.fan_out(&state, arn, &publication, &published, base)?;
            return Ok(published);
        }
        let publication = topic.with_deduplication_id(publication);
        let deduplication_id = publication.deduplication_id.clone().unwrap_or_default();
        // One after the other: order is what a FIFO topic is for.
        let mut fifo = self.fifo.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        if let Some(before) = fifo.duplicate(arn, &deduplication_id, now) {
            return Ok(before);
        }
        let published = fifo.next(now);
        self.fan_out(&state, arn, &publication, &published, base)?;
        fifo.remember(arn, deduplication_id, now, published.clone());
        Ok(published)
    }
}

fn read(entry: &Group<'_>) -> Result<Publication, QueryError> {
    let attributes = attributes::read(entry.list("MessageAttributes.entry"))?;
    Publication::read(|name| entry.get(name), attributes)
}

fn write(xml: &mut Xml, published: &Published) {
    xml.text("MessageId", &published.id);
    if let Some(sequence) = &published.sequence {
        xml.text("SequenceNumber", sequence);
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
    let ids: Vec<&str> = entries.iter().map(|entry| entry.get("Id").unwrap_or_default()).collect();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !ids.iter().all(|id| (1..=80).contains(&id.len()) && id.bytes().all(allowed)) {
        let message =
            "The Id of a batch entry in a batch request doesn't abide by the specification.";
        return Err(error("InvalidBatchEntryId", message));
    }
    let mut seen = HashSet::new();
    if !ids.iter().all(|id| seen.insert(id)) {
        let message = "Two or more batch entries in the request have the same Id.";
        return Err(error("BatchEntryIdsNotDistinct", message));
    }
    // An entry that can't be read is refused by itself.
    let size = |entry: &Group<'_>| entry.get("Message").unwrap_or_default().len();
    if entries.iter().map(size).sum::<usize>() > MAX_BYTES {
        let message = "The length of all the batch messages put together is more than the limit.";
        return Err(error("BatchRequestTooLong", message));
    }
    Ok(())
}
