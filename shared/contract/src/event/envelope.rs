//! Opens envelopes until an event comes out: lists, strings of JSON, SNS
//! notifications, SQS messages.

use serde_json::{Map, Value};

use super::place::{Hop, Place};
use super::{DecodeError, Notice, bridge, native};

/// How many characters of a text an error or a notice quotes.
const QUOTED: usize = 60;

/// Opens a message body. Unlike a text further in, it has to be JSON.
pub(super) fn open_body(body: &str, notices: &mut Vec<Notice>) -> Result<(), DecodeError> {
    let place = Place::default();
    open(&parse(body, &place)?, &place, notices)
}

/// Opens a text inside an envelope. SNS carries sentences for people too: what
/// does not even look like JSON is unrelated, what does and is not is an error.
fn open_text(text: &str, place: &Place, notices: &mut Vec<Notice>) -> Result<(), DecodeError> {
    if !text.trim_start().starts_with(['{', '[', '"']) {
        notices.push(Notice::Unrelated {
            what: format!("text `{}`", start_of(text)),
            why: "it is not JSON, so it is no event".to_owned(),
        });
        return Ok(());
    }
    open(&parse(text, place)?, place, notices)
}

fn parse(text: &str, place: &Place) -> Result<Value, DecodeError> {
    serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
        DecodeError::NotJson {
            at: place.to_string(),
            reason: error.to_string(),
            start: start_of(text),
        }
    })
}

fn open(value: &Value, place: &Place, notices: &mut Vec<Notice>) -> Result<(), DecodeError> {
    match value {
        Value::Object(members) => open_object(value, members, place, notices),
        Value::Array(items) => {
            open_list(items, "list", &place.clone().inside(Hop::Wrapped)?, notices)
        }
        Value::String(text) => open_text(text, &place.clone().inside(Hop::Wrapped)?, notices),
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            notices.push(no_event(format!("the JSON value `{}`", start_of(&value.to_string()))));
            Ok(())
        }
    }
}

fn open_object(
    value: &Value,
    members: &Map<String, Value>,
    place: &Place,
    notices: &mut Vec<Notice>,
) -> Result<(), DecodeError> {
    let has = |name: &str| members.contains_key(name);
    if let Some(Value::Array(records)) = members.get("Records") {
        return open_list(records, "`Records`", &place.at("Records"), notices);
    }
    if let Some(Value::Array(messages)) = members.get("Messages") {
        return open_list(messages, "`Messages`", &place.at("Messages"), notices);
    }
    if let Some((step, hop, inner)) = wrapped(members) {
        let place = place.at(step).inside(hop)?;
        return match inner {
            Value::String(text) => open_text(text, &place, notices),
            other => open(other, &place, notices),
        };
    }
    notices.push(if has("s3") {
        native::read(value, place)?
    } else if has("detail-type") {
        bridge::read(value, place)?
    } else if value["Event"] == "s3:TestEvent" {
        Notice::TestEvent
    } else if bridge::is_schedule_input(value) {
        bridge::schedule_input(value)
    } else {
        unrelated(value, members)
    });
    Ok(())
}

/// The message inside an SNS notification or an SQS message, with its path and
/// the kind of envelope around it.
fn wrapped(members: &Map<String, Value>) -> Option<(&'static str, Hop, &Value)> {
    let is_text = |value: &&Value| value.is_string();
    if members.get("Type").and_then(Value::as_str) == Some("Notification") {
        return members.get("Message").map(|inner| ("Message", Hop::Sns, inner));
    }
    if let Some(inner) = members.get("Sns").and_then(|sns| sns.get("Message")) {
        return Some(("Sns.Message", Hop::Sns, inner));
    }
    if let Some(inner) = members.get("body") {
        return Some(("body", Hop::Sqs, inner));
    }
    let is_message = members.contains_key("ReceiptHandle") || members.contains_key("MessageId");
    members.get("Body").filter(is_text).filter(|_| is_message).map(|i| ("Body", Hop::Sqs, i))
}

fn open_list(
    items: &[Value],
    what: &str,
    place: &Place,
    notices: &mut Vec<Notice>,
) -> Result<(), DecodeError> {
    if items.is_empty() {
        notices.push(no_event(format!("an empty {what}")));
    }
    for (index, item) in items.iter().enumerate() {
        open(item, &place.item(index), notices)?;
    }
    Ok(())
}

fn unrelated(value: &Value, members: &Map<String, Value>) -> Notice {
    if value["Type"] == "SubscriptionConfirmation" {
        return Notice::Unrelated {
            what: format!("SNS subscription confirmation of {}", value["TopicArn"]),
            why: "a queue is subscribed by its owner, so there is nothing to confirm".to_owned(),
        };
    }
    if let Some(source) = value["eventSource"].as_str() {
        return no_event(format!("a record of `{source}`"));
    }
    let names: Vec<String> = members.keys().take(5).map(|name| format!("`{name}`")).collect();
    let and_more = if members.len() > names.len() { ", …" } else { "" };
    no_event(match names.is_empty() {
        true => "an empty JSON object".to_owned(),
        false => format!("a JSON object with {}{and_more}", names.join(", ")),
    })
}

fn no_event(what: String) -> Notice {
    Notice::Unrelated { what, why: "it names no S3 object and is no scheduled event".to_owned() }
}

/// The first characters of a text, on one line.
fn start_of(text: &str) -> String {
    let mut start: String = text.chars().take(QUOTED).collect::<String>().escape_debug().collect();
    start = start.replace("\\\"", "\"");
    if text.chars().nth(QUOTED).is_some() {
        start.push('…');
    }
    start
}
