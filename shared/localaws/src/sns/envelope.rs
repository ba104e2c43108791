//! The JSON that a message travels in unless delivery is raw, laid out as SNS
//! lays it out. Nothing here can sign: the signature is there and is not valid.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, to_string};

use crate::clock::Millis;

use super::attributes;
use super::publish::Publication;

/// What the envelope tells beside the publication.
pub(super) struct Postmark<'a> {
    /// ARN of the topic.
    pub(super) topic: &'a str,
    /// ARN of the subscription.
    pub(super) subscription: &'a str,
    /// Message id.
    pub(super) id: &'a str,
    /// When it was published.
    pub(super) at: Millis,
    /// Base of this endpoint's URLs.
    pub(super) base: &'a str,
    /// Region of the topic.
    pub(super) region: &'a str,
}

/// The envelope of `message`, which is what the publication says to this kind
/// of subscriber.
pub(super) fn wrap(publication: &Publication, message: &str, postmark: &Postmark<'_>) -> String {
    let Postmark { topic, subscription, id, at, base, region } = postmark;
    let at = DateTime::<Utc>::from_timestamp_millis(*at as i64).unwrap_or_default();
    let certificate = format!("https://sns.{region}.amazonaws.com/SimpleNotificationService.pem");
    let mut fields = vec![
        ("Type", "Notification".to_owned()),
        ("MessageId", (*id).to_owned()),
        ("TopicArn", (*topic).to_owned()),
    ];
    fields.extend(publication.subject.clone().map(|subject| ("Subject", subject)));
    fields.extend([
        ("Message", message.to_owned()),
        ("Timestamp", at.to_rfc3339_opts(SecondsFormat::Millis, true)),
        ("SignatureVersion", "1".to_owned()),
        ("Signature", "bm90IHNpZ25lZA==".to_owned()),
        ("SigningCertURL", certificate),
        ("UnsubscribeURL", format!("{base}/?Action=Unsubscribe&SubscriptionArn={subscription}")),
    ]);
    let mut lines: Vec<String> = fields
        .into_iter()
        .map(|(name, value)| format!("  \"{name}\" : {}", Value::String(value)))
        .collect();
    lines.extend(attribute_lines(publication));
    format!("{{\n{}\n}}", lines.join(",\n"))
}

fn attribute_lines(publication: &Publication) -> Option<String> {
    if publication.attributes.is_empty() {
        return None;
    }
    let lines: Vec<String> = attributes::shown(&publication.attributes)
        .iter()
        .map(|(name, value)| format!("    {} : {value}", to_string(name).unwrap_or_default()))
        .collect();
    Some(format!("  \"MessageAttributes\" : {{\n{}\n  }}", lines.join(",\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_is_json_with_everything_in_it() {
        let publication = Publication {
            subject: Some("Amazon S3 Notification".into()),
            ..Publication::plain("{\"Records\":[]}".into())
        };
        let postmark = Postmark {
            topic: "arn:aws:sns:us-east-1:000000000000:t",
            subscription: "arn:aws:sns:us-east-1:000000000000:t:1",
            id: "m",
            at: 1_700_000_000_123,
            base: "http://127.0.0.1:4566",
            region: "us-east-1",
        };
        let text = wrap(&publication, &publication.message, &postmark);
        assert!(text.starts_with("{\n  \"Type\" : \"Notification\",\n  \"MessageId\" : \"m\",\n"));
        let json: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(json["Message"], "{\"Records\":[]}");
        assert_eq!(json["Subject"], "Amazon S3 Notification");
        assert_eq!(json["Timestamp"], "2023-11-14T22:13:20.123Z");
        assert!(json.get("MessageAttributes").is_none());
    }
}
