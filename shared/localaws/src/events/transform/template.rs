//! Templates with variables in angle brackets.
//!
//! Outside of quotes a variable becomes JSON: a string is quoted, and what is
//! not there is an empty string. Inside of quotes it becomes text: objects and
//! lists lose their quotation marks.

use std::collections::BTreeMap;

use serde_json::{Deserializer, Value};

use super::Filling;

const PREDEFINED: [&str; 5] = [
    "aws.events.rule-arn",
    "aws.events.rule-name",
    "aws.events.event.ingestion-time",
    "aws.events.event",
    "aws.events.event.json",
];

/// A template, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Plain(String),
    Variable { name: String, quoted: bool },
}

impl Template {
    /// Takes a template apart; only the names in `paths` and the predefined
    /// ones are variables.
    pub(in super::super) fn new(text: &str, paths: &BTreeMap<String, String>) -> Self {
        let is_variable = |name: &str| paths.contains_key(name) || PREDEFINED.contains(&name);
        let (mut pieces, mut plain) = (Vec::new(), String::new());
        let (mut quoted, mut escaped) = (false, false);
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            let variable = rest
                .strip_prefix('<')
                .and_then(|rest| rest.split_once('>'))
                .filter(|(name, _)| is_variable(name));
            if let Some((name, after)) = variable {
                pieces.push(Piece::Plain(std::mem::take(&mut plain)));
                pieces.push(Piece::Variable { name: name.to_owned(), quoted });
                rest = after;
                continue;
            }
            match (escaped, letter) {
                (true, _) => escaped = false,
                (false, '\\') => escaped = quoted,
                (false, '"') => quoted = !quoted,
                (false, _) => {}
            }
            plain.push(letter);
            rest = &rest[letter.len_utf8()..];
        }
        pieces.push(Piece::Plain(plain));
        Self(pieces)
    }

    /// Whether it makes valid JSON, or several JSON values after each other.
    pub(in super::super) fn is_valid(&self) -> bool {
        let filled = self.fill(&BTreeMap::new());
        let mut values = 0;
        for value in Deserializer::from_str(&filled).into_iter::<Value>() {
            if value.is_err() {
                return false;
            }
            values += 1;
        }
        values > 0
    }

    /// Puts the variables in.
    pub(super) fn fill(&self, fillings: &BTreeMap<String, Filling>) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Plain(text) => text.clone(),
            Piece::Variable { name, quoted } => {
                let filling = fillings.get(name).unwrap_or(&Filling::Nothing);
                if *quoted { as_text(filling) } else { as_json(filling) }
            }
        };
        self.0.iter().map(piece).collect()
    }
}

fn as_json(filling: &Filling) -> String {
    match filling {
        Filling::Text(text) => Value::from(text.as_str()).to_string(),
        Filling::Json(json) => json.clone(),
        Filling::Nothing => "\"\"".to_owned(),
    }
}

fn as_text(filling: &Filling) -> String {
    match filling {
        Filling::Text(text) => {
            let json = Value::from(text.as_str()).to_string();
            json[1..json.len() - 1].to_owned()
        }
        Filling::Json(json) => json.replace("\\\"", "").replace('"', ""),
        Filling::Nothing => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(template: &str) -> String {
        let fillings: BTreeMap<String, Filling> = [
            ("text", Filling::Text("a \"b\"".into())),
            ("number", Filling::Json("1.50".into())),
            ("object", Filling::Json(r#"{"k":["v"]}"#.into())),
            ("gone", Filling::Nothing),
        ]
        .map(|(name, filling)| (name.to_owned(), filling))
        .into();
        let paths = fillings.keys().map(|name| (name.clone(), "$".to_owned())).collect();
        let template = Template::new(template, &paths);
        assert!(template.is_valid());
        template.fill(&fillings)
    }

    #[test]
    fn a_variable_is_json_outside_of_quotes_and_text_inside() {
        assert_eq!(
            fill(r#"{"a": <text>, "b": "is <text>", "c": <number>}"#),
            r#"{"a": "a \"b\"", "b": "is a \"b\"", "c": 1.50}"#
        );
        assert_eq!(
            fill(r#"{"a": <object>, "b": "<object>", "c": [<number>, <gone>, "<gone>"]}"#),
            r#"{"a": {"k":["v"]}, "b": "{k:[v]}", "c": [1.50, "", ""]}"#
        );
    }

    #[test]
    fn a_text_keeps_its_quotation_marks_and_its_lines() {
        assert_eq!(fill("\"n is <number>\"\n\"t\""), "\"n is 1.50\"\n\"t\"");
        assert_eq!(fill(r#""\"<number>\" <other>""#), r#""\"1.50\" <other>""#);
        assert_eq!(fill("<text>"), r#""a \"b\"""#);
    }

    #[test]
    fn what_is_no_json_is_not_valid() {
        for wrong in ["plain <text>", "{\"a\": <text>", "{\"a\": <unknown>}", ""] {
            assert!(!Template::new(wrong, &BTreeMap::new()).is_valid(), "{wrong}");
        }
    }
}
