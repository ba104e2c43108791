//! The JSON that a message travels in unless delivery is raw, laid out as SNS
//! lays it out. Nothing here can sign: the signature is there and is not valid.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, to_string};

use crate::clock::Millis;

use super::attributes;
use super::publication::Publication;

/// What the envelope tells beside the publication.
pub(super) struct Postmark<'a> {
    /// ARN of the topic.
    pub(super) topic: &'a str,
    /// ARN of the subscription.
    pub(super) subscription: &'a str,
    /// Message id.
    pub(super) id: &'a str,
    /// Sequence number, of FIFO topics.
    pub(super) sequence: Option<&'a str>,
    /// When it was published.
    pub(super) at: Millis,
    /// Base of this endpoint's URLs.
    pub(super) base: &'a str,
    /// Region of the topic.
    pub(super) region: &'a str,
}

/// Stands where a signature would.
pub(super) const SIGNATURE: &str = "bm90IHNpZ25lZA==";

/// The envelope of `message`, which is what the publication says to this kind
/// of subscriber.
pub(super) fn wrap(publication: &Publication, message: &str, postmark: &Postmark<'_>) -> String {
    let text = |text: &str| Some(text.to_owned());
    let fields = [
        ("Type", text("Notification")),
        ("MessageId", text(postmark.id)),
        ("SequenceNumber", postmark.sequence.map(str::to_owned)),
        ("TopicArn", text(postmark.topic)),
        ("Subject", publication.subject.clone()),
        ("Message", text(message)),
        ("Timestamp", Some(timestamp(postmark.at))),
        ("SignatureVersion", text("1")),
        ("Signature", text(SIGNATURE)),
        ("SigningCertURL", Some(certificate_url(postmark.region))),
        ("UnsubscribeURL", Some(unsubscribe_url(postmark))),
    ];
    let mut lines: Vec<String> = fields
        .into_iter()
        .filter_map(|(name, value)| Some(format!("  \"{name}\" : {}", Value::String(value?))))
        .collect();
    lines.extend(attribute_lines(publication));
    format!("{{\n{}\n}}", lines.join(",\n"))
}

/// A time as envelopes tell it.
pub(super) fn timestamp(at: Millis) -> String {
    let at = i64::try_from(at).ok().and_then(DateTime::<Utc>::from_timestamp_millis);
    at.unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Where the certificate of a signature would be.
pub(super) fn certificate_url(region: &str) -> String {
    format!("https://sns.{region}.amazonaws.com/SimpleNotificationService.pem")
}

/// Whoever opens it ends the subscription.
pub(super) fn unsubscribe_url(postmark: &Postmark<'_>) -> String {
    format!("{}/?Action=Unsubscribe&SubscriptionArn={}", postmark.base, postmark.subscription)
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
            sequence: None,
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
