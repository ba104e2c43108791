//! Texts in pictures: how wide they are, cut to fit, and escaped, so that nothing
//! that comes from data is ever markup.

/// Escapes a text for XML and HTML, between tags and in quoted attributes. What XML
/// has no place for, and signs that turn the direction of what stands behind them,
/// become U+FFFD.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\t' | '\n' | '\r' => safe.push(c),
            '\u{fffe}' | '\u{ffff}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                safe.push('\u{fffd}');
            }
            c if c.is_control() => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

/// About how wide a text is, of a sans-serif face at a size.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(advance).sum::<f64>() * size * BROAD
}

/// Faces differ: what is measured here is that of a narrow one, and a broad one has to
/// fit too.
const BROAD: f64 = 1.08;

fn advance(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | 'I' | ' ' => 0.29,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '-' | '/' => 0.37,
        'm' | 'M' | 'W' | '%' | '@' => 0.9,
        'w' => 0.76,
        'A'..='Z' => 0.7,
        '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' => 1.05,
        '\u{1f000}'..='\u{1faff}' => 1.3,
        _ => 0.59,
    }
}

/// A text on one line, cut to a width with an ellipsis.
pub(crate) fn fitted(text: &str, size: f64, most: f64) -> String {
    let line: String =
        text.chars().map(|c| if c.is_whitespace() || c.is_control() { ' ' } else { c }).collect();
    if width(&line, size) <= most {
        return line;
    }
    let mut kept = String::new();
    let mut taken = width("…", size);
    for c in line.chars() {
        taken += advance(c) * size * BROAD;
        if taken > most {
            break;
        }
        kept.push(c);
    }
    format!("{}…", kept.trim_end())
}

/// A coordinate, to a tenth.
pub(crate) fn at(value: f64) -> String {
    let text = format!("{value:.1}");
    match text.strip_suffix(".0") {
        Some("-0") => "0".to_owned(),
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

/// Writes markup to a text, which does not fail.
macro_rules! put {
    ($out:expr, $($markup:tt)*) => {{
        use std::fmt::Write as _;
        let _ = write!($out, $($markup)*);
    }};
}
pub(crate) use put;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_is_markup() {
        assert_eq!(
            escaped("<b a='1'>&\"\0\u{202e}"),
            "&lt;b a=&#39;1&#39;&gt;&amp;&quot;\u{fffd}\u{fffd}"
        );
    }

    #[test]
    fn a_long_text_is_cut_and_a_short_one_is_not() {
        assert_eq!(fitted("Rent\nand more", 12.0, 500.0), "Rent and more");
        let cut = fitted(&"Groceries ".repeat(20), 12.0, 100.0);
        assert!(cut.ends_with('…') && width(&cut, 12.0) <= 100.0, "{cut}");
        assert!(fitted("日本語の長い説明", 12.0, 50.0).chars().count() < 6);
    }

    #[test]
    fn coordinates_are_short() {
        assert_eq!([at(1.0), at(0.25), at(-0.01), at(-3.46)], ["1", "0.2", "0", "-3.5"]);
    }
}
