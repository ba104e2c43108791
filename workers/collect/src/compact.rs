//! A JSON text on one line, every value as it was written.
//!
//! Reading a value and writing it again would round numbers and order members;
//! only the space between tokens is nobody's.

/// The text without the space between its tokens. It has to be JSON.
pub(crate) fn compact(json: &str) -> String {
    let mut compacted = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find(|c: char| c == '"' || is_space(c)) {
        compacted.push_str(&rest[..at]);
        let length = if rest[at..].starts_with('"') { string(&rest[at..]) } else { 0 };
        compacted.push_str(&rest[at..at + length]);
        rest = rest[at + length..].trim_start_matches(is_space);
    }
    compacted.push_str(rest);
    compacted
}

/// Space between tokens (RFC 8259, section 2).
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// Bytes of the string that a text begins with, quotes included.
fn string(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_space_between_tokens_goes() {
        for (json, expected) in [
            ("{\r\n  \"a b\" : [ 1.50, -0 , 1e400 ]\n}\n", r#"{"a b":[1.50,-0,1e400]}"#),
            (r#"{"quote": "\" x \\", "b":  " "}"#, r#"{"quote":"\" x \\","b":" "}"#),
            (r#"{"ü": "é  è"}"#, r#"{"ü":"é  è"}"#),
            ("{}", "{}"),
        ] {
            assert_eq!(compact(json), expected);
        }
    }
}
