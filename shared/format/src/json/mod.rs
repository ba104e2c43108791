//! JSON: tokens without a tree, and the rows of documents.

mod document;
mod string;
mod token;

pub(crate) use document::Document;
pub(crate) use string::unescape;
pub(crate) use token::{JsonError, Kind, Token, Tokens};

/// Whether a text is one JSON value (RFC 8259).
pub(crate) fn is_value(text: &[u8]) -> bool {
    let mut tokens = Tokens::new(text);
    tokens.value().and_then(|_| tokens.end()).is_ok()
}
