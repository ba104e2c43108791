//! What the policy of a form upload permits: who signed it said which fields
//! the form may have, and how long the file may be.

use s3s::post_policy::{PostPolicy, PostPolicyCondition};
use s3s::{S3Error, S3Result, s3_error};

use super::form::Form;
use super::object::millis;
use crate::clock::Millis;

/// Fields that no condition has to name.
const FREE: [&str; 8] = [
    "policy",
    "file",
    "signature",
    "awsaccesskeyid",
    "x-amz-signature",
    "x-amz-security-token",
    "submit",
    "bucket",
];

/// Holds a form against its policy; without one, it may have anything.
/// Answers the bounds of the file's length.
///
/// # Errors
/// `InvalidPolicyDocument` or `AccessDenied`.
pub(super) fn check(form: &Form, bucket: &str, now: Millis) -> S3Result<Option<(u64, u64)>> {
    let Some(text) = form.field("policy") else { return Ok(None) };
    let policy = PostPolicy::from_base64(text).map_err(|error| {
        s3_error!(InvalidPolicyDocument, "Invalid Policy: Invalid JSON: {error}")
    })?;
    if now >= millis(&policy.expiration) {
        return Err(denied("Policy expired."));
    }
    let mut bounds = None;
    for condition in &policy.conditions {
        match condition {
            PostPolicyCondition::ContentLengthRange { min, max } => bounds = Some((*min, *max)),
            PostPolicyCondition::Eq { field, value } => {
                let met = given(form, bucket, field).is_some_and(|given| given == value);
                if !met {
                    return Err(failed("eq", field, value));
                }
            }
            PostPolicyCondition::StartsWith { field, prefix } => {
                let met = match given(form, bucket, field) {
                    Some(given) => given.starts_with(prefix.as_str()),
                    None => prefix.is_empty(),
                };
                if !met {
                    return Err(failed("starts-with", field, prefix));
                }
            }
        }
    }
    for (field, _) in &form.fields {
        let free = FREE.contains(&field.as_str()) || field.starts_with("x-ignore-");
        if !free && !policy.conditions.iter().any(|condition| names(condition, field)) {
            return Err(denied(&format!("Extra input fields: {field}")));
        }
    }
    Ok(bounds)
}

fn given<'a>(form: &'a Form, bucket: &'a str, field: &str) -> Option<&'a str> {
    form.field(field).or_else(|| (field == "bucket").then_some(bucket))
}

fn names(condition: &PostPolicyCondition, name: &str) -> bool {
    match condition {
        PostPolicyCondition::Eq { field, .. } | PostPolicyCondition::StartsWith { field, .. } => {
            field == name
        }
        PostPolicyCondition::ContentLengthRange { .. } => false,
    }
}

fn failed(condition: &str, field: &str, value: &str) -> S3Error {
    denied(&format!("Policy Condition failed: [\"{condition}\", \"${field}\", \"{value}\"]"))
}

fn denied(reason: &str) -> S3Error {
    s3_error!(AccessDenied, "Invalid according to Policy: {reason}")
}
