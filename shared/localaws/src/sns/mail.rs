//! The folder where emails and text messages end up, so that a person can read
//! them: `outbox/email/*.eml` and `outbox/sms/*.txt`.

use std::path::{Path, PathBuf};
use std::{fs, io};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};

use crate::clock::Millis;
use crate::folder;

/// An email.
#[derive(Debug)]
pub(super) struct Mail<'a> {
    /// Message id.
    pub(super) id: &'a str,
    /// Address.
    pub(super) to: &'a str,
    /// Subject; without one it is that of SNS.
    pub(super) subject: Option<&'a str>,
    /// Text.
    pub(super) body: String,
    /// When it was published.
    pub(super) at: Millis,
}

/// The folder of mail.
#[derive(Debug)]
pub(super) struct MailFolder(PathBuf);

impl MailFolder {
    /// Mail goes into folders in `dir`, which need not be there yet.
    pub(super) fn new(dir: PathBuf) -> Self {
        Self(dir)
    }

    /// Puts an email into its folder.
    pub(super) fn email(&self, mail: &Mail<'_>) -> io::Result<()> {
        let at = time(mail.at);
        let subject = mail.subject.unwrap_or("AWS Notification Message");
        let content = format!(
            "From: AWS Notifications <no-reply@sns.amazonaws.com>\r\nTo: {}\r\nSubject: {}\r\n\
             Date: {}\r\nMessage-ID: <{}@sns.amazonaws.com>\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: 8bit\r\n\
             \r\n{}",
            mail.to,
            header(subject),
            at.to_rfc2822(),
            mail.id,
            mail.body.replace("\r\n", "\n").replace('\n', "\r\n"),
        );
        self.write("email", &file_name(at, mail.id, mail.to, "eml"), &content)
    }

    /// Puts a text message into its folder.
    pub(super) fn sms(&self, id: &str, to: &str, message: &str, at: Millis) -> io::Result<()> {
        let at = time(at);
        let content = format!("To: {to}\nDate: {}\n\n{message}\n", at.to_rfc2822());
        self.write("sms", &file_name(at, id, to, "txt"), &content)
    }

    fn write(&self, kind: &str, name: &str, content: &str) -> io::Result<()> {
        let dir = Path::new(&self.0).join(kind);
        fs::create_dir_all(&dir)?;
        folder::replace(&dir.join(name), content.as_bytes())
    }
}

fn time(at: Millis) -> DateTime<Utc> {
    i64::try_from(at).ok().and_then(DateTime::from_timestamp_millis).unwrap_or_default()
}

/// Names sort by time, and differ by message and address.
fn file_name(at: DateTime<Utc>, id: &str, to: &str, extension: &str) -> String {
    let readable = |letter: char| letter.is_ascii_alphanumeric() || "@+-_".contains(letter);
    let to: String = to.chars().map(|c| if readable(c) { c } else { '_' }).take(64).collect();
    format!("{}-{to}-{id}.{extension}", at.format("%Y%m%dT%H%M%S%3fZ"))
}

/// A header's text; what is not ASCII is encoded (RFC 2047).
fn header(text: &str) -> String {
    match text.is_ascii() {
        true => text.to_owned(),
        false => format!("=?UTF-8?B?{}?=", STANDARD.encode(text)),
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn an_email_is_a_file_that_can_be_read() {
        let dir = TempDir::new().unwrap();
        let folder = MailFolder::new(dir.path().join("outbox"));
        let body = "zwei\nZeilen".to_owned();
        let (id, to, at) = ("1", "ops/x@example.com", 1_700_000_000_123);
        folder.email(&Mail { id, to, subject: Some("Größe"), body, at }).unwrap();
        let path = dir.path().join("outbox/email/20231114T221320123Z-ops_x@example_com-1.eml");
        let content = fs::read_to_string(path).unwrap();
        let (headers, body) = content.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, "zwei\r\nZeilen");
        assert!(headers.contains("\r\nTo: ops/x@example.com\r\n"), "{headers}");
        assert!(headers.contains("\r\nSubject: =?UTF-8?B?R3LDtsOfZQ==?=\r\n"), "{headers}");
        assert!(headers.contains("\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\n"), "{headers}");
    }
}
