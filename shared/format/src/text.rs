//! Character encodings of whole texts.

/// ISO 8859-1 is the first 256 characters of Unicode.
pub(crate) fn latin1_to_utf8(text: &[u8]) -> String {
    text.iter().copied().map(char::from).collect()
}

/// The length of a UTF-8 byte order mark at the start.
pub(crate) fn strip_bom(text: &[u8]) -> usize {
    const BOM: &[u8] = b"\xEF\xBB\xBF";
    if text.starts_with(BOM) { BOM.len() } else { 0 }
}
