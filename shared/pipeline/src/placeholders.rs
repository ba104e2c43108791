//! Places for values in the user's texts: `{name}` in keys, `:name` and `{name}`
//! in queries.

use millrace_contract::{KeyPart, QueryPiece};

use crate::statement::meaningless;

/// The parts of a key.
///
/// # Errors
/// What is wrong, in words.
pub(crate) fn key_parts(key: &str) -> Result<Vec<KeyPart>, String> {
    let mut parts = Vec::new();
    let mut rest = key;
    while let Some(open) = rest.find(['{', '}']) {
        if open > 0 {
            parts.push(KeyPart::Text(rest[..open].to_owned()));
        }
        let (name, length) = braced(&rest[open..])
            .ok_or_else(|| format!("`{key}` has a brace that is no `{{name}}`"))?;
        parts.push(KeyPart::Value(name.to_owned()));
        rest = &rest[open + length..];
    }
    if !rest.is_empty() {
        parts.push(KeyPart::Text(rest.to_owned()));
    }
    Ok(parts)
}

/// The pieces of a query. What stands in quotes or comments is SQL, and so is
/// `::type`.
///
/// # Errors
/// What is not closed.
pub(crate) fn query_pieces(sql: &str) -> Result<Vec<QueryPiece>, String> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        if let Some((name, length)) = value_at(&text, rest) {
            if !text.is_empty() {
                pieces.push(QueryPiece::Sql(std::mem::take(&mut text)));
            }
            pieces.push(QueryPiece::Parameter(name.to_owned()));
            rest = &rest[length..];
            continue;
        }
        let taken = match meaningless(rest)? {
            0 if rest.starts_with("::") => 2,
            0 => first.len_utf8(),
            taken => taken,
        };
        text.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    if !text.is_empty() {
        pieces.push(QueryPiece::Sql(text));
    }
    Ok(pieces)
}

/// The value's name that stands here, and how long it is with its signs. A colon
/// behind a letter or a digit is a slice's, as in `a[1:n]`.
fn value_at<'s>(before: &str, rest: &'s str) -> Option<(&'s str, usize)> {
    if rest.starts_with('{') {
        return braced(rest);
    }
    let behind = rest.strip_prefix(':')?;
    let follows = |c: char| c.is_alphanumeric() || matches!(c, '_' | ']' | ':');
    if before.ends_with(follows) {
        return None;
    }
    let name = identifier(behind)?;
    Some((name, name.len() + 1))
}

fn braced(text: &str) -> Option<(&str, usize)> {
    let name = identifier(text.strip_prefix('{')?)?;
    text[name.len() + 1..].starts_with('}').then_some((name, name.len() + 2))
}

/// The identifier that a text begins with.
fn identifier(text: &str) -> Option<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts.then(|| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(sql: &str) -> String {
        let piece = |piece: QueryPiece| match piece {
            QueryPiece::Sql(sql) => sql,
            QueryPiece::Parameter(name) => format!("<{name}>"),
        };
        query_pieces(sql).expect(sql).into_iter().map(piece).collect()
    }

    #[test]
    fn values_are_found_where_sql_has_a_place_for_them() {
        for (sql, expected) in [
            ("select :a, {b} from t", "select <a>, <b> from t"),
            ("select a::text, b = :b::date", "select a::text, b = <b>::date"),
            ("select ':a', \":b\", '{c}' -- :d", "select ':a', \":b\", '{c}' -- :d"),
            ("select $$ :a $$ /* {b} */ , :c", "select $$ :a $$ /* {b} */ , <c>"),
            ("select a[1:n], b[:m]", "select a[1:n], b[<m>]"),
            ("select '{}'::int[], {1}", "select '{}'::int[], {1}"),
            ("where a=:a_1and", "where a=<a_1and>"),
            ("a := 1", "a := 1"),
        ] {
            assert_eq!(shown(sql), expected);
        }
        assert!(query_pieces("select 'a").is_err());
    }

    #[test]
    fn keys_have_values_in_braces() {
        let parts = key_parts("a/{date}-{user}/").expect("parts");
        let value = |name: &str| KeyPart::Value(name.into());
        let text = |text: &str| KeyPart::Text(text.into());
        assert_eq!(parts, [text("a/"), value("date"), text("-"), value("user"), text("/")]);
        for wrong in ["a/{", "a/}", "{}", "{a b}", "{1}"] {
            assert!(key_parts(wrong).is_err(), "{wrong}");
        }
    }
}
