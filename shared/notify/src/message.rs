//! An alert in the forms that its subscribers read.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Characters of a subject that SNS takes ("Publish" in the Amazon SNS API
/// Reference: ASCII, no line breaks, at most 100).
const LONGEST_SUBJECT: usize = 100;

/// Bytes of a text message that are sent as one or a few parts.
const LONGEST_SMS: usize = 300;

/// Bytes of the text; SNS takes 256 KiB for all forms together.
const LONGEST_TEXT: usize = 16 * 1024;

/// An alert, ready to be published.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// One line that is understood on a phone.
    pub subject: String,
    /// The text for people.
    pub text: String,
    /// The same for programs.
    pub json: Value,
    /// Message attributes, all of type String, for filter policies.
    pub attributes: BTreeMap<&'static str, String>,
}

impl Message {
    /// An alert whose subject and text are cut to what SNS takes.
    pub fn new(
        subject: &str,
        text: String,
        json: Value,
        attributes: BTreeMap<&'static str, String>,
    ) -> Self {
        Self { subject: plain(subject), text: cut(text, LONGEST_TEXT), json, attributes }
    }

    /// `Message` of a publish with `MessageStructure=json`: text for people, JSON
    /// for programs, the subject for phones.
    pub fn by_protocol(&self) -> String {
        let program = self.json.to_string();
        json!({
            "default": self.text,
            "email": self.text,
            "email-json": program,
            "sms": cut(self.subject.clone(), LONGEST_SMS),
            "sqs": program,
            "lambda": program,
            "http": program,
            "https": program,
        })
        .to_string()
    }
}

/// The text in characters that a subject may have.
fn plain(subject: &str) -> String {
    let ascii = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    let subject: String = subject.chars().map(ascii).collect();
    let subject = subject.trim();
    match subject.len() {
        0..=LONGEST_SUBJECT => subject.to_owned(),
        _ => format!("{}...", &subject[..LONGEST_SUBJECT - 3]),
    }
}

/// The text cut to at most so many bytes.
pub(crate) fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most.saturating_sub(3)));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_what_sns_takes() {
        assert_eq!(plain("finance: größe\nfehlt"), "finance: gr??e?fehlt");
        let long = plain(&"x".repeat(300));
        assert_eq!(long.len(), LONGEST_SUBJECT);
        assert!(long.ends_with("..."), "{long}");
    }

    #[test]
    fn every_form_fits_in_what_sns_takes() {
        let (text, json) = ("ü".repeat(500_000), json!({"a": 1}));
        let message = Message::new("s", text, json, BTreeMap::new());
        assert!(message.by_protocol().len() < 256 * 1024);
        let forms: Value = serde_json::from_str(&message.by_protocol()).expect("JSON");
        assert_eq!(forms["sqs"], r#"{"a":1}"#);
        assert_eq!(forms["sms"], "s");
    }
}
