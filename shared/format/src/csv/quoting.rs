//! How fields are enclosed and what is escaped in them: from a field as it
//! stands in the file to what it says.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

/// The quote and escape of a dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quoting {
    /// Encloses fields; within quotes a doubled one stands for itself.
    pub(crate) quote: Option<u8>,
    /// Makes the byte behind it stand for itself.
    pub(crate) escape: Option<u8>,
}

impl Quoting {
    /// What stands between the quotes of a quoted field, escapes and all.
    #[inline]
    pub(crate) fn inner<'a>(&self, field: &'a [u8]) -> Option<&'a [u8]> {
        let quote = self.quote?;
        match field {
            [first, inner @ .., last] if *first == quote && *last == quote => Some(inner),
            _ => None,
        }
    }

    /// What a field says. Only well-formed fields get here: one that starts with
    /// a quote ends with one.
    pub(crate) fn content<'a>(&self, field: &'a [u8]) -> Cow<'a, [u8]> {
        let inner = self.inner(field);
        let text = inner.unwrap_or(field);
        if self.is_plain(text, inner.is_some()) {
            return Cow::Borrowed(text);
        }
        let mut plain = Vec::with_capacity(text.len());
        self.append(text, inner.is_some(), &mut plain);
        Cow::Owned(plain)
    }

    /// Appends what a text says that stands within quotes or outside.
    #[inline]
    pub(crate) fn append(&self, text: &[u8], quoted: bool, plain: &mut Vec<u8>) {
        if self.is_plain(text, quoted) {
            plain.extend_from_slice(text);
        } else {
            self.append_escaped(text, quoted, plain);
        }
    }

    #[inline]
    fn is_plain(&self, text: &[u8], quoted: bool) -> bool {
        let doubled = self.quote.filter(|_| quoted);
        match (doubled, self.escape) {
            (None, None) => true,
            (Some(byte), None) | (None, Some(byte)) => memchr(byte, text).is_none(),
            (Some(quote), Some(escape)) => memchr2(quote, escape, text).is_none(),
        }
    }

    #[cold]
    fn append_escaped(&self, mut text: &[u8], quoted: bool, plain: &mut Vec<u8>) {
        // Of two bytes, a doubled quote or an escape and what it escapes, the
        // second one counts.
        let pairs = |byte: &u8| Some(*byte) == self.escape || (quoted && Some(*byte) == self.quote);
        while let Some(at) = text.iter().position(pairs) {
            plain.extend_from_slice(&text[..at]);
            plain.push(*text.get(at + 1).unwrap_or(&text[at]));
            text = text.get(at + 2..).unwrap_or_default();
        }
        plain.extend_from_slice(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_say_what_stands_between_their_quotes() {
        let double = Quoting { quote: Some(b'"'), escape: None };
        let backslash = Quoting { quote: Some(b'"'), escape: Some(b'\\') };
        let none = Quoting { quote: None, escape: None };
        for (quoting, field, content) in [
            (double, r#"a"#, r#"a"#),
            (double, r#""a""b""#, r#"a"b"#),
            (double, r#""""#, r#""#),
            (double, r#""a\n""#, r#"a\n"#),
            (backslash, r#""a\"b""c\\""#, r#"a"b"c\"#),
            (backslash, r#"a\,b"#, r#"a,b"#),
            (backslash, r#"a""#, r#"a""#),
            (none, r#""a""b""#, r#""a""b""#),
        ] {
            assert_eq!(quoting.content(field.as_bytes()), content.as_bytes(), "{field}");
        }
    }
}
