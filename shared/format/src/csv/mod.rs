//! Delimited text: dialect, rows and fields, header.

mod dialect;
mod mask;
mod scan;

use std::borrow::Cow;

pub(crate) use dialect::Dialect;
use millrace_contract::FileFormat;
pub(crate) use scan::{Scanned, Shape, scan};

/// Whether rows of a format are delimited text.
pub(crate) fn is_delimited(format: FileFormat) -> bool {
    match format {
        FileFormat::Csv | FileFormat::Tsv => true,
        FileFormat::Ndjson => false,
    }
}

/// What a field says, without its quotes. Only well-formed fields get here: one
/// that starts with a quote ends with one.
pub(crate) fn content(field: &[u8], quote: u8) -> Cow<'_, [u8]> {
    let Some(inner) = unquoted(field, quote) else { return Cow::Borrowed(field) };
    if memchr::memchr(quote, inner).is_none() {
        return Cow::Borrowed(inner);
    }
    let mut plain = Vec::with_capacity(inner.len());
    undouble_into(inner, quote, &mut plain);
    Cow::Owned(plain)
}

/// What stands between the quotes of a quoted field, doubled ones and all.
pub(crate) fn unquoted(field: &[u8], quote: u8) -> Option<&[u8]> {
    match field {
        [first, inner @ .., last] if *first == quote && *last == quote => Some(inner),
        _ => None,
    }
}

/// Appends the inside of a quoted field, every doubled quote once.
pub(crate) fn undouble_into(mut inner: &[u8], quote: u8, plain: &mut Vec<u8>) {
    while let Some(at) = memchr::memchr(quote, inner) {
        plain.extend_from_slice(&inner[..=at]);
        inner = inner.get(at + 2..).unwrap_or_default();
    }
    plain.extend_from_slice(inner);
}
