//! Reads `[alerts]` and `[events]`: who is told what, and how often.

use std::ops::RangeInclusive;
use std::time::Duration;

use millrace_contract::AlertKind;
use serde::Serialize;

use crate::entry::Entry;
use crate::walk::Section;

/// Bounds of [`Alerts::digest`].
const DIGEST: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(86_400);

/// [`Alerts::digest`] unless the file says otherwise.
pub(crate) const DEFAULT_DIGEST: Duration = Duration::from_secs(15 * 60);

/// The default event bus of an account.
pub(crate) const DEFAULT_BUS: &str = "default";

/// Who is told what goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alerts {
    /// What alerts are about.
    pub on: Vec<AlertKind>,
    /// Who hears of them.
    pub subscribe: Vec<Subscription>,
    /// A topic that is there already, by its ARN; else there is one of ours.
    pub topic: Option<String>,
    /// How long alerts of one cause are quiet after one was sent.
    pub digest: Duration,
}

/// Somebody who hears of alerts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Subscription {
    /// SNS's name of the way: `email`, `sqs`, `https`, ….
    pub protocol: &'static str,
    /// Where to: an address, a number, an ARN, a URL.
    pub endpoint: String,
}

/// Where completion events are put.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Events {
    /// Name or ARN of the event bus.
    pub bus: String,
}

/// The alerts of the file, if it has any.
pub(crate) fn read(file: &Section<'_>) -> Option<Alerts> {
    let section = file.section("alerts")?;
    let topic = section.get("topic");
    let subscribe = section.get("subscribe");
    if let (Some(topic), Some(_)) = (&topic, &subscribe) {
        topic.note_with(
            "a topic of your own has its subscribers already",
            "subscribe to it where it is made, or leave `topic` out",
        );
    }
    let digest = section.get("digest").and_then(|entry| entry.duration(DIGEST));
    Some(Alerts {
        on: section.get("on").map_or_else(|| AlertKind::ALL.into(), |entry| kinds(&entry)),
        subscribe: subscribe.map(|entry| subscriptions(&entry)).unwrap_or_default(),
        topic: topic.and_then(|entry| topic_arn(&entry)),
        digest: digest.unwrap_or(DEFAULT_DIGEST),
    })
}

/// Where the file has events go, if anywhere.
pub(crate) fn read_events(file: &Section<'_>) -> Option<Events> {
    let section = file.section("events")?;
    let bus = section.get("bus").and_then(|entry| bus(&entry));
    let enabled = section.get("enabled").and_then(|entry| entry.flag()).unwrap_or(true);
    enabled.then(|| Events { bus: bus.unwrap_or_else(|| DEFAULT_BUS.to_owned()) })
}

fn kinds(entry: &Entry<'_>) -> Vec<AlertKind> {
    if entry.is_empty_list() {
        entry.note_with("nothing would be told", "leave `[alerts]` out to have no alerts");
    }
    let mut kinds = Vec::new();
    for item in entry.items().unwrap_or_default() {
        let Some(kind) = item.choice() else { continue };
        match kinds.contains(&kind) {
            true => item.note(format!("`{kind}` is named twice")),
            false => kinds.push(kind),
        }
    }
    kinds
}

fn subscriptions(entry: &Entry<'_>) -> Vec<Subscription> {
    let mut all: Vec<Subscription> = Vec::new();
    for (text, item) in entry.texts().unwrap_or_default() {
        match subscription(text) {
            Err((why, instead)) => item.note_with(why, instead),
            Ok(one) if all.contains(&one) => item.note(format!("`{text}` is there twice")),
            Ok(one) => all.push(one),
        }
    }
    all
}

/// A subscriber, or what is wrong with it and what to do.
fn subscription(text: &str) -> Result<Subscription, (String, &'static str)> {
    let of = |protocol, endpoint: &str| {
        Ok(Subscription { protocol, endpoint: endpoint.trim().to_owned() })
    };
    if let Some(host) = text.strip_prefix("https://") {
        return match host.is_empty() || host.contains(char::is_whitespace) {
            true => Err((format!("`{text}` is no URL"), "write `https://host/path`")),
            false => of("https", text),
        };
    }
    if text.starts_with("http://") {
        let why = format!("`{text}` would send alerts unencrypted");
        return Err((why, "use `https://`"));
    }
    let unknown = || {
        let why = format!("`{text}` does not say who is told");
        Err((why, "write `email:…`, `sms:+…`, `sqs:arn:…`, `lambda:arn:…` or `https://…`"))
    };
    let Some((protocol, endpoint)) = text.split_once(':') else { return unknown() };
    let wrong = |instead| Err((format!("`{endpoint}` can't be told by {protocol}"), instead));
    match protocol {
        "email" if is_address(endpoint) => of("email", endpoint),
        "email-json" if is_address(endpoint) => of("email-json", endpoint),
        "email" | "email-json" => wrong("write `email:name@example.com`"),
        "sms" if is_number(endpoint) => of("sms", endpoint),
        "sms" => wrong("write the number with its country: `sms:+4915112345678`"),
        "sqs" if is_arn(endpoint, "sqs") => of("sqs", endpoint),
        "sqs" => wrong("write the queue's ARN: `sqs:arn:aws:sqs:REGION:ACCOUNT:NAME`"),
        "lambda" if is_arn(endpoint, "lambda") => of("lambda", endpoint),
        "lambda" => wrong("write the function's ARN: `lambda:arn:aws:lambda:…`"),
        _ => unknown(),
    }
}

fn is_address(text: &str) -> bool {
    let whole = !text.contains(|c: char| c.is_whitespace() || c.is_control());
    whole && text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
}

/// As in E.164: a plus, and 7 to 15 digits.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (7..=15).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit())
}

/// `arn:partition:service:region:account:…`.
fn is_arn(text: &str, service: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [arn, partition, of, region, account, name] = parts[..] else { return false };
    arn == "arn"
        && partition.starts_with("aws")
        && of == service
        && !region.is_empty()
        && account.len() == 12
        && account.chars().all(|c| c.is_ascii_digit())
        && !name.is_empty()
        && !text.contains(char::is_whitespace)
}

/// The ARN of a topic that tells people.
pub(crate) fn topic_arn(entry: &Entry<'_>) -> Option<String> {
    let text = entry.text()?;
    if !is_arn(text, "sns") {
        let instead = "write its ARN: `arn:aws:sns:REGION:ACCOUNT:NAME`";
        entry.note_with(format!("`{text}` is no topic"), instead);
    } else if text.ends_with(".fifo") {
        entry.note_with(
            format!("`{text}` is a FIFO topic, which tells nobody but queues"),
            "use a standard topic",
        );
    }
    Some(text.to_owned())
}

/// Name as "CreateEventBus" in the Amazon EventBridge API Reference has it, or ARN.
fn bus(entry: &Entry<'_>) -> Option<String> {
    let text = entry.text()?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "/.-_".contains(c);
    let is_name = (1..=256).contains(&text.len()) && text.chars().all(allowed);
    if !is_name && !is_arn(text, "events") {
        entry.note_with(
            format!("`{text}` is no event bus"),
            "write its name, or its ARN: `arn:aws:events:REGION:ACCOUNT:event-bus/NAME`",
        );
    }
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscribers_are_read_by_how_they_are_told() {
        for (text, protocol, endpoint) in [
            ("email:ops@example.com", "email", "ops@example.com"),
            ("sms:+4915112345678", "sms", "+4915112345678"),
            ("https://example.com/hook", "https", "https://example.com/hook"),
            (
                "sqs:arn:aws:sqs:eu-west-1:123456789012:q",
                "sqs",
                "arn:aws:sqs:eu-west-1:123456789012:q",
            ),
        ] {
            let read = subscription(text).expect(text);
            assert_eq!((read.protocol, read.endpoint.as_str()), (protocol, endpoint));
        }
    }

    #[test]
    fn what_nobody_can_be_told_by_is_refused() {
        for text in [
            "ops@example.com",
            "email:ops",
            "sms:0151",
            "http://example.com",
            "https://",
            "sqs:queue",
            "lambda:arn:aws:sqs:eu-west-1:123456789012:q",
            "pager:1",
        ] {
            assert!(subscription(text).is_err(), "{text}");
        }
    }
}
