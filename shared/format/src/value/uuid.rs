//! UUIDs (RFC 9562) as text.

/// Reads 32 hexadecimal digits, with hyphens after 8, 12, 16 and 20 of them or
/// without, in braces or without, and spells them the canonical way.
pub(crate) fn canonical_uuid(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.trim_ascii();
    let braced = text.strip_prefix(b"{").map(|text| text.strip_suffix(b"}"));
    let text = braced.unwrap_or(Some(text))?;
    let hyphens = match text.len() {
        32 => false,
        36 => true,
        _ => return None,
    };
    let mut canonical = Vec::with_capacity(36);
    for (at, byte) in text.iter().enumerate() {
        if hyphens && matches!(at, 8 | 13 | 18 | 23) {
            if *byte != b'-' {
                return None;
            }
            continue;
        }
        if matches!(canonical.len(), 8 | 13 | 18 | 23) {
            canonical.push(b'-');
        }
        canonical.push(byte.is_ascii_hexdigit().then_some(byte.to_ascii_lowercase())?);
    }
    Some(canonical)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_have_one_spelling() {
        let canonical = b"0193f0a1-7c2e-7d00-8000-00000000abcd";
        for text in [
            "0193f0a1-7c2e-7d00-8000-00000000abcd",
            " 0193F0A1-7C2E-7D00-8000-00000000ABCD ",
            "0193f0a17c2e7d00800000000000abcd",
            "{0193f0a1-7c2e-7d00-8000-00000000abcd}",
        ] {
            assert_eq!(canonical_uuid(text.as_bytes()).as_deref(), Some(&canonical[..]), "{text}");
        }
        for text in [
            "",
            "{0193f0a1-7c2e-7d00-8000-00000000abcd",
            "0193f0a1-7c2e-7d00-8000-00000000abcg",
            "0193f0a17-c2e-7d00-8000-00000000abcd",
            "0193f0a1-7c2e-7d00-8000-00000000abc",
        ] {
            assert_eq!(canonical_uuid(text.as_bytes()), None, "{text}");
        }
    }
}
