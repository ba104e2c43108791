//! `SendMessage` and `SendMessageBatch`.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::description::Description;
use super::super::error::{Code, SqsError};
use super::super::message::{Content, Extras, Message, State};
use super::super::queue::{Accepted, Queue};
use super::super::settings::Settings;
use super::super::{Sqs, digest};
use super::batch::{BatchResult, check_ids};
use super::fifo::{WRONG_TYPE, identity, sequence_number};
use super::message_attributes::{self, AttributeMap};
use crate::answer::random_id;
use crate::clock::Millis;
use crate::hex::hex;

/// Bytes of a whole batch at most.
const MAX_BATCH: usize = 1 << 20;

/// Parameters of `SendMessage`, and of an entry of `SendMessageBatch`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct SendMessage<'a> {
    /// Of `SendMessage` only.
    #[serde(borrow, default)]
    queue_url: Cow<'a, str>,
    /// Of an entry only.
    #[serde(borrow, default)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    message_body: Cow<'a, str>,
    delay_seconds: Option<i64>,
    #[serde(borrow, default)]
    message_attributes: AttributeMap<'a>,
    #[serde(borrow, default)]
    message_system_attributes: AttributeMap<'a>,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
}

/// Parameters of `SendMessageBatch`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct SendMessageBatch<'a> {
    #[serde(borrow, default)]
    queue_url: Cow<'a, str>,
    #[serde(borrow, default)]
    entries: Vec<SendMessage<'a>>,
}

/// What a sender is told of its message.
#[derive(Debug, Serialize)]
pub(in super::super) struct Sent {
    #[serde(rename = "Id", skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(rename = "MessageId")]
    message_id: uuid::Uuid,
    #[serde(rename = "MD5OfMessageBody")]
    body_md5: String,
    #[serde(rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    attributes_md5: Option<String>,
    #[serde(rename = "MD5OfMessageSystemAttributes", skip_serializing_if = "Option::is_none")]
    system_attributes_md5: Option<String>,
    #[serde(rename = "SequenceNumber", skip_serializing_if = "Option::is_none")]
    sequence_number: Option<String>,
}

impl Sqs {
    pub(in super::super) fn send_message(
        &self,
        request: SendMessage<'_>,
    ) -> Result<Sent, SqsError> {
        let queue = self.queue(&request.queue_url)?;
        let now = self.clock.now();
        let (message, sent) = accept(request, &queue.description(), now)?;
        let mut messages = vec![message];
        self.hold_back(&queue, &mut messages, now);
        let accepted = queue.send(messages, now)?;
        Ok(accepted.into_iter().fold(sent, |sent, accepted| sent.placed(&queue, accepted)))
    }

    pub(in super::super) fn send_message_batch(
        &self,
        request: SendMessageBatch<'_>,
    ) -> Result<BatchResult<Sent>, SqsError> {
        let queue = self.queue(&request.queue_url)?;
        let entries = request.entries;
        check_ids("SendMessageBatchRequestEntry", entries.iter().map(|entry| &entry.id))?;
        let total: usize = entries.iter().map(SendMessage::size).sum();
        if total > MAX_BATCH {
            let message = format!(
                "Batch requests cannot be longer than {MAX_BATCH} bytes. You have sent {total} bytes."
            );
            return Err(SqsError::new(Code::BatchRequestTooLong, message));
        }
        let (description, now) = (queue.description(), self.clock.now());
        let (mut answers, mut messages) = (Vec::with_capacity(entries.len()), Vec::new());
        for entry in entries {
            let id = entry.id.to_string();
            let answer = accept(entry, &description, now).map(|(message, sent)| {
                messages.push(message);
                Sent { id: Some(id.clone()), ..sent }
            });
            answers.push((id, answer));
        }
        self.hold_back(&queue, &mut messages, now);
        let mut accepted = match messages.is_empty() {
            true => Vec::new(),
            false => queue.send(messages, now)?,
        }
        .into_iter();
        let mut result = BatchResult::new();
        for (id, answer) in answers {
            let placed = |sent: Sent| match accepted.next() {
                Some(accepted) => sent.placed(&queue, accepted),
                None => sent,
            };
            result.push(&id, answer.map(placed));
        }
        Ok(result)
    }
}

impl Sent {
    /// The answer once it is known what became of the message.
    fn placed(self, queue: &Queue, accepted: Accepted) -> Self {
        Self {
            message_id: accepted.id,
            sequence_number: queue.is_fifo.then(|| sequence_number(accepted.seq)),
            ..self
        }
    }
}

impl SendMessage<'_> {
    /// Bytes that count towards the size limits.
    fn size(&self) -> usize {
        self.message_body.len() + message_attributes::size(&self.message_attributes)
    }

    fn check(&self, maximum: u32) -> Result<(), SqsError> {
        if self.message_body.is_empty() {
            return Err(SqsError::missing("MessageBody"));
        }
        if self.size() > maximum as usize {
            return Err(SqsError::too_long(maximum));
        }
        check_characters(&self.message_body)
    }
}

/// Checks a message and makes it one.
fn accept(
    request: SendMessage<'_>,
    description: &Description,
    now: Millis,
) -> Result<(Message, Sent), SqsError> {
    request.check(description.settings.maximum_message_size)?;
    let settings = &description.settings;
    let state = initial_state(request.delay_seconds, settings, now)?;
    let (group, deduplication) =
        identity(settings, request.message_group_id, request.message_deduplication_id)?;
    let attributes = message_attributes::accept(request.message_attributes)?;
    let (trace_header, system_attributes_md5) =
        message_attributes::trace_header(request.message_system_attributes)?;
    let (attributes, trace_header) = (attributes.into(), trace_header.map(Box::from));
    let extras = Extras { attributes, trace_header, group, deduplication, dead_letter: None };
    let content = content(request.message_body.as_ref().into(), extras, now);
    let attributes = content.extras.as_deref().map_or(&[][..], |extras| &extras.attributes);
    let attributes_md5 = (!attributes.is_empty()).then(|| hex(&digest::of_attributes(attributes)));
    let sent = Sent {
        id: None,
        message_id: content.id,
        body_md5: hex(&content.body_md5),
        attributes_md5,
        system_attributes_md5,
        sequence_number: None,
    };
    Ok((Message::new(content, state), sent))
}

/// A message's content under a new id.
pub(in super::super) fn content(body: Arc<str>, extras: Extras, now: Millis) -> Content {
    Content {
        id: random_id(),
        body_md5: digest::of_body(&body),
        body,
        sent_at: now,
        extras: (extras != Extras::default()).then(|| Arc::new(extras)),
    }
}

fn initial_state(asked: Option<i64>, settings: &Settings, now: Millis) -> Result<State, SqsError> {
    let delay = asked.unwrap_or(settings.delay.into());
    if !(0..=900).contains(&delay) {
        let reason = "DelaySeconds must be >= 0 and <= 900.";
        return Err(SqsError::value(delay, "DelaySeconds", reason));
    }
    if settings.fifo && asked.is_some_and(|asked| asked > 0) {
        return Err(SqsError::value(delay, "DelaySeconds", WRONG_TYPE));
    }
    let delay = if settings.fifo { settings.delay.into() } else { delay as Millis };
    Ok(match delay {
        0 => State::Ready,
        delay => State::Delayed(now + delay * 1000),
    })
}

/// The characters of XML 1.0, which is what SQS allows.
fn check_characters(body: &str) -> Result<(), SqsError> {
    let is_allowed = |character: char| match character {
        '\t' | '\n' | '\r' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        _ => character >= ' ',
    };
    // Nearly all bodies are told to be fine by their bytes alone.
    let is_plain = |byte: &u8| (b' '..0xef).contains(byte) || matches!(byte, b'\t' | b'\n' | b'\r');
    if body.as_bytes().iter().all(is_plain) || body.chars().all(is_allowed) {
        return Ok(());
    }
    Err(SqsError::new(
        Code::InvalidMessageContents,
        "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF \
         | #xE000 to #xFFFD | #x10000 to #x10FFFF",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_refused() {
        for allowed in ["plain", "tab\tline\r\n", "ünïcode \u{10000}", "\u{fffd}"] {
            assert_eq!(check_characters(allowed), Ok(()), "{allowed:?}");
        }
        for refused in ["\0", "bell \u{7}", "\u{fffe}", "\u{ffff}"] {
            let error = check_characters(refused).expect_err(refused);
            assert_eq!(error.code, Code::InvalidMessageContents);
        }
    }
}
