//! JSON values into the builders of scalars.

use millrace_contract::DataType;

use super::ColumnBuilder;
use crate::json::{Kind, Token, unescape};

/// Appends a value that is not null. False if it is not of the type; a
/// placeholder then stands for it. `plain` is room for a string without its
/// escapes.
#[inline]
pub(crate) fn append_token(
    value: &Token,
    line: &[u8],
    kind: DataType,
    builder: &mut dyn ColumnBuilder,
    plain: &mut Vec<u8>,
) -> bool {
    match (value.kind, kind) {
        (_, DataType::Json) => builder.push(value.source(line)),
        (Kind::Nested, DataType::List(_) | DataType::Struct(_)) => builder.push(value.text(line)),
        (Kind::Plain | Kind::Number, _) => builder.push(value.text(line)),
        (Kind::Escaped, _) => {
            plain.clear();
            let whole = unescape(value.text(line), plain).is_some();
            builder.push(if whole { plain } else { b"" }) && whole
        }
        (Kind::Bool, DataType::Bool | DataType::String) => builder.push(value.text(line)),
        (Kind::Bool | Kind::Nested | Kind::Null, _) => {
            builder.push(b"");
            false
        }
    }
}
