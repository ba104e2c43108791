//! The escapes of JSON strings.

/// Appends a string without its escapes. `None` if it has half of a surrogate
/// pair or U+0000, which no text column can hold; the escapes themselves must
/// have been checked.
pub(crate) fn unescape(escaped: &[u8], plain: &mut Vec<u8>) -> Option<()> {
    let mut rest = escaped;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        plain.extend_from_slice(&rest[..at]);
        let (&letter, after) = rest[at + 1..].split_first()?;
        rest = after;
        match letter {
            b'b' => plain.push(0x08),
            b'f' => plain.push(0x0C),
            b'n' => plain.push(b'\n'),
            b'r' => plain.push(b'\r'),
            b't' => plain.push(b'\t'),
            b'u' => {
                let (character, after) = unicode(rest)?;
                plain.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                rest = after;
            }
            same => plain.push(same),
        }
    }
    plain.extend_from_slice(rest);
    Some(())
}

/// The character of a `\u` escape, of two where it needs a surrogate pair.
fn unicode(text: &[u8]) -> Option<(char, &[u8])> {
    let (unit, rest) = code_unit(text)?;
    if !(0xD800..=0xDBFF).contains(&unit) {
        let character = char::from_u32(unit).filter(|&character| character != '\0')?;
        return Some((character, rest));
    }
    let (low, rest) = code_unit(rest.strip_prefix(b"\\u")?)?;
    if !(0xDC00..=0xDFFF).contains(&low) {
        return None;
    }
    let scalar = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    Some((char::from_u32(scalar)?, rest))
}

fn code_unit(text: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, rest) = text.split_at_checked(4)?;
    let unit = digits
        .iter()
        .try_fold(0, |unit, &digit| Some(unit * 16 + char::from(digit).to_digit(16)?))?;
    Some((unit, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(escaped: &str) -> Option<String> {
        let mut plain = Vec::new();
        unescape(escaped.as_bytes(), &mut plain)?;
        Some(String::from_utf8(plain).expect("UTF-8"))
    }

    #[test]
    fn escapes_become_characters() {
        assert_eq!(plain(r#"a\"\\\/\b\f\n\r\tz"#).as_deref(), Some("a\"\\/\u{8}\u{c}\n\r\tz"));
        assert_eq!(plain(r"\u00e9\u20AC\ud83d\ude00").as_deref(), Some("é€😀"));
        for lone in [r"\ud83d", r"\ude00", r"\ud83dx", r"\ud83d\u0041", r"\u0000"] {
            assert_eq!(plain(lone), None, "{lone}");
        }
    }

    proptest! {
        #[test]
        fn strings_read_back_as_serde_wrote_them(text in "[^\0]*") {
            let json = serde_json::to_string(&text).expect("serialises");
            prop_assert_eq!(plain(&json[1..json.len() - 1]), Some(text));
        }
    }
}
