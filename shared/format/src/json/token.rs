//! Walks over one JSON text (RFC 8259) and says where its values lie. Nothing
//! is built: nested values are checked and skipped, strings stay escaped.

use memchr::memchr2;

/// What is wrong with a JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JsonError {
    /// Offset of the byte at fault.
    pub(crate) at: usize,
    /// What is wrong there.
    pub(crate) what: &'static str,
}

impl JsonError {
    /// The same error, `length` bytes further on.
    pub(crate) fn behind(self, length: usize) -> Self {
        Self { at: self.at + length, ..self }
    }
}

/// A value: what it is and where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    /// What it is.
    pub(crate) kind: Kind,
    /// Its first byte; of a string, the one after the quote.
    pub(crate) start: usize,
    /// One past its last byte; of a string, the closing quote.
    pub(crate) end: usize,
}

/// Kinds of JSON values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number.
    Number,
    /// A string without escapes.
    Plain,
    /// A string with escapes.
    Escaped,
    /// An object or an array.
    Nested,
}

impl Token {
    /// The value as it stands in the text; a string without its quotes.
    pub(crate) fn text<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[self.start..self.end]
    }

    /// The value as it stands in the text; a string with its quotes.
    pub(crate) fn source<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        match self.kind {
            Kind::Plain | Kind::Escaped => &bytes[self.start - 1..self.end + 1],
            Kind::Null | Kind::Bool | Kind::Number | Kind::Nested => self.text(bytes),
        }
    }
}

/// How deep values may nest.
const DEEPEST: usize = 512;

/// A position in a JSON text.
pub(crate) struct Tokens<'a> {
    bytes: &'a [u8],
    at: usize,
}

type Result<T> = std::result::Result<T, JsonError>;

impl<'a> Tokens<'a> {
    /// Starts at the first byte. The text must be UTF-8; that is not checked.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Whether the next value is an object.
    pub(crate) fn is_object(&mut self) -> bool {
        self.peek() == Some(b'{')
    }

    /// Enters an object. False if it is empty.
    pub(crate) fn open_object(&mut self) -> Result<bool> {
        if self.peek() != Some(b'{') {
            return self.fail("expected a JSON object");
        }
        self.at += 1;
        Ok(!self.take(b'}'))
    }

    /// The key of the next member, and past its colon.
    #[inline]
    pub(crate) fn key(&mut self) -> Result<Token> {
        if !self.take(b'"') {
            return self.fail("expected a key in double quotes");
        }
        let key = self.string()?;
        if !self.take(b':') {
            return self.fail("expected a colon");
        }
        Ok(key)
    }

    /// The key of the next member, and past its colon, if it is spelled exactly
    /// like `spelled`: a key in quotes, with the colon right behind it.
    #[inline]
    pub(crate) fn take_key(&mut self, spelled: &[u8]) -> Option<Token> {
        self.peek();
        if !self.bytes[self.at..].starts_with(spelled) {
            return None;
        }
        let start = self.at + 1;
        self.at += spelled.len();
        Some(Token { kind: Kind::Plain, start, end: self.at - 2 })
    }

    /// Past the comma or the closing brace. False if the object is over.
    #[inline]
    pub(crate) fn next_member(&mut self) -> Result<bool> {
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(b'}') => {
                self.at += 1;
                Ok(false)
            }
            _ => self.fail("expected a comma or a closing brace"),
        }
    }

    /// Enters an array. False if it is empty.
    pub(crate) fn open_array(&mut self) -> Result<bool> {
        if self.peek() != Some(b'[') {
            return self.fail("expected a JSON array");
        }
        self.at += 1;
        Ok(!self.take(b']'))
    }

    /// Past the comma or the closing bracket. False if the array is over.
    pub(crate) fn next_element(&mut self) -> Result<bool> {
        self.after_value(false)
    }

    /// Nothing but white space may follow.
    pub(crate) fn end(&mut self) -> Result<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => self.fail("text follows the value"),
        }
    }

    /// The next value, whatever it is.
    #[inline]
    pub(crate) fn value(&mut self) -> Result<Token> {
        let next = self.peek();
        let start = self.at;
        match next {
            Some(b'"') => {
                self.at += 1;
                self.string()
            }
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'{' | b'[') => self.nested(),
            Some(b'n') => self.literal(start, b"null", Kind::Null),
            Some(b't') => self.literal(start, b"true", Kind::Bool),
            Some(b'f') => self.literal(start, b"false", Kind::Bool),
            _ => self.fail("expected a value"),
        }
    }

    fn literal(&mut self, start: usize, word: &[u8], kind: Kind) -> Result<Token> {
        if !self.bytes[start..].starts_with(word) {
            return self.fail("expected a value");
        }
        self.at += word.len();
        Ok(Token { kind, start, end: self.at })
    }

    /// A string, past its opening quote.
    #[inline]
    fn string(&mut self) -> Result<Token> {
        let start = self.at;
        let mut kind = Kind::Plain;
        loop {
            let Some(found) = memchr2(b'"', b'\\', &self.bytes[self.at..]) else {
                self.at = self.bytes.len();
                return self.fail("a string is never closed");
            };
            self.check_no_control(self.at, self.at + found)?;
            self.at += found;
            if self.bytes[self.at] == b'"' {
                self.at += 1;
                return Ok(Token { kind, start, end: self.at - 1 });
            }
            kind = Kind::Escaped;
            self.escape()?;
        }
    }

    fn check_no_control(&mut self, from: usize, to: usize) -> Result<()> {
        // One flag for the whole string first: that is fast and nearly always clear.
        let control = self.bytes[from..to].iter().fold(false, |any, &byte| any | (byte < 0x20));
        if !control {
            return Ok(());
        }
        let found = self.bytes[from..to].iter().position(|&byte| byte < 0x20);
        self.at = from + found.unwrap_or_default();
        self.fail("a control character stands in a string")
    }

    fn escape(&mut self) -> Result<()> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let digits = self.bytes.get(self.at + 2..self.at + 6);
                if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                    return self.fail("a \\u escape needs four hexadecimal digits");
                }
                self.at += 6;
            }
            _ => return self.fail("an unknown escape"),
        }
        Ok(())
    }

    #[inline]
    fn number(&mut self) -> Result<Token> {
        let start = self.at;
        self.take_byte(b'-');
        match self.bytes.get(self.at) {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.take_byte(b'.') {
            self.digits()?;
        }
        if self.take_byte(b'e') || self.take_byte(b'E') {
            let _ = self.take_byte(b'+') || self.take_byte(b'-');
            self.digits()?;
        }
        Ok(Token { kind: Kind::Number, start, end: self.at })
    }

    #[inline]
    fn digits(&mut self) -> Result<()> {
        let rest = &self.bytes[self.at..];
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 { self.fail("expected a digit") } else { Ok(()) }
    }

    /// An object or an array: every value in it is checked, none is kept.
    fn nested(&mut self) -> Result<Token> {
        let start = self.at;
        // The bit of a level is set where it is an object.
        let mut levels: Vec<bool> = Vec::new();
        loop {
            let mut value_is_next = self.enter(&mut levels)?;
            while !value_is_next {
                let Some(&is_object) = levels.last() else {
                    return Ok(Token { kind: Kind::Nested, start, end: self.at });
                };
                value_is_next = self.after_value(is_object)?;
                if !value_is_next {
                    levels.pop();
                }
            }
            if levels.last() == Some(&true) {
                self.key()?;
            }
        }
    }

    /// Takes a scalar, or opens a level. True if a value of the new level is
    /// next.
    fn enter(&mut self, levels: &mut Vec<bool>) -> Result<bool> {
        let (is_object, close) = match self.peek() {
            Some(b'{') => (true, b'}'),
            Some(b'[') => (false, b']'),
            _ => return self.value().map(|_| false),
        };
        if levels.len() == DEEPEST {
            return self.fail("values nest deeper than 512 levels");
        }
        self.at += 1;
        if self.take(close) {
            return Ok(false);
        }
        levels.push(is_object);
        Ok(true)
    }

    /// True if another value of the level follows, false if it is closed.
    fn after_value(&mut self, is_object: bool) -> Result<bool> {
        let close = if is_object { b'}' } else { b']' };
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(false)
            }
            _ if is_object => self.fail("expected a comma or a closing brace"),
            _ => self.fail("expected a comma or a closing bracket"),
        }
    }

    /// The next byte that is not white space.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                next => return next.copied(),
            }
        }
    }

    #[inline]
    fn take(&mut self, byte: u8) -> bool {
        self.peek();
        self.take_byte(byte)
    }

    #[inline]
    fn take_byte(&mut self, byte: u8) -> bool {
        let found = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    #[cold]
    fn fail<T>(&self, what: &'static str) -> Result<T> {
        Err(JsonError { at: self.at, what })
    }
}

#[cfg(test)]
mod tests {
    use super::super::is_value;
    use super::*;

    #[test]
    fn members_are_found_without_building_anything() {
        let text = br#" {"a": 1, "b\n":"x\"y", "c":[{"d":[]},2] , "e":null,"f":true}"#;
        let mut tokens = Tokens::new(text);
        let mut found = Vec::new();
        let mut more = tokens.open_object().expect("an object");
        while more {
            let key = tokens.key().expect("a key");
            let value = tokens.value().expect("a value");
            let text = |token: &Token| String::from_utf8_lossy(token.source(text)).into_owned();
            found.push((text(&key), value.kind, text(&value)));
            more = tokens.next_member().expect("more or the end");
        }
        tokens.end().expect("the end");
        insta::assert_debug_snapshot!(found, @r#"
        [
            (
                "\"a\"",
                Number,
                "1",
            ),
            (
                "\"b\\n\"",
                Escaped,
                "\"x\\\"y\"",
            ),
            (
                "\"c\"",
                Nested,
                "[{\"d\":[]},2]",
            ),
            (
                "\"e\"",
                Null,
                "null",
            ),
            (
                "\"f\"",
                Bool,
                "true",
            ),
        ]
        "#);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let fault = |text: &str| {
            let mut tokens = Tokens::new(text.as_bytes());
            let error = tokens.value().and_then(|_| tokens.end()).expect_err(text);
            format!("{} at {}", error.what, error.at)
        };
        for (text, expected) in [
            ("", "expected a value at 0"),
            ("{\"a\":1} x", "text follows the value at 8"),
            ("{\"a\":}", "expected a value at 5"),
            ("{\"a\" 1}", "expected a colon at 5"),
            ("{a:1}", "expected a key in double quotes at 1"),
            ("[1,]", "expected a value at 3"),
            ("[1 2]", "expected a comma or a closing bracket at 3"),
            ("{\"a\":1", "expected a comma or a closing brace at 6"),
            ("\"abc", "a string is never closed at 4"),
            ("\"a\tb\"", "a control character stands in a string at 2"),
            ("\"\\x\"", "an unknown escape at 1"),
            ("\"\\u12G4\"", "a \\u escape needs four hexadecimal digits at 1"),
            ("1.", "expected a digit at 2"),
            ("01", "text follows the value at 1"),
            ("-", "expected a digit at 1"),
            ("nul", "expected a value at 0"),
        ] {
            assert_eq!(fault(text), expected, "{text}");
        }
    }

    #[test]
    fn nesting_has_a_bottom() {
        assert!(is_value(format!("{}{}", "[".repeat(512), "]".repeat(512)).as_bytes()));
        assert!(!is_value(format!("{}{}", "[".repeat(513), "]".repeat(513)).as_bytes()));
        assert!(!is_value("[".repeat(100_000).as_bytes()));
        assert!(!is_value("[{\"\":".repeat(50_000).as_bytes()));
    }
}
