//! What a command printed, without what differs from run to run: ids, times,
//! durations, places.

use serde_json::Value;

/// Numbers that depend on the machine.
const MEASURED: [&str; 9] = [
    "duration_ms",
    "files_per_minute",
    "load_ms",
    "oldest_seconds",
    "peak_memory_bytes",
    "rows_per_minute",
    "seconds",
    "seconds_to_drain",
    "transform_ms",
];

/// JSON with the same members, without what differs.
pub(crate) fn json(value: &Value, places: &[(&str, &str)]) -> Value {
    match value {
        Value::String(string) => Value::String(text(string, places)),
        Value::Array(items) => items.iter().map(|item| json(item, places)).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| {
                let is_measured = value.is_number() && MEASURED.contains(&name.as_str());
                let value = match (is_measured, name.as_str(), value) {
                    (true, _, _) => Value::from("[measured]"),
                    // What the doctor saw is told with how long that took.
                    (false, "seen", Value::String(seen)) => {
                        Value::from(numberless(&text(seen, places)))
                    }
                    (false, _, value) => json(value, places),
                };
                (name.clone(), value)
            })
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// Text without what differs. `places` are texts to be replaced as they are, such as
/// the path of a folder.
pub(crate) fn text(text: &str, places: &[(&str, &str)]) -> String {
    let mut text = text.to_owned();
    for (place, name) in places {
        text = text.replace(place, name);
    }
    let mut redacted = String::new();
    let (mut rest, mut before) = (text.as_str(), ' ');
    while let Some(first) = rest.chars().next() {
        let found = if before.is_alphanumeric() { None } else { varying(rest) };
        match found {
            Some((length, name)) => {
                redacted.push_str(name);
                rest = &rest[length..];
                before = ']';
            }
            None => {
                redacted.push(first);
                rest = &rest[first.len_utf8()..];
                before = first;
            }
        }
    }
    redacted
}

/// A table without what differs: columns are two blanks apart, however wide they
/// are.
pub(crate) fn table(printed: &str, places: &[(&str, &str)]) -> String {
    let line = |line: &str| {
        let cells = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty());
        text(&cells.collect::<Vec<_>>().join("  "), places)
    };
    printed.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Text with every number as `#`.
pub(crate) fn numberless(text: &str) -> String {
    let mut without = String::new();
    for letter in text.chars() {
        match letter.is_ascii_digit() {
            true if without.ends_with('#') => {}
            true => without.push('#'),
            false => without.push(letter),
        }
    }
    without
}

/// What the text begins with that differs from run to run: how long it is, and what
/// stands in its place.
fn varying(text: &str) -> Option<(usize, &'static str)> {
    for (pattern, name) in [
        ("hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh", "[uuid]"),
        ("dddd-dd-ddTdd:dd:dd", "[time]"),
        ("dddd-dd-dd dd:dd:dd", "[time]"),
        ("dddd-dd-dd dd:dd", "[time]"),
        ("dd:dd:dd.ddd", "[time]"),
    ] {
        if let Some(rest) = after(text, pattern) {
            let fraction = |c: char| c.is_ascii_digit() || ".Z+:".contains(c);
            let more = if name == "[time]" { rest.find(|c| !fraction(c)) } else { Some(0) };
            let rest = &rest[more.unwrap_or(rest.len())..];
            return Some((text.len() - rest.len(), name));
        }
    }
    let word = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
    let is_hexadecimal = text[..word].bytes().all(|byte| byte.is_ascii_hexdigit());
    if word >= 16 && is_hexadecimal {
        return Some((word, "[hex]"));
    }
    let number = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let unit = text[number..].find(|c: char| !c.is_alphabetic()).unwrap_or(text.len() - number);
    let is_span = number > 0 && ["ns", "µs", "ms", "s"].contains(&&text[number..number + unit]);
    is_span.then_some((number + unit, "[took]"))
}

/// The rest behind a pattern of digits (`d`) and hexadecimal digits (`h`).
fn after<'a>(text: &'a str, pattern: &str) -> Option<&'a str> {
    let mut letters = text.chars();
    for wanted in pattern.chars() {
        let letter = letters.next()?;
        let fits = match wanted {
            'd' => letter.is_ascii_digit(),
            'h' => letter.is_ascii_hexdigit(),
            wanted => letter == wanted,
        };
        if !fits {
            return None;
        }
    }
    Some(letters.as_str())
}

#[test]
fn what_differs_from_run_to_run_is_left_out_and_the_rest_is_not() {
    for (printed, expected) in [
        ("at 2026-11-21T17:41:01.123Z, 3 rows", "at [time], 3 rows"),
        ("2026-11-21 17:41:01  sales", "[time]  sales"),
        ("m 0f8fad5b-d9cb-469f-a165-70867728950e.", "m [uuid]."),
        ("d41d8cd98f00b204e9800998ecf8427e-0000.parquet", "[hex]-0000.parquet"),
        ("took 12.3ms", "took [took]"),
        ("kept 14d, 5 attempts", "kept 14d, 5 attempts"),
        ("/tmp/x1/a.csv", "[folder]/a.csv"),
    ] {
        assert_eq!(text(printed, &[("/tmp/x1", "[folder]")]), expected);
    }
}
