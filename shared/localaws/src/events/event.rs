//! An event as its targets get it.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::answer::random_id;
use crate::arn::Account;
use crate::clock::Millis;
use crate::time::rfc3339;

/// What is told of an event by whoever puts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    /// As in `aws.s3`.
    pub(super) source: String,
    /// As in `Object Created`.
    pub(super) detail_type: String,
    /// ARNs of what it is about.
    pub(super) resources: Vec<String>,
    /// When it happened.
    pub(super) at: Millis,
    /// A JSON object.
    pub(super) detail: String,
}

/// An event on a bus.
#[derive(Debug, Clone)]
pub(super) struct Event {
    /// Its id.
    pub(super) id: String,
    /// The event as JSON; keys and numbers of the detail are as they were put.
    pub(super) json: String,
    /// The same, to be looked into.
    pub(super) document: Value,
    /// When the bus got it.
    pub(super) ingested_at: Millis,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Envelope<'a> {
    version: &'static str,
    id: &'a str,
    detail_type: &'a str,
    source: &'a str,
    account: &'a str,
    time: String,
    region: &'a str,
    resources: &'a [String],
    detail: Box<RawValue>,
}

impl Event {
    /// An event with an id of its own.
    ///
    /// # Errors
    /// If the detail is not JSON.
    pub(super) fn new(
        facts: Facts,
        account: &Account,
        now: Millis,
    ) -> Result<Self, serde_json::Error> {
        let id = random_id().to_string();
        let envelope = Envelope {
            version: "0",
            id: &id,
            detail_type: &facts.detail_type,
            source: &facts.source,
            account: &account.id,
            time: rfc3339(facts.at),
            region: &account.region,
            resources: &facts.resources,
            detail: RawValue::from_string(compact(&facts.detail))?,
        };
        let json = serde_json::to_string(&envelope)?;
        let document = serde_json::from_str(&json)?;
        Ok(Self { id, json, document, ingested_at: now })
    }
}

/// JSON without the whitespace between its parts.
fn compact(json: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    let keep = |letter: &char| {
        let keep = in_string || !letter.is_ascii_whitespace();
        match (escaped, letter) {
            (true, _) => escaped = false,
            (false, '\\') => escaped = in_string,
            (false, '"') => in_string = !in_string,
            (false, _) => {}
        }
        keep
    };
    json.chars().filter(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_detail_keeps_its_order_and_its_numbers() {
        let account = Account { id: "000000000000".into(), region: "us-east-1".into() };
        let facts = Facts {
            source: "shop".into(),
            detail_type: "Order".into(),
            resources: vec![],
            at: 1_700_000_000_999,
            detail: "{ \"b\" : 1.50,\n \"a\": \"x \\\" y\" }".into(),
        };
        let event = Event::new(facts, &account, 0).unwrap();
        let expected = format!(
            "{{\"version\":\"0\",\"id\":\"{}\",\"detail-type\":\"Order\",\"source\":\"shop\",\
             \"account\":\"000000000000\",\"time\":\"2023-11-14T22:13:20Z\",\
             \"region\":\"us-east-1\",\"resources\":[],\
             \"detail\":{{\"b\":1.50,\"a\":\"x \\\" y\"}}}}",
            event.id
        );
        assert_eq!(event.json, expected);
    }
}
