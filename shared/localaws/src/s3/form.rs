//! Reads a browser's form upload, `multipart/form-data`: the fields before the
//! file into memory, the file as it arrives.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use futures::Stream;
use s3s::StdError;
use s3s::stream::{ByteStream, RemainingLength};

use super::incoming::RequestBody;

/// Bytes before the file at most ("The POST data preceding the file").
const MAX_FIELDS: usize = 20 * 1024;

/// Why a form can't be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum FormError {
    /// Not a form, or it ends early.
    #[error("the body of your POST request is not well-formed multipart/form-data")]
    Malformed,
    /// The fields are too long.
    #[error("your POST request fields preceding the upload file were too large")]
    FieldsTooLong,
    /// There is no `file`.
    #[error("POST requires exactly one file upload per request")]
    NoFile,
    /// The file is longer than its policy allows.
    #[error("your proposed upload exceeds the maximum allowed size")]
    FileTooLong,
    /// The file is shorter than its policy demands.
    #[error("your proposed upload is smaller than the minimum allowed size")]
    FileTooShort,
}

/// A form up to its file.
#[derive(Debug)]
pub(super) struct Form {
    /// Fields in order; names in lower case.
    pub(super) fields: Vec<(String, String)>,
    /// Name of the file at the client.
    pub(super) filename: Option<String>,
    /// The file.
    pub(super) file: File,
}

/// The boundary that a `Content-Type` names, if it is a form's.
pub(super) fn boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let mut parameters = parameters.split(';').filter_map(|parameter| parameter.split_once('='));
    let named = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("boundary"));
    named.map(|(_, value)| value.trim().trim_matches('"').to_owned())
}

impl Form {
    /// Reads a form up to its file.
    ///
    /// # Errors
    /// [`FormError`].
    pub(super) async fn read(body: RequestBody, boundary: &str) -> Result<Self, FormError> {
        let mut parts = Parts::new(body, boundary);
        let mut fields = Vec::new();
        parts.up_to_delimiter().await?;
        loop {
            if !parts.begins().await? {
                return Err(FormError::NoFile);
            }
            let (name, filename) = disposition(&parts.head().await?)?;
            if name == "file" {
                let file = File { parts, len: 0, bounds: (0, u64::MAX), ended: false };
                return Ok(Self { fields, filename, file });
            }
            let value = parts.up_to_delimiter().await?;
            let value = String::from_utf8(value).map_err(|_| FormError::Malformed)?;
            fields.push((name, value));
        }
    }

    /// The field of this lower-case name.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }
}

/// The lower-case name of a part, and its file name.
fn disposition(head: &str) -> Result<(String, Option<String>), FormError> {
    let lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
    let mut named = lines.filter(|(name, _)| name.eq_ignore_ascii_case("content-disposition"));
    let (_, value) = named.next().ok_or(FormError::Malformed)?;
    let name = parameter(value, "name").ok_or(FormError::Malformed)?;
    Ok((name.to_lowercase(), parameter(value, "filename")))
}

/// A parameter of a header, quoted or not. A quote within is `%22` or `\"`.
fn parameter(value: &str, name: &str) -> Option<String> {
    let mut rest = value;
    while let Some((_, parameters)) = rest.split_once(';') {
        let (found, after) = parameters.split_once('=')?;
        let after = after.trim_start();
        let (value, end) = match after.strip_prefix('"') {
            Some(quoted) => {
                let mut escaped = false;
                let end = quoted.find(|character| {
                    let ends = character == '"' && !escaped;
                    escaped = character == '\\' && !escaped;
                    ends
                })?;
                (quoted[..end].replace("\\\"", "\"").replace("%22", "\""), &quoted[end + 1..])
            }
            None => {
                let end = after.find(';').unwrap_or(after.len());
                (after[..end].trim().to_owned(), &after[end..])
            }
        };
        if found.trim().eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = end;
    }
    None
}

/// The body, and how far it was read.
#[derive(Debug)]
struct Parts {
    body: RequestBody,
    buffer: BytesMut,
    /// What stands before every part.
    delimiter: Vec<u8>,
    /// Bytes of fields read.
    read: usize,
}

impl Parts {
    fn new(body: RequestBody, boundary: &str) -> Self {
        // The first delimiter may stand at the very beginning.
        let buffer = BytesMut::from(&b"\r\n"[..]);
        Self { body, buffer, delimiter: format!("\r\n--{boundary}").into_bytes(), read: 0 }
    }

    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), FormError>> {
        match ready!(self.body.poll_data(cx)) {
            Some(Ok(bytes)) => {
                self.buffer.extend_from_slice(&bytes);
                Poll::Ready(Ok(()))
            }
            Some(Err(_)) | None => Poll::Ready(Err(FormError::Malformed)),
        }
    }

    /// Reads more of what comes before the file.
    async fn more(&mut self) -> Result<(), FormError> {
        let before = self.buffer.len();
        if before > MAX_FIELDS || self.read > MAX_FIELDS {
            return Err(FormError::FieldsTooLong);
        }
        poll_fn(|cx| self.poll_more(cx)).await
    }

    /// Takes what comes before the next delimiter, and the delimiter.
    async fn up_to_delimiter(&mut self) -> Result<Vec<u8>, FormError> {
        loop {
            if let Some(at) = memchr::memmem::find(&self.buffer, &self.delimiter) {
                self.read += at;
                let value = self.buffer.split_to(at).to_vec();
                self.buffer.advance(self.delimiter.len());
                return match self.read > MAX_FIELDS {
                    true => Err(FormError::FieldsTooLong),
                    false => Ok(value),
                };
            }
            self.more().await?;
        }
    }

    /// Whether a part begins here, and not the end.
    async fn begins(&mut self) -> Result<bool, FormError> {
        while self.buffer.len() < 2 {
            self.more().await?;
        }
        let begins = match &self.buffer[..2] {
            b"\r\n" => true,
            b"--" => false,
            _ => return Err(FormError::Malformed),
        };
        self.buffer.advance(2);
        Ok(begins)
    }

    /// The headers of a part.
    async fn head(&mut self) -> Result<String, FormError> {
        loop {
            if let Some(at) = memchr::memmem::find(&self.buffer, b"\r\n\r\n") {
                self.read += at;
                let head = self.buffer.split_to(at).to_vec();
                self.buffer.advance(4);
                return String::from_utf8(head).map_err(|_| FormError::Malformed);
            }
            self.more().await?;
        }
    }
}

/// The file of a form, up to the next delimiter.
#[derive(Debug)]
pub(super) struct File {
    parts: Parts,
    len: u64,
    bounds: (u64, u64),
    ended: bool,
}

impl File {
    /// Refuses the file unless its length is within these bounds.
    pub(super) fn limit(&mut self, least: u64, most: u64) {
        self.bounds = (least, most);
    }

    fn give(&mut self, len: usize) -> Result<Bytes, FormError> {
        self.len += len as u64;
        match self.len > self.bounds.1 {
            true => Err(FormError::FileTooLong),
            false => Ok(self.parts.buffer.split_to(len).freeze()),
        }
    }

    /// The bytes in hand that belong to the file for certain.
    fn take(&mut self) -> Option<Result<Bytes, FormError>> {
        let buffer = &self.parts.buffer;
        match memchr::memmem::find(buffer, &self.parts.delimiter) {
            Some(at) => {
                self.ended = true;
                if self.len + (at as u64) < self.bounds.0 {
                    return Some(Err(FormError::FileTooShort));
                }
                (at > 0).then(|| self.give(at))
            }
            None => {
                let certain = buffer.len().saturating_sub(self.parts.delimiter.len());
                (certain > 0).then(|| self.give(certain))
            }
        }
    }
}

impl Stream for File {
    type Item = Result<Bytes, StdError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if self.ended {
                return Poll::Ready(None);
            }
            if let Some(piece) = self.take() {
                return Poll::Ready(Some(piece.map_err(StdError::from)));
            }
            if !self.ended {
                ready!(self.parts.poll_more(cx))?;
            }
        }
    }
}

impl ByteStream for File {
    fn remaining_length(&self) -> RemainingLength {
        RemainingLength::unknown()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_from_parts() {
        let head = "Content-Disposition: form-data; name=\"File\"; filename=\"a;b \\\"c\\\".txt\"";
        let named = disposition(head).unwrap();
        assert_eq!(named, ("file".to_owned(), Some("a;b \"c\".txt".to_owned())));
        let plain = disposition("content-disposition: form-data; name=key").unwrap();
        assert_eq!(plain, ("key".to_owned(), None));
        assert_eq!(disposition("content-type: text/plain"), Err(FormError::Malformed));
    }

    #[test]
    fn only_forms_have_a_boundary() {
        let quoted = boundary("multipart/form-data; charset=utf-8; boundary=\"a b\"");
        assert_eq!(quoted.as_deref(), Some("a b"));
        assert_eq!(boundary("multipart/mixed; boundary=a"), None);
        assert_eq!(boundary("text/plain"), None);
    }
}
