//! The three encodings of one model: CBOR, JSON and Query. The model is JSON
//! whose times are seconds since the epoch, in members with the names below.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use ciborium::Value as Cbor;
use serde_json::{Map, Number, Value};

use super::fault::Fault;
use crate::query::{Form, Xml};

/// CBOR's tag of times: seconds since the epoch.
const EPOCH_TAG: u64 = 1;

/// Members that are times.
const TIMES: [&str; 9] = [
    "Timestamp",
    "Timestamps",
    "StartTime",
    "EndTime",
    "StateUpdatedTimestamp",
    "StateTransitionedTimestamp",
    "AlarmConfigurationUpdatedTimestamp",
    "LastModified",
    "EndDate",
];
/// Members that are numbers, which a form has as text.
const NUMBERS: [&str; 18] = [
    "ActionsSuppressorExtensionPeriod",
    "ActionsSuppressorWaitPeriod",
    "Counts",
    "DatapointsToAlarm",
    "EvaluationInterval",
    "EvaluationPeriods",
    "MaxDatapoints",
    "MaxRecords",
    "MaxResults",
    "Maximum",
    "Minimum",
    "Period",
    "SampleCount",
    "StorageResolution",
    "Sum",
    "Threshold",
    "Value",
    "Values",
];
/// Members that are true or false.
const FLAGS: [&str; 5] =
    ["ActionsEnabled", "IncludeLinkedAccounts", "ReturnData", "StrictEntityValidation", "Enabled"];
/// Lists in which a `Value` is text.
const OF_TEXT: [&str; 2] = ["Dimensions", "Tags"];

/// Reads a request in CBOR.
pub(super) fn from_cbor(body: &[u8]) -> Result<Value, Fault> {
    if body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    let parsed: Result<Cbor, _> = ciborium::from_reader(body);
    model(parsed.map_err(|error| Fault::validation(format!("the request is no CBOR: {error}")))?)
}

fn model(value: Cbor) -> Result<Value, Fault> {
    Ok(match value {
        Cbor::Null => Value::Null,
        Cbor::Bool(flag) => Value::Bool(flag),
        Cbor::Text(text) => Value::String(text),
        Cbor::Integer(number) => {
            let number = i64::try_from(i128::from(number));
            number.map_err(|_| Fault::value("a number is too large"))?.into()
        }
        Cbor::Float(number) => finite(number)?,
        Cbor::Tag(_, inner) => model(*inner)?,
        Cbor::Array(items) => Value::Array(items.into_iter().map(model).collect::<Result<_, _>>()?),
        Cbor::Map(entries) => {
            let entry = |(key, value): (Cbor, Cbor)| match key {
                Cbor::Text(key) => Ok((key, model(value)?)),
                _ => Err(Fault::validation("a key is no text")),
            };
            Value::Object(entries.into_iter().map(entry).collect::<Result<_, _>>()?)
        }
        // Nothing that CloudWatch takes has bytes.
        _ => return Err(Fault::validation("the request has a value of an unknown type")),
    })
}

fn finite(number: f64) -> Result<Value, Fault> {
    let number = Number::from_f64(number);
    number.map(Value::Number).ok_or_else(|| Fault::value("a value must be a finite number"))
}

/// Writes an answer in CBOR.
pub(super) fn to_cbor(value: Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to a vector does not fail.
    let _infallible = ciborium::into_writer(&cbor(value, false), &mut bytes);
    bytes
}

fn cbor(value: Value, is_time: bool) -> Cbor {
    match value {
        Value::Null => Cbor::Null,
        Value::Bool(flag) => Cbor::Bool(flag),
        Value::String(text) => Cbor::Text(text),
        Value::Number(number) => {
            let number = match number.as_i64() {
                Some(whole) => Cbor::Integer(whole.into()),
                None => Cbor::Float(number.as_f64().unwrap_or_default()),
            };
            if is_time { Cbor::Tag(EPOCH_TAG, Box::new(number)) } else { number }
        }
        Value::Array(items) => {
            Cbor::Array(items.into_iter().map(|item| cbor(item, is_time)).collect())
        }
        Value::Object(members) => {
            let member = |(name, value): (String, Value)| {
                let is_time = TIMES.contains(&name.as_str());
                (Cbor::Text(name), cbor(value, is_time))
            };
            Cbor::Map(members.into_iter().map(member).collect())
        }
    }
}

/// What a form says so far: text, or what is below a name.
#[derive(Default)]
struct Branch<'a> {
    text: Option<&'a str>,
    below: BTreeMap<Key<'a>, Branch<'a>>,
}

/// A name, or a position in a list.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key<'a> {
    Position(u32),
    Name(&'a str),
}

/// Reads the parameters of a form.
pub(super) fn from_form(form: &Form) -> Value {
    let mut root = Branch::default();
    for (name, value) in form.all() {
        let mut branch = &mut root;
        for part in name.split('.').filter(|part| *part != "member") {
            let key = part.parse().map_or(Key::Name(part), Key::Position);
            branch = branch.below.entry(key).or_default();
        }
        branch.text = Some(value);
    }
    root.below.remove(&Key::Name("Action"));
    root.below.remove(&Key::Name("Version"));
    grown(root, "", false)
}

fn grown(branch: Branch<'_>, name: &str, of_text: bool) -> Value {
    let of_text = of_text || OF_TEXT.contains(&name);
    if branch.below.is_empty() {
        return typed(branch.text.unwrap_or_default(), name, of_text);
    }
    let is_list = branch.below.keys().all(|key| matches!(key, Key::Position(_)));
    if is_list {
        let items = branch.below.into_values();
        return items.map(|item| grown(item, name, of_text)).collect();
    }
    let members = branch.below.into_iter().filter_map(|(key, below)| match key {
        Key::Name(name) => Some((name.to_owned(), grown(below, name, of_text))),
        Key::Position(_) => None,
    });
    Value::Object(members.collect())
}

fn typed(text: &str, name: &str, of_text: bool) -> Value {
    let number = || {
        let whole = text.parse::<i64>().map(Value::from).ok();
        whole.or_else(|| finite(text.parse().ok()?).ok())
    };
    let typed = match name {
        _ if FLAGS.contains(&name) => text.parse().map(Value::Bool).ok(),
        _ if NUMBERS.contains(&name) && !of_text => number(),
        _ => None,
    };
    typed.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// Writes an answer as the elements of a Query result.
pub(super) fn to_xml(value: &Value) -> Xml {
    let mut xml = Xml::default();
    members(&mut xml, value);
    xml
}

fn members(xml: &mut Xml, value: &Value) {
    for (name, value) in value.as_object().into_iter().flatten() {
        element(xml, name, value, TIMES.contains(&name.as_str()));
    }
}

fn element(xml: &mut Xml, name: &str, value: &Value, is_time: bool) {
    match value {
        Value::Null => {}
        Value::Bool(flag) => drop(xml.text(name, &flag.to_string())),
        Value::String(text) => drop(xml.text(name, text)),
        Value::Number(number) if is_time => drop(xml.text(name, &iso(number))),
        Value::Number(number) => drop(xml.text(name, &number.to_string())),
        Value::Array(items) => {
            xml.within(name, |xml| {
                items.iter().for_each(|item| element(xml, "member", item, is_time));
            });
        }
        Value::Object(entries) if name == "ExtendedStatistics" => {
            xml.within(name, |xml| {
                for (key, value) in entries {
                    xml.within("entry", |xml| {
                        xml.text("key", key);
                        element(xml, "value", value, false);
                    });
                }
            });
        }
        Value::Object(_) => drop(xml.within(name, |xml| members(xml, value))),
    }
}

fn iso(seconds: &Number) -> String {
    let millis = (seconds.as_f64().unwrap_or_default() * 1000.0).round() as i64;
    let at = DateTime::<Utc>::from_timestamp_millis(millis).unwrap_or_default();
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_form_becomes_the_model() {
        let body = "Action=PutMetricData&Version=2010-08-01&Namespace=App\
                    &MetricData.member.1.MetricName=a&MetricData.member.1.Value=1.5\
                    &MetricData.member.1.Dimensions.member.1.Name=n\
                    &MetricData.member.1.Dimensions.member.1.Value=7\
                    &MetricData.member.2.MetricName=b&MetricData.member.2.Values.member.1=1\
                    &MetricData.member.2.Timestamp=2026-01-01T00:00:00Z&ActionsEnabled=true";
        let expected = json!({
            "Namespace": "App",
            "ActionsEnabled": true,
            "MetricData": [
                {"MetricName": "a", "Value": 1.5, "Dimensions": [{"Name": "n", "Value": "7"}]},
                {"MetricName": "b", "Values": [1], "Timestamp": "2026-01-01T00:00:00Z"},
            ],
        });
        assert_eq!(from_form(&Form::parse("", body.as_bytes())), expected);
    }

    #[test]
    fn times_are_written_as_each_protocol_has_them() {
        let answer = json!({"Timestamps": [1.5], "Values": [2.5], "Label": "<"});
        let xml = to_xml(&answer);
        let mut document = Xml::default();
        document.piece("R", &xml);
        assert_eq!(
            format!("{document:?}"),
            "Xml(\"<R><Label>&lt;</Label><Timestamps><member>1970-01-01T00:00:01.500Z</member>\
             </Timestamps><Values><member>2.5</member></Values></R>\")"
        );
        let cbor: Cbor = ciborium::from_reader(to_cbor(answer.clone()).as_slice()).unwrap();
        let times =
            cbor.as_map().unwrap().iter().find(|(key, _)| key.as_text() == Some("Timestamps"));
        let tagged = Cbor::Tag(EPOCH_TAG, Box::new(Cbor::Float(1.5)));
        assert_eq!(times.unwrap().1, Cbor::Array(vec![tagged]));
        assert_eq!(from_cbor(&to_cbor(answer.clone())).unwrap(), answer);
    }
}
