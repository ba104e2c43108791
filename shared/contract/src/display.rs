//! How numbers are written for people: `#,##0.00`, `0.0%`, `currency:AUD`. Read
//! here, since the pipeline file is checked by it; applied where pages are made.

use std::fmt;
use std::str::FromStr;

/// Decimals of a pattern at most.
const MOST_DECIMALS: usize = 12;

/// How numbers are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayFormat {
    /// What stands before the digits, and behind a minus.
    pub prefix: String,
    /// What stands behind the digits.
    pub suffix: String,
    /// Whether thousands are set apart.
    pub is_grouped: bool,
    /// Whether the number is a share, written as hundredths.
    pub is_percent: bool,
    /// Decimals that are always written.
    pub least_decimals: u8,
    /// Decimals that are written where they are not zero.
    pub most_decimals: u8,
    text: String,
}

impl DisplayFormat {
    /// As the pipeline file has it.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for DisplayFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl FromStr for DisplayFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("currency:") {
            Some(code) => currency(code, text),
            None => pattern(text),
        }
    }
}

/// Symbols that are known where the code is; the code itself stands for others.
const SYMBOLS: [(&str, &str); 12] = [
    ("USD", "$"),
    ("EUR", "€"),
    ("GBP", "£"),
    ("JPY", "¥"),
    ("AUD", "A$"),
    ("CAD", "C$"),
    ("NZD", "NZ$"),
    ("HKD", "HK$"),
    ("SGD", "S$"),
    ("INR", "₹"),
    ("KRW", "₩"),
    ("BRL", "R$"),
];

/// Decimals of the minor unit (ISO 4217); two where it is none of these.
fn minor_digits(code: &str) -> u8 {
    match code {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX"
        | "UYI" | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

fn currency(code: &str, text: &str) -> Result<DisplayFormat, String> {
    if code.len() != 3 || !code.chars().all(|c| c.is_ascii_uppercase()) {
        return Err(format!(
            "`{code}` is no currency; write its code of three capital letters, as in `currency:AUD`"
        ));
    }
    let symbol = SYMBOLS.iter().find(|(known, _)| *known == code);
    let prefix = symbol.map_or_else(|| format!("{code}\u{a0}"), |(_, symbol)| (*symbol).to_owned());
    let digits = minor_digits(code);
    Ok(DisplayFormat {
        prefix,
        suffix: String::new(),
        is_grouped: true,
        is_percent: false,
        least_decimals: digits,
        most_decimals: digits,
        text: text.to_owned(),
    })
}

fn pattern(text: &str) -> Result<DisplayFormat, String> {
    let is_place = |c: char| matches!(c, '#' | '0' | ',' | '.');
    let wrong = |why: &str| {
        format!("`{text}` is no number format: {why}; write `#,##0.00`, `0.0%` or `currency:AUD`")
    };
    let begin = text.find(is_place).ok_or_else(|| wrong("it has no place for digits"))?;
    let length = text[begin..].find(|c| !is_place(c)).unwrap_or(text.len() - begin);
    let (prefix, rest) = text.split_at(begin);
    let (places, suffix) = rest.split_at(length);
    if suffix.contains(['#', '0']) {
        return Err(wrong("its places for digits are not together"));
    }
    if text.len() > 64 || text.contains(char::is_control) {
        return Err(wrong("it takes up to 64 characters"));
    }
    let (whole, decimals) = places.split_once('.').unwrap_or((places, ""));
    if !whole.contains('0') {
        return Err(wrong("a `0` has to stand before the point"));
    }
    let always = decimals.len() - decimals.trim_start_matches('0').len();
    let is_zeros_then_maybes = decimals[always..].chars().all(|c| c == '#');
    if !is_zeros_then_maybes || decimals.len() > MOST_DECIMALS {
        return Err(wrong("behind the point come up to 12 `0` and then `#`"));
    }
    Ok(DisplayFormat {
        prefix: prefix.to_owned(),
        suffix: suffix.to_owned(),
        is_grouped: whole.contains(','),
        is_percent: suffix.trim_start().starts_with('%'),
        // Twelve fit.
        least_decimals: always as u8,
        most_decimals: decimals.len() as u8,
        text: text.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_say_grouping_decimals_and_what_stands_around() {
        let of = |text: &str| text.parse::<DisplayFormat>().expect(text);
        let plain = of("#,##0.00");
        assert!(plain.is_grouped && !plain.is_percent);
        assert_eq!((plain.least_decimals, plain.most_decimals), (2, 2));
        let share = of("0.0#%");
        assert!(share.is_percent && !share.is_grouped);
        assert_eq!((share.least_decimals, share.most_decimals, &*share.suffix), (1, 2, "%"));
        assert_eq!(of("€ #,##0 a month").suffix, " a month");
        let money = of("currency:AUD");
        assert_eq!((&*money.prefix, money.least_decimals), ("A$", 2));
        assert_eq!(of("currency:JPY").least_decimals, 0);
        assert_eq!(of("currency:SEK").prefix, "SEK\u{a0}");
    }

    #[test]
    fn what_is_no_format_is_refused_with_one_that_is() {
        for wrong in ["", "money", "#", "0.0.0", "0.#0", "0 and 0", "currency:aud", "currency:$"] {
            let error = wrong.parse::<DisplayFormat>().expect_err(wrong);
            assert!(error.contains("currency:AUD"), "{error}");
        }
    }
}
