//! What an alert says: a subject for the phone at night, a text with what, where,
//! how many, the likely cause and the command to run next, and JSON for programs.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use millrace_contract::{AlertKind, Occurrence};
use millrace_retry::FailureClass;
use serde_json::{Value, json};

use crate::Message;
use crate::message::cut;

/// Bytes of a reason in the text.
const LONGEST_REASON: usize = 1_500;

/// Occurrences of one cause, told in one alert.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// The pipeline's name.
    pub pipeline: &'a str,
    /// How many.
    pub count: u64,
    /// How many were told before: with any, this is a digest.
    pub before: u64,
    /// When the first of them happened.
    pub first_at: DateTime<Utc>,
    /// When the last of them happened.
    pub last_at: DateTime<Utc>,
    /// The newest of them, the newest first.
    pub newest: &'a [Occurrence],
}

/// The alert that tells of them; none if there is nothing to tell of.
pub fn render(told: &Told<'_>) -> Option<Message> {
    let newest = told.newest.first()?;
    let subject = format!("{}: {}", told.pipeline, headline(told, newest));
    let attributes = attributes(told, newest);
    let mut json = facts(told, newest, &attributes);
    let message = Message::new(&subject, text(told, newest), Value::Null, attributes);
    json["subject"] = json!(message.subject);
    Some(Message { json, ..message })
}

fn headline(told: &Told<'_>, newest: &Occurrence) -> String {
    let more = if told.before > 0 { "more " } else { "" };
    let count = counted(told.count);
    let of = newest.dataset.as_ref().map(|dataset| format!(" of {dataset}")).unwrap_or_default();
    let stage = newest.stage.map(|stage| format!(" in {stage}")).unwrap_or_default();
    match newest.kind {
        AlertKind::FileRejected => {
            let files = plural(told.count, "file");
            format!("{count} {more}{files}{of} rejected")
        }
        AlertKind::DeadLetter => {
            let letters = plural(told.count, "dead letter");
            let class = newest.class.as_ref().map(|class| format!(", {class}"));
            format!("{count} {more}{letters}{of}{stage}{}", class.unwrap_or_default())
        }
        AlertKind::LateDataset => match newest.lasted_ms {
            Some(lasted) => {
                let dataset = newest.dataset.as_deref().unwrap_or_default();
                format!("{dataset} has new files again, late by {}", lasting(lasted))
            }
            None => format!("no new files{of}"),
        },
        AlertKind::SchemaChanged => format!("columns{of} changed"),
        AlertKind::LostEvents => "lost events found and sent again".to_owned(),
        AlertKind::Outage => match newest.lasted_ms {
            Some(lasted) => format!("outage over after {}, workers go on", lasting(lasted)),
            None => format!("outage, workers wait{stage}"),
        },
    }
}

fn text(told: &Told<'_>, newest: &Occurrence) -> String {
    let mut lines = vec![format!("{}.", summary(told, newest)), String::new()];
    let mut line = |name: &str, value: String| lines.push(format!("{name:<10}{value}"));
    line("What", cut(newest.message.clone(), LONGEST_REASON));
    let mut name = "Where";
    for place in places(told.newest) {
        line(name, place);
        name = "";
    }
    line("When", period(told));
    if let Some(class) = &newest.class {
        line("Class", class.clone());
    }
    line("Likely", cause(newest).to_owned());
    name = "Next";
    for command in commands(newest) {
        line(name, command);
        name = "";
    }
    lines.push(String::new());
    lines.join("\n")
}

/// The first sentence: what it means.
fn summary(told: &Told<'_>, newest: &Occurrence) -> String {
    let of = newest.dataset.as_ref().map(|dataset| format!(" of dataset `{dataset}`"));
    let of = of.unwrap_or_default();
    let stage = newest.stage.map(|stage| format!(" in stage {stage}")).unwrap_or_default();
    let count = counted(told.count);
    let more = if told.before > 0 { " more" } else { "" };
    let total = match told.before {
        0 => String::new(),
        before => format!(" ({} in all)", counted(before.saturating_add(told.count))),
    };
    match newest.kind {
        AlertKind::FileRejected => {
            let files = plural(told.count, "file");
            format!("{count}{more} {files}{of} rejected: nothing of them is loaded{total}")
        }
        AlertKind::DeadLetter => {
            let letters = plural(told.count, "message");
            format!("{count}{more} {letters}{of} dead-lettered{stage}{total}")
        }
        AlertKind::LateDataset => match newest.lasted_ms {
            Some(lasted) => format!("New files{of} came, late by {}", lasting(lasted)),
            None => format!("No new files{of} came when they should have"),
        },
        AlertKind::SchemaChanged => format!("A file changed the columns{of}{total}"),
        AlertKind::LostEvents => {
            "Objects were published that no event told of; they are on their way now".to_owned()
        }
        AlertKind::Outage => match newest.lasted_ms {
            Some(lasted) => format!(
                "The outage is over after {}: messages waited, none was dead-lettered for it",
                lasting(lasted)
            ),
            None => "A dependency is down for everyone: workers receive no messages until it \
                     answers again"
                .to_owned(),
        },
    }
}

/// Where it happened, as far as that is known.
fn places(newest: &[Occurrence]) -> Vec<String> {
    let mut places: Vec<String> = Vec::new();
    for occurrence in newest {
        let place = match (&occurrence.object, &occurrence.message_id) {
            (Some(object), _) => object.to_string(),
            (None, Some(message)) => format!("message {message}"),
            (None, None) => continue,
        };
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

fn period(told: &Told<'_>) -> String {
    let moment = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    match (moment(told.first_at), moment(told.last_at)) {
        (first, last) if first == last => first,
        (first, last) => format!("{first} to {last}"),
    }
}

/// The likely cause, by what it is and the failure's class.
fn cause(newest: &Occurrence) -> &'static str {
    match newest.kind {
        AlertKind::LateDataset => match newest.lasted_ms {
            Some(_) => "whoever publishes the files did so at last",
            None => "whoever publishes the files did not, or not to this bucket",
        },
        AlertKind::SchemaChanged => "whoever publishes the files changed them",
        AlertKind::LostEvents => {
            "the bucket's notifications were off, pointed elsewhere or were lost, or its queue \
             kept messages for too short a time"
        }
        AlertKind::Outage => match newest.lasted_ms {
            Some(_) => "what was down answers again",
            None => "the database or a service is down, restarting, full or out of reach",
        },
        AlertKind::DeadLetter | AlertKind::FileRejected => {
            let class = newest.class.as_deref().and_then(|class| class.parse().ok());
            class.map_or("see the message", cause_of_class)
        }
    }
}

fn cause_of_class(class: FailureClass) -> &'static str {
    match class {
        FailureClass::Transient => "it kept failing until its attempts were used up",
        FailureClass::Throttled => "a service was asked for more than it gives, for too long",
        FailureClass::Outage => "a dependency was down for longer than its attempts",
        FailureClass::Denied => "a permission of the worker's role, bucket or key is missing",
        FailureClass::Missing => "the object was deleted or overwritten before it was read",
        FailureClass::Poison => {
            "the message or its file can't be read: damaged or not what it says"
        }
        FailureClass::Contract => "the files differ from what the pipeline file says of them",
    }
}

/// What to run next.
fn commands(newest: &Occurrence) -> Vec<String> {
    let object = newest.object.as_ref().map(|object| quoted(&object.url()));
    let dataset = newest.dataset.as_deref().unwrap_or_default();
    match newest.kind {
        AlertKind::DeadLetter | AlertKind::FileRejected => {
            let rejects = newest.rejects.as_ref().and(object.as_ref());
            let rejects = rejects.map(|object| format!("millrace rejects show {object}"));
            let show = newest.message_id.as_ref().map(|id| format!("millrace dlq show {id}"));
            let group = newest.fingerprint.as_ref();
            let redrive = group
                .map(|group| format!("millrace dlq redrive --group {group}   # once it is mended"));
            [rejects, show, redrive].into_iter().flatten().collect()
        }
        AlertKind::LateDataset => vec![format!("millrace runs --dataset {dataset}")],
        AlertKind::SchemaChanged => {
            let trace = object.map(|object| format!("millrace trace {object}"));
            vec![trace.unwrap_or_else(|| format!("millrace runs --dataset {dataset}"))]
        }
        AlertKind::Outage => vec!["millrace status".to_owned()],
        AlertKind::LostEvents => {
            vec!["millrace maintenance".to_owned(), "millrace doctor".to_owned()]
        }
    }
}

/// The text as one word of a shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/:._-=@%+,".contains(c);
    match text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// What filter policies go by. SNS takes no empty values, so what is not known is
/// not there.
fn attributes(told: &Told<'_>, newest: &Occurrence) -> BTreeMap<&'static str, String> {
    let known = [
        ("kind", Some(kind(newest).to_owned())),
        ("severity", Some(severity(newest).to_owned())),
        ("pipeline", Some(told.pipeline.to_owned())),
        ("dataset", newest.dataset.clone()),
        ("stage", newest.stage.map(|stage| stage.to_string())),
        ("class", newest.class.clone()),
    ];
    let known = known.into_iter().filter_map(|(name, value)| Some((name, value?)));
    known.filter(|(_, value)| !value.is_empty()).collect()
}

/// `kind` in attributes and JSON: the end of something has a word of its own.
fn kind(newest: &Occurrence) -> &'static str {
    match (newest.kind, newest.lasted_ms) {
        (AlertKind::Outage | AlertKind::LateDataset, Some(_)) => "recovery",
        (kind, _) => kind.as_str(),
    }
}

fn severity(newest: &Occurrence) -> &'static str {
    let if_over = |before| if newest.lasted_ms.is_some() { "info" } else { before };
    match newest.kind {
        AlertKind::DeadLetter => "error",
        AlertKind::FileRejected | AlertKind::LostEvents => "warning",
        AlertKind::SchemaChanged => "info",
        AlertKind::LateDataset => if_over("warning"),
        AlertKind::Outage => if_over("critical"),
    }
}

/// The alert for programs. Fields are only ever added.
fn facts(
    told: &Told<'_>,
    newest: &Occurrence,
    attributes: &BTreeMap<&'static str, String>,
) -> Value {
    let mut facts = json!({
        "version": 1,
        "count": told.count,
        "total": told.before.saturating_add(told.count),
        "digest": told.before > 0,
        "first_at": told.first_at,
        "last_at": told.last_at,
        "message": cut(newest.message.clone(), LONGEST_REASON),
        "likely_cause": cause(newest),
        "commands": commands(newest),
        "newest": told.newest.iter().map(example).collect::<Vec<_>>(),
    });
    for (name, value) in attributes {
        facts[*name] = json!(value);
    }
    for (name, value) in [
        ("fingerprint", newest.fingerprint.as_ref().map(|text| json!(text))),
        ("lasted_ms", newest.lasted_ms.map(|lasted| json!(lasted))),
    ] {
        if let Some(value) = value {
            facts[name] = value;
        }
    }
    facts
}

fn example(occurrence: &Occurrence) -> Value {
    let mut example = json!({ "at": occurrence.at });
    let known = [
        ("object", occurrence.object.as_ref().map(ToString::to_string)),
        ("file_id", occurrence.file_id.as_ref().map(ToString::to_string)),
        ("message_id", occurrence.message_id.clone()),
        ("rejects", occurrence.rejects.clone()),
        ("trace_id", occurrence.trace_id.clone()),
    ];
    for (name, value) in known.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        example[name] = json!(value);
    }
    example
}

fn plural(count: u64, noun: &str) -> String {
    if count == 1 { noun.to_owned() } else { format!("{noun}s") }
}

/// The number with commas between thousands.
fn counted(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time span in words that fit a subject: `45 s`, `2 min 10 s`, `3 h 5 min`.
fn lasting(millis: u64) -> String {
    let seconds = Duration::from_millis(millis).as_secs();
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
