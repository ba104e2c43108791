//! `ReceiveMessage`, waiting included.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::super::Sqs;
use super::super::description::Description;
use super::super::error::SqsError;
use super::super::message::{Message, Seq};
use super::super::queue::Queue;
use super::super::receipt::Receipt;
use super::super::settings::unknown;
use super::super::take::{Ask, Taken};
use super::fifo::{attempt_id, sequence_number};
use super::message_attributes::{self, Value};
use crate::clock::Millis;
use crate::hex::hex;

const SYSTEM_ATTRIBUTES: [&str; 10] = [
    "All",
    "ApproximateFirstReceiveTimestamp",
    "ApproximateReceiveCount",
    "AWSTraceHeader",
    "DeadLetterQueueSourceArn",
    "MessageDeduplicationId",
    "MessageGroupId",
    "SenderId",
    "SentTimestamp",
    "SequenceNumber",
];

/// Parameters of `ReceiveMessage`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct ReceiveMessage<'a> {
    #[serde(borrow, default)]
    queue_url: Cow<'a, str>,
    max_number_of_messages: Option<i64>,
    wait_time_seconds: Option<i64>,
    visibility_timeout: Option<i64>,
    #[serde(borrow, default)]
    receive_request_attempt_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    attribute_names: Vec<Cow<'a, str>>,
    #[serde(borrow, default)]
    message_system_attribute_names: Vec<Cow<'a, str>>,
    #[serde(borrow, default)]
    message_attribute_names: Vec<Cow<'a, str>>,
}

#[derive(Debug, Serialize)]
struct Answer<'a> {
    #[serde(rename = "Messages", skip_serializing_if = "Vec::is_empty")]
    messages: Vec<Received<'a>>,
}

#[derive(Debug, Serialize)]
struct Received<'a> {
    #[serde(rename = "MessageId")]
    message_id: uuid::Uuid,
    #[serde(rename = "ReceiptHandle")]
    receipt_handle: String,
    #[serde(rename = "MD5OfBody")]
    body_md5: String,
    #[serde(rename = "Body")]
    body: &'a str,
    #[serde(rename = "Attributes", skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<&'static str, Cow<'a, str>>,
    #[serde(rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    message_attributes_md5: Option<String>,
    #[serde(rename = "MessageAttributes", skip_serializing_if = "Option::is_none")]
    message_attributes: Option<BTreeMap<&'a str, Value<'a>>>,
}

/// What a receive needs to know, checked.
struct Terms<'a> {
    max: usize,
    hold: Millis,
    /// Whether it may wait at all.
    waits: bool,
    deadline: Millis,
    attempt: Option<&'a str>,
}

/// Wakes the next waiting receive when this one leaves for whatever reason:
/// it may have been the only one that knew when the next message is due.
struct PassOn<'a>(&'a Notify);

impl Drop for PassOn<'_> {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Sqs {
    pub(in super::super) async fn receive_message(
        &self,
        request: ReceiveMessage<'_>,
    ) -> Result<Bytes, SqsError> {
        let queue = self.queue(&request.queue_url)?;
        let description = queue.description();
        let names = request.system_attribute_names()?;
        let terms = request.terms(&description, self.clock.now())?;
        let received = self.wait_for_messages(&queue, &terms).await?;
        self.let_go(&queue, &received)?;
        let messages = received
            .iter()
            .map(|(receipt, message)| self.show(*receipt, message, &description, &names, &request));
        let answer = Answer { messages: messages.collect() };
        let size: usize = received.iter().map(|(_, message)| message.content.body.len()).sum();
        let mut json = Vec::with_capacity(size + size / 8 + 512 * received.len() + 16);
        serde_json::to_writer(&mut json, &answer)?;
        Ok(json.into())
    }

    async fn wait_for_messages(
        &self,
        queue: &Queue,
        terms: &Terms<'_>,
    ) -> Result<Vec<(Receipt, Message)>, SqsError> {
        let mut pass_on = None;
        loop {
            let taken = self.take_live(queue, terms)?;
            if taken.over_limit && !terms.waits && !queue.is_fifo {
                return Err(SqsError::over_limit());
            }
            let is_over = self.clock.now() >= terms.deadline || self.background.is_stopping();
            if !taken.received.is_empty() || is_over {
                if taken.received.is_empty() {
                    queue.count_empty_receive()?;
                }
                return Ok(taken.received);
            }
            pass_on.get_or_insert_with(|| PassOn(&queue.arrivals));
            let wake = taken.next_due.unwrap_or(Millis::MAX).min(terms.deadline);
            tokio::select! {
                () = queue.arrivals.notified() => {}
                () = self.clock.wait_until(wake) => {}
                () = self.background.stopping() => {}
            }
        }
    }

    /// Receives what is ready now, moving dead letters out of the way.
    fn take_live(&self, queue: &Queue, terms: &Terms<'_>) -> Result<Taken, SqsError> {
        loop {
            let description = queue.description();
            let redrive = self.redrive_of(&description);
            let mut taken = queue.take(Ask {
                now: self.clock.now(),
                max: terms.max,
                hold: terms.hold,
                retention: description.retention(),
                max_receive_count: redrive.as_ref().map(|redrive| redrive.max_receive_count),
                attempt: terms.attempt,
            })?;
            let dead = std::mem::take(&mut taken.dead);
            let had_dead = !dead.is_empty();
            if let Some(redrive) = redrive {
                self.bury(queue, &redrive.target, dead)?;
            }
            if !taken.received.is_empty() || !had_dead {
                return Ok(taken);
            }
        }
    }

    fn show<'a>(
        &'a self,
        receipt: Receipt,
        message: &'a Message,
        description: &Description,
        names: &[&str],
        request: &ReceiveMessage<'_>,
    ) -> Received<'a> {
        let content = &message.content;
        let attributes = content.extras.as_deref().map_or(&[][..], |extras| &extras.attributes);
        let selected = message_attributes::select(attributes, &request.message_attribute_names);
        let (message_attributes, message_attributes_md5) = selected.unzip();
        Received {
            message_id: content.id,
            receipt_handle: receipt.to_handle(description.number),
            body_md5: hex(&content.body_md5),
            body: &content.body,
            attributes: self.system_attributes(receipt.seq, message, names),
            message_attributes_md5,
            message_attributes,
        }
    }

    fn system_attributes<'a>(
        &'a self,
        seq: Seq,
        message: &'a Message,
        names: &[&str],
    ) -> BTreeMap<&'static str, Cow<'a, str>> {
        if names.is_empty() {
            return BTreeMap::new();
        }
        let extras = message.content.extras.as_deref();
        let deduplication = extras.and_then(|extras| extras.deduplication.as_ref());
        let text = |text: Option<&'a str>| text.map(Cow::Borrowed);
        let number = |number: u64| Some(Cow::Owned(number.to_string()));
        let all = [
            ("ApproximateFirstReceiveTimestamp", number(message.first_received_at)),
            ("ApproximateReceiveCount", number(message.receive_count.into())),
            ("AWSTraceHeader", text(extras.and_then(|extras| extras.trace_header.as_deref()))),
            ("DeadLetterQueueSourceArn", text(message.dead_letter().map(|letter| &*letter.source))),
            ("MessageDeduplicationId", deduplication.map(|given| given.id(&message.content.body))),
            ("MessageGroupId", text(message.group().map(|group| &**group))),
            ("SenderId", text(Some(&self.account.id))),
            ("SentTimestamp", number(message.content.sent_at)),
            ("SequenceNumber", deduplication.map(|_| Cow::Owned(sequence_number(seq)))),
        ];
        let asked = |name: &str| names.iter().any(|asked| *asked == "All" || *asked == name);
        all.into_iter()
            .filter(|(name, _)| asked(name))
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }
}

impl ReceiveMessage<'_> {
    fn terms(&self, description: &Description, now: Millis) -> Result<Terms<'_>, SqsError> {
        let settings = &description.settings;
        let max = within("MaxNumberOfMessages", self.max_number_of_messages, 1, 1..=10)?;
        let wait =
            within("WaitTimeSeconds", self.wait_time_seconds, settings.receive_wait, 0..=20)?;
        let hold =
            within("VisibilityTimeout", self.visibility_timeout, settings.visibility, 0..=43_200)?;
        let attempt = self.receive_request_attempt_id.as_deref();
        Ok(Terms {
            max: max as usize,
            hold: hold * 1000,
            waits: wait > 0,
            deadline: now + wait * 1000,
            attempt: attempt_id(settings, attempt)?,
        })
    }

    /// The names under both the older and the newer parameter.
    fn system_attribute_names(&self) -> Result<Vec<&str>, SqsError> {
        let names = self.attribute_names.iter().chain(&self.message_system_attribute_names);
        names
            .map(|name| match SYSTEM_ATTRIBUTES.contains(&name.as_ref()) {
                true => Ok(name.as_ref()),
                false => Err(unknown(name)),
            })
            .collect()
    }
}

fn within(
    parameter: &str,
    asked: Option<i64>,
    default: u32,
    range: RangeInclusive<i64>,
) -> Result<u64, SqsError> {
    let value = asked.unwrap_or(default.into());
    if range.contains(&value) {
        return Ok(value as u64);
    }
    let (low, high) = (range.start(), range.end());
    let reason = format!("Must be >= {low} and <= {high}, if provided.");
    Err(SqsError::value(value, parameter, &reason))
}
