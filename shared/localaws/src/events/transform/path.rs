//! JSON paths as EventBridge knows them: dots, indices, wildcards.

use serde_json::Value;

/// A path into an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Path(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
    All,
}

impl Path {
    /// Reads `$`, `$.detail.items[0].id`, `$.detail.items[*].id`,
    /// `$['detail-type']`; none, if it is something else.
    pub(in super::super) fn parse(text: &str) -> Option<Self> {
        let mut rest = text.strip_prefix('$')?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, after) = match rest.strip_prefix('[') {
                Some(bracket) => {
                    let (inside, after) = bracket.split_once(']')?;
                    (in_brackets(inside)?, after)
                }
                None => {
                    let name = rest.strip_prefix('.')?;
                    let end = name.find(['.', '[']).unwrap_or(name.len());
                    (named(&name[..end])?, &name[end..])
                }
            };
            steps.push(step);
            rest = after;
        }
        Some(Self(steps))
    }

    /// Whether it is the whole event.
    pub(super) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// What is there; of a path with a wildcard the list of all that is.
    pub(super) fn find(&self, document: &Value) -> Option<Value> {
        let mut found = vec![document];
        for step in &self.0 {
            found = found.into_iter().flat_map(|value| step.of(value)).collect();
        }
        match self.0.contains(&Step::All) {
            true => Some(Value::Array(found.into_iter().cloned().collect())),
            false => found.first().map(|value| (*value).clone()),
        }
    }
}

impl Step {
    fn of<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        match (self, value) {
            (Self::Key(key), _) => value.get(key).into_iter().collect(),
            (Self::Index(index), _) => value.get(*index).into_iter().collect(),
            (Self::All, Value::Array(elements)) => elements.iter().collect(),
            (Self::All, Value::Object(fields)) => fields.values().collect(),
            (Self::All, Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
                Vec::new()
            }
        }
    }
}

fn named(name: &str) -> Option<Step> {
    let allowed = |letter: char| letter.is_alphanumeric() || "-_/ :$@".contains(letter);
    match name {
        "*" => Some(Step::All),
        name if !name.is_empty() && name.chars().all(allowed) => Some(Step::Key(name.to_owned())),
        _ => None,
    }
}

fn in_brackets(inside: &str) -> Option<Step> {
    let quoted = |quote| inside.strip_prefix(quote)?.strip_suffix(quote);
    if inside == "*" {
        return Some(Step::All);
    }
    match quoted('\'').or_else(|| quoted('"')) {
        Some(name) => Some(Step::Key(name.to_owned())),
        None => inside.parse().ok().map(Step::Index),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_finds_what_it_names() {
        let event = json!({"detail-type": "t", "detail": {"items": [{"id": 1}, {"id": 2}]}});
        for (path, expected) in [
            ("$.detail-type", Some(json!("t"))),
            ("$['detail-type']", Some(json!("t"))),
            ("$.detail.items[1].id", Some(json!(2))),
            ("$.detail.items[*].id", Some(json!([1, 2]))),
            ("$.detail.items[2].id", None),
            ("$.other", None),
        ] {
            assert_eq!(Path::parse(path).unwrap().find(&event), expected, "{path}");
        }
        assert!(Path::parse("$").unwrap().is_root());
        for wrong in ["", "detail", "$detail", "$.", "$..a", "$.a[", "$.a[x]", "$.a[?(@.b)]"] {
            assert_eq!(Path::parse(wrong), None, "{wrong}");
        }
    }
}
