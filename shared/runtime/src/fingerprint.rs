//! Groups failures of the same kind, whatever row, file or id they name.

use millrace_retry::FailureClass;
use sha2::{Digest, Sha256};

/// A key that is the same for failures of the same kind: 16 hexadecimal digits
/// over stage, class, dataset, and the message with its numbers, ids and quoted
/// values left out. Stable across releases.
pub fn fingerprint(
    stage: &str,
    class: FailureClass,
    dataset: Option<&str>,
    message: &str,
) -> String {
    let mut hash = Sha256::new();
    for part in [stage, class.as_str(), dataset.unwrap_or_default(), &masked(message)] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The message with `#` for every word that has a digit in it and `*` for
/// everything in quotes.
fn masked(message: &str) -> String {
    let mut mask = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(first) = rest.chars().next() {
        let (shown, length) = if let Some(length) = quoted(rest, first) {
            ("*", length)
        } else if first.is_alphanumeric() {
            let length = word(rest);
            let varies = rest[..length].contains(|c: char| c.is_ascii_digit());
            (if varies { "#" } else { &rest[..length] }, length)
        } else {
            (&rest[..first.len_utf8()], first.len_utf8())
        };
        mask.push_str(shown);
        rest = &rest[length..];
    }
    mask
}

/// Length of the quotation that `rest` starts with. An apostrophe within a word
/// never gets here, since words are taken whole.
fn quoted(rest: &str, quote: char) -> Option<usize> {
    let closing = matches!(quote, '`' | '"' | '\'').then(|| rest[1..].find(quote)).flatten()?;
    Some(closing + 2)
}

/// Length of a word: letters and digits, with what joins them in ids, numbers
/// and contractions.
fn word(rest: &str) -> usize {
    let joins = |c: char| matches!(c, '-' | '_' | '.' | ',' | ':' | '\'');
    let end = rest.find(|c: char| !(c.is_alphanumeric() || joins(c))).unwrap_or(rest.len());
    rest[..end].trim_end_matches(joins).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ids_and_quoted_values_are_masked() {
        for (message, expected) in [
            (
                "column `amount` at line 17: `12,50` is no decimal",
                "column * at line #: * is no decimal",
            ),
            ("timeout after 30.5s on 10.0.0.1:5432", "timeout after # on #"),
            ("id 3f2504e0-4f89-11d3-9a0c-0305e82c3301 taken", "id # taken"),
            ("it isn't \"here\", is it?", "it isn't *, is it?"),
            ("an unclosed ` stays", "an unclosed ` stays"),
            ("größe: 'é'", "größe: *"),
            ("", ""),
        ] {
            assert_eq!(masked(message), expected);
        }
    }

    #[test]
    fn a_fingerprint_groups_what_differs_in_values_only() {
        let of = |stage, dataset, message| {
            fingerprint(stage, FailureClass::Contract, Some(dataset), message)
        };
        let one = of("transform", "expenses", "line 17: `a` is no date");
        assert_eq!(one, of("transform", "expenses", "line 4: `b` is no date"));
        assert_ne!(one, of("transform", "expenses", "line 4: `b` is no number"));
        assert_ne!(one, of("transform", "incomes", "line 4: `b` is no date"));
        assert_ne!(one, of("load", "expenses", "line 4: `b` is no date"));
        assert_eq!(one.len(), 16);
    }

    #[test]
    fn a_fingerprint_is_the_same_in_every_release() {
        let one = fingerprint("load", FailureClass::Denied, None, "no access to `t`");
        assert_eq!(one, "ab7d0ba19166cb4f");
    }
}
