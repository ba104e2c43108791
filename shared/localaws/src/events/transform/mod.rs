//! What a target is sent: the event, a part of it, something constant, or
//! something made of it.
//!
//! Source: "Amazon EventBridge input transformation", EventBridge User Guide.

mod path;
mod template;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::time::rfc3339;

use super::event::Event;
use super::state::Target;

pub(super) use self::path::Path;
pub(super) use self::template::Template;

/// What predefined variables tell beside the event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    /// ARN of the rule.
    pub(super) rule_arn: &'a str,
    /// Name of the rule.
    pub(super) rule_name: &'a str,
}

/// What a variable stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Filling {
    /// A string.
    Text(String),
    /// JSON of another kind.
    Json(String),
    /// The event has nothing at the variable's path.
    Nothing,
}

impl From<&Value> for Filling {
    fn from(value: &Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text.clone()),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => Self::Json(value.to_string()),
        }
    }
}

/// What `target` is sent for `event`.
pub(super) fn input(target: &Target, event: &Event, context: &Context<'_>) -> String {
    if let Some(input) = &target.input {
        return input.clone();
    }
    if let Some(path) = target.input_path.as_deref().and_then(Path::parse) {
        return match path.is_root() {
            true => event.json.clone(),
            false => path.find(&event.document).unwrap_or_default().to_string(),
        };
    }
    match &target.input_transformer {
        Some(transformer) => {
            let paths = transformer.input_paths_map.clone().unwrap_or_default();
            let fillings = fillings(&paths, event, context);
            Template::new(&transformer.input_template, &paths).fill(&fillings)
        }
        None => event.json.clone(),
    }
}

fn fillings(
    paths: &BTreeMap<String, String>,
    event: &Event,
    context: &Context<'_>,
) -> BTreeMap<String, Filling> {
    let found = |path: &String| {
        let found = Path::parse(path).and_then(|path| path.find(&event.document));
        found.as_ref().map_or(Filling::Nothing, Filling::from)
    };
    let mut fillings: BTreeMap<_, _> =
        paths.iter().map(|(name, path)| (name.clone(), found(path))).collect();
    let mut without_detail = event.document.clone();
    if let Value::Object(fields) = &mut without_detail {
        fields.remove("detail");
    }
    let text = |text: &str| Filling::Text(text.to_owned());
    let predefined = [
        ("aws.events.rule-arn", text(context.rule_arn)),
        ("aws.events.rule-name", text(context.rule_name)),
        ("aws.events.event.ingestion-time", Filling::Text(rfc3339(event.ingested_at))),
        ("aws.events.event", Filling::Json(without_detail.to_string())),
        ("aws.events.event.json", Filling::Json(event.json.clone())),
    ];
    fillings.extend(predefined.map(|(name, filling)| (name.to_owned(), filling)));
    fillings
}
