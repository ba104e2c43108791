//! Numbers as people write them: `1.234,50 €`, `($5)`, `12%`. They are spelled
//! anew the plain way and then read as any other.

use millrace_contract::NumberFormat;

/// How the numbers of a column are written.
#[derive(Debug, Clone)]
pub(crate) struct Spelling {
    format: NumberFormat,
    decimal: Vec<u8>,
    thousands: Option<Vec<u8>>,
}

impl Spelling {
    /// A way of writing numbers.
    pub(crate) fn new(format: &NumberFormat) -> Self {
        let bytes = |character: char| character.to_string().into_bytes();
        Self {
            format: format.clone(),
            decimal: bytes(format.decimal),
            thousands: format.thousands.map(bytes),
        }
    }

    /// The number as `-1234.5`. `None` if it is not written in this way: groups
    /// have three digits, and signs, brackets and currencies stand around the
    /// number and not in it.
    pub(crate) fn plain(&self, text: &[u8]) -> Option<Vec<u8>> {
        let mut text = text.trim_ascii();
        let bracketed = text.strip_prefix(b"(").and_then(|text| text.strip_suffix(b")"));
        let mut negative = false;
        if let Some(inner) = bracketed.filter(|_| self.format.parentheses) {
            (negative, text) = (true, inner.trim_ascii());
        }
        let before = text.len();
        text = self.without_currency(text);
        if let [sign @ (b'-' | b'+'), rest @ ..] = text {
            // A sign within brackets would say it twice.
            if negative {
                return None;
            }
            negative = *sign == b'-';
            text = if text.len() < before { rest } else { self.without_currency(rest) };
        }
        let mut percent = false;
        if let Some(share) = text.strip_suffix(b"%").filter(|_| self.format.percent) {
            (percent, text) = (true, share.trim_ascii());
        }
        let mut plain = Vec::with_capacity(text.len() + 4);
        if negative {
            plain.push(b'-');
        }
        self.append_digits(text, &mut plain)?;
        if percent {
            plain.extend_from_slice(b"e-2");
        }
        Some(plain)
    }

    fn without_currency<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        let cut = |currency: &String| {
            let sign = currency.as_bytes();
            text.strip_prefix(sign).or_else(|| text.strip_suffix(sign)).map(trim)
        };
        self.format.currency.iter().find_map(cut).unwrap_or(text)
    }

    fn append_digits(&self, text: &[u8], plain: &mut Vec<u8>) -> Option<()> {
        let point = memchr::memmem::find(text, &self.decimal);
        let (whole, fraction) = match point {
            Some(at) => (&text[..at], Some(&text[at + self.decimal.len()..])),
            None => (text, None),
        };
        match &self.thousands {
            Some(separator) => append_groups(whole, separator, plain)?,
            None => append_checked(whole, plain)?,
        }
        if let Some(fraction) = fraction {
            plain.push(b'.');
            append_checked(fraction, plain)?;
        }
        Some(())
    }
}

/// Takes spaces off, the one that does not break lines among them.
fn trim(text: &[u8]) -> &[u8] {
    const NO_BREAK: &[u8] = "\u{A0}".as_bytes();
    let text = text.trim_ascii();
    let text = text.strip_prefix(NO_BREAK).unwrap_or(text);
    text.strip_suffix(NO_BREAK).unwrap_or(text).trim_ascii()
}

/// Digits and an exponent; the readers of numbers see to their order.
fn append_checked(text: &[u8], plain: &mut Vec<u8>) -> Option<()> {
    let belongs = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'e' | b'E' | b'+' | b'-');
    plain.extend_from_slice(text);
    (text.iter().all(belongs) && !text.starts_with(b"-") && !text.starts_with(b"+")).then_some(())
}

fn append_groups(mut text: &[u8], separator: &[u8], plain: &mut Vec<u8>) -> Option<()> {
    let mut is_first = true;
    while let Some(at) = memchr::memmem::find(text, separator) {
        let group = &text[..at];
        let fits = if is_first { (1..=3).contains(&group.len()) } else { group.len() == 3 };
        if !fits {
            return None;
        }
        append_checked(group, plain)?;
        text = &text[at + separator.len()..];
        is_first = false;
    }
    let last = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    append_checked(text, plain)?;
    (is_first || last == 3).then_some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spelling(decimal: char, thousands: Option<char>) -> Spelling {
        Spelling::new(&NumberFormat {
            decimal,
            thousands,
            currency: vec!["$".into(), "EUR".into(), "€".into()],
            parentheses: true,
            percent: true,
        })
    }

    fn plain(spelling: &Spelling, text: &str) -> Option<String> {
        spelling.plain(text.as_bytes()).map(|text| String::from_utf8(text).expect("UTF-8"))
    }

    #[test]
    fn numbers_are_spelled_anew() {
        let english = spelling('.', Some(','));
        for (text, expected) in [
            ("1,234,567.80", Some("1234567.80")),
            ("$1,234", Some("1234")),
            ("-$5", Some("-5")),
            ("$-5", Some("-5")),
            ("($5.50)", Some("-5.50")),
            ("5 EUR", Some("5")),
            ("12.5%", Some("12.5e-2")),
            ("(3 %)", Some("-3e-2")),
            ("1e3", Some("1e3")),
            ("12,34", None),
            ("1234,567", None),
            ("1,,234", None),
            ("(-5)", None),
            ("--5", None),
            ("1.2.3", None),
            ("£5", None),
            ("5 5", None),
        ] {
            assert_eq!(plain(&english, text).as_deref(), expected, "{text}");
        }
        let german = spelling(',', Some('.'));
        assert_eq!(plain(&german, "1.234,50\u{A0}€").as_deref(), Some("1234.50"));
        assert_eq!(plain(&german, "12.50"), None);
        let french = spelling(',', Some('\u{202F}'));
        assert_eq!(plain(&french, "1\u{202F}234,5").as_deref(), Some("1234.5"));
        assert_eq!(plain(&spelling(',', None), "1.5"), None);
    }

    proptest! {
        #[test]
        fn every_grouped_number_reads_back(value: i64) {
            let digits = value.unsigned_abs().to_string();
            let mut grouped = String::new();
            for (at, digit) in digits.chars().enumerate() {
                if at > 0 && (digits.len() - at).is_multiple_of(3) {
                    grouped.push('.');
                }
                grouped.push(digit);
            }
            let sign = if value < 0 { "-" } else { "" };
            let read = plain(&spelling(',', Some('.')), &format!("{sign}{grouped}"));
            prop_assert_eq!(read, Some(value.to_string()));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[-+$€%() .,0-9e]{0,12}") {
            let _ = plain(&spelling('.', Some(',')), &text);
        }
    }
}
