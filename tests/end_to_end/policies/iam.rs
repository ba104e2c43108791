//! Whether a policy allows a request: the part of IAM's logic that the policies
//! of workers' roles use.
//!
//! Source: "Policy evaluation logic" and "IAM JSON policy elements", IAM User
//! Guide. Statements that deny, `NotAction`, `NotResource`, variables and conditions
//! other than `StringEquals` are no part of these policies: one that has any is not
//! judged but refused.

use std::collections::BTreeMap;

use serde_json::Value;

/// A request as IAM sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Request {
    /// As in `s3:GetObject`.
    pub(super) action: String,
    /// An ARN.
    pub(super) resource: String,
    /// What conditions ask for, as in `kms:ViaService`.
    pub(super) context: BTreeMap<String, String>,
}

/// A role's policy.
#[derive(Debug)]
pub(super) struct Policy {
    statements: Vec<Statement>,
}

#[derive(Debug)]
struct Statement {
    id: String,
    actions: Vec<String>,
    resources: Vec<String>,
    /// By the context's key: what is allowed.
    equals: BTreeMap<String, Vec<String>>,
}

/// A part of a policy that allowed a request, or that none has used yet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    /// `Sid` of the statement.
    pub(super) statement: String,
    /// An action or a resource of it, as the policy writes it.
    pub(super) grant: String,
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Panics
    /// If it has an element that this evaluator does not judge.
    pub(super) fn read(document: &Value) -> Self {
        assert_eq!(document["Version"], "2012-10-17", "{document}");
        let statements = document["Statement"].as_array().expect("statements");
        Self { statements: statements.iter().map(Statement::read).collect() }
    }

    /// The parts that allow a request: an action and a resource for each statement
    /// that matches. None if it is denied.
    pub(super) fn allowing(&self, request: &Request) -> Vec<Part> {
        self.statements.iter().flat_map(|statement| statement.allowing(request)).collect()
    }

    /// Every action and every resource of every statement.
    pub(super) fn parts(&self) -> Vec<Part> {
        let of = |statement: &Statement| -> Vec<Part> {
            let grants = statement.actions.iter().chain(&statement.resources);
            grants.map(|grant| statement.part(grant)).collect()
        };
        self.statements.iter().flat_map(of).collect()
    }
}

impl Statement {
    fn read(statement: &Value) -> Self {
        let known = ["Sid", "Effect", "Action", "Resource", "Condition"];
        for element in statement.as_object().expect("a statement").keys() {
            assert!(known.contains(&element.as_str()), "`{element}` is not judged: {statement}");
        }
        assert_eq!(statement["Effect"], "Allow", "{statement}");
        Self {
            id: statement["Sid"].as_str().expect("a name").to_owned(),
            actions: texts(&statement["Action"]),
            resources: texts(&statement["Resource"]),
            equals: statement.get("Condition").map(equals).unwrap_or_default(),
        }
    }

    fn allowing(&self, request: &Request) -> Vec<Part> {
        let action = request.action.to_lowercase();
        // Actions are compared without regard to case, ARNs with it.
        let action = self.actions.iter().find(|pattern| matches(&pattern.to_lowercase(), &action));
        let resource = self.resources.iter().find(|pattern| matches(pattern, &request.resource));
        let holds = self.equals.iter().all(|(key, values)| {
            request.context.get(key).is_some_and(|given| values.contains(given))
        });
        match (action, resource) {
            (Some(action), Some(resource)) if holds => {
                vec![self.part(action), self.part(resource)]
            }
            _ => Vec::new(),
        }
    }

    fn part(&self, grant: &str) -> Part {
        Part { statement: self.id.clone(), grant: grant.to_owned() }
    }
}

fn equals(condition: &Value) -> BTreeMap<String, Vec<String>> {
    let operators = condition.as_object().expect("operators");
    let keys = operators.iter().flat_map(|(operator, keys)| {
        assert_eq!(operator, "StringEquals", "`{operator}` is not judged: {condition}");
        keys.as_object().expect("keys")
    });
    keys.map(|(key, values)| (key.clone(), texts(values))).collect()
}

/// One text or a list of them.
fn texts(value: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    match value.as_array() {
        Some(values) => values.iter().map(text).collect(),
        None => vec![text(value)],
    }
}

/// Whether a text matches a pattern, in which `*` stands for any characters and `?`
/// for one.
fn matches(pattern: &str, text: &str) -> bool {
    let Some(first) = pattern.chars().next() else { return text.is_empty() };
    let rest = &pattern[first.len_utf8()..];
    let mut left = text.chars();
    match first {
        '*' => {
            let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.into_iter().any(|at| matches(rest, &text[at..]))
        }
        '?' => left.next().is_some() && matches(rest, left.as_str()),
        first => left.next() == Some(first) && matches(rest, left.as_str()),
    }
}

#[test]
fn wildcards_match_as_in_iam() {
    for (pattern, text, expected) in [
        ("arn:aws:s3:::b/orders/*", "arn:aws:s3:::b/orders/a/b.csv", true),
        ("arn:aws:s3:::b/orders/*", "arn:aws:s3:::b/orders", false),
        ("arn:aws:s3:::b/*.csv", "arn:aws:s3:::b/a.csv.gz", false),
        ("secret:db-??????", "secret:db-aB3dE6", true),
        ("secret:db-??????", "secret:db-aB3dE67", false),
        ("*", "", true),
    ] {
        assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
    }
}

#[test]
fn a_request_is_allowed_only_with_action_resource_and_condition() {
    let policy = Policy::read(&serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "Key",
            "Effect": "Allow",
            "Action": ["kms:Decrypt"],
            "Resource": ["key/1"],
            "Condition": { "StringEquals": { "kms:ViaService": ["sqs", "s3"] } },
        }],
    }));
    let request = |action: &str, resource: &str, via: Option<&str>| Request {
        action: action.to_owned(),
        resource: resource.to_owned(),
        context: via.map(|via| ("kms:ViaService".to_owned(), via.to_owned())).into_iter().collect(),
    };
    let allows = |request| !policy.allowing(&request).is_empty();
    assert!(allows(request("kms:decrypt", "key/1", Some("s3"))));
    assert!(!allows(request("kms:Decrypt", "key/1", Some("sns"))));
    assert!(!allows(request("kms:Decrypt", "key/1", None)));
    assert!(!allows(request("kms:Decrypt", "key/2", Some("s3"))));
    assert!(!allows(request("kms:Encrypt", "key/1", Some("s3"))));
    assert_eq!(policy.parts().len(), 2);
}
