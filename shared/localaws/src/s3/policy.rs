//! What can be told of a bucket policy from its text: whether it is one, and
//! whether it lets everyone in. Policies are kept and not enforced.

use s3s::{S3Error, S3Result, s3_error};
use serde_json::Value;

/// Length of a policy in bytes at most ("Bucket policies are limited to 20 KB
/// in size").
const MAX: usize = 20 * 1024;

/// Checks that a text is a policy for this bucket.
///
/// # Errors
/// `MalformedPolicy` or `PolicyTooLarge`.
pub(super) fn check(text: &str, bucket: &str) -> S3Result<()> {
    let policy: Value = serde_json::from_str(text)
        .ok()
        .filter(Value::is_object)
        .ok_or_else(|| malformed("Policies must be valid JSON and the first byte must be '{'"))?;
    if text.len() > MAX {
        return Err(malformed(
            "Normalized policy document exceeds the maximum allowed size of 20480 bytes.",
        ));
    }
    let statements = policy.get("Statement").map(one_or_more).unwrap_or_default();
    if statements.is_empty() {
        return Err(malformed("Missing required field Statement"));
    }
    statements.into_iter().try_for_each(|statement| check_statement(statement, bucket))
}

fn check_statement(statement: &Value, bucket: &str) -> S3Result<()> {
    let has = |names: [&str; 2]| names.iter().any(|name| statement.get(name).is_some());
    match statement.get("Effect").and_then(Value::as_str) {
        Some("Allow" | "Deny") => {}
        Some(_) => return Err(malformed("Invalid effect")),
        None => return Err(malformed("Missing required field Effect")),
    }
    if !has(["Principal", "NotPrincipal"]) {
        return Err(malformed("Missing required field Principal"));
    }
    if !has(["Action", "NotAction"]) {
        return Err(malformed("Missing required field Action"));
    }
    if !has(["Resource", "NotResource"]) {
        return Err(malformed("Missing required field Resource"));
    }
    let resources = ["Resource", "NotResource"].into_iter().filter_map(|name| statement.get(name));
    let mut resources = resources.flat_map(one_or_more);
    match resources.all(|resource| resource.as_str().is_some_and(|arn| is_in(arn, bucket))) {
        true => Ok(()),
        false => Err(malformed("Policy has invalid resource")),
    }
}

/// Whether a resource is the bucket or in it; wildcards may stand for it.
fn is_in(arn: &str, bucket: &str) -> bool {
    let Some(resource) = arn.splitn(6, ':').nth(5) else { return arn == "*" };
    let name = resource.split('/').next().unwrap_or_default();
    name == bucket || name.contains(['*', '?', '$'])
}

fn malformed(message: &'static str) -> S3Error {
    s3_error!(MalformedPolicy, "{}", message)
}

fn one_or_more(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(values) => values.iter().collect(),
        Value::Null => Vec::new(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => vec![value],
    }
}

/// Whether a policy allows anything to everyone on no condition.
pub(super) fn is_public(text: &str) -> bool {
    let policy: Value = serde_json::from_str(text).unwrap_or_default();
    let statements = policy.get("Statement").map(one_or_more).unwrap_or_default();
    statements.into_iter().any(|statement| {
        statement.get("Effect").and_then(Value::as_str) == Some("Allow")
            && statement.get("Condition").is_none()
            && statement.get("Principal").is_some_and(is_everyone)
    })
}

fn is_everyone(principal: &Value) -> bool {
    let aws = principal.get("AWS").unwrap_or(principal);
    one_or_more(aws).into_iter().any(|name| name.as_str() == Some("*"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(principal: &str, resource: &str) -> String {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{principal},
            "Action":"s3:GetObject","Resource":"{resource}"}}]}}"#
        )
    }

    #[test]
    fn a_policy_is_about_its_bucket() {
        for resource in ["arn:aws:s3:::raw", "arn:aws:s3:::raw/*", "arn:aws:s3:::r*/x"] {
            assert!(check(&policy("\"*\"", resource), "raw").is_ok(), "{resource}");
        }
        for resource in ["arn:aws:s3:::other/*", "raw"] {
            let refused = check(&policy("\"*\"", resource), "raw").unwrap_err();
            assert_eq!(refused.code(), &s3s::S3ErrorCode::MalformedPolicy);
        }
        for text in ["", "[]", "{}", r#"{"Statement":[{"Effect":"Allow"}]}"#] {
            assert!(check(text, "raw").is_err(), "{text}");
        }
    }

    #[test]
    fn a_policy_for_everyone_is_public() {
        assert!(is_public(&policy("\"*\"", "arn:aws:s3:::raw/*")));
        assert!(is_public(&policy(r#"{"AWS":["*"]}"#, "arn:aws:s3:::raw/*")));
        let one = r#"{"AWS":"arn:aws:iam::000000000000:root"}"#;
        assert!(!is_public(&policy(one, "arn:aws:s3:::raw/*")));
    }
}
