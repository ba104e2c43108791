//! `AddPermission` and `RemovePermission`, which edit the queue's policy. It is
//! kept and shown, not enforced.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Sqs;
use super::super::error::SqsError;
use super::super::settings::Settings;

/// Parameters of `AddPermission`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct AddPermission<'a> {
    #[serde(borrow)]
    queue_url: Cow<'a, str>,
    #[serde(borrow)]
    label: Cow<'a, str>,
    #[serde(rename = "AWSAccountIds")]
    accounts: Vec<String>,
    actions: Vec<String>,
}

/// Parameters of `RemovePermission`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct RemovePermission<'a> {
    #[serde(borrow)]
    queue_url: Cow<'a, str>,
    #[serde(borrow)]
    label: Cow<'a, str>,
}

impl Sqs {
    pub(in super::super) fn add_permission(
        &self,
        request: &AddPermission<'_>,
    ) -> Result<(), SqsError> {
        let queue = self.queue(&request.queue_url)?;
        queue.describe(|description| {
            let mut statements = statements(&description.settings);
            if statements.iter().any(|statement| statement["Sid"] == *request.label) {
                return Err(SqsError::value(&request.label, "Label", "Already exists."));
            }
            statements.push(request.statement(&queue.arn));
            set_statements(&mut description.settings, &queue.arn, statements);
            Ok(())
        })
    }

    pub(in super::super) fn remove_permission(
        &self,
        request: &RemovePermission<'_>,
    ) -> Result<(), SqsError> {
        let queue = self.queue(&request.queue_url)?;
        queue.describe(|description| {
            let mut statements = statements(&description.settings);
            let before = statements.len();
            statements.retain(|statement| statement["Sid"] != *request.label);
            if statements.len() == before {
                let reason = "can't find label on existing policy.";
                return Err(SqsError::value(&request.label, "Label", reason));
            }
            set_statements(&mut description.settings, &queue.arn, statements);
            Ok(())
        })
    }
}

impl AddPermission<'_> {
    fn statement(&self, arn: &str) -> Value {
        let principals: Vec<_> =
            self.accounts.iter().map(|id| format!("arn:aws:iam::{id}:root")).collect();
        let actions: Vec<_> = self.actions.iter().map(|action| format!("SQS:{action}")).collect();
        json!({
            "Sid": self.label,
            "Effect": "Allow",
            "Principal": {"AWS": principals},
            "Action": actions,
            "Resource": arn,
        })
    }
}

fn statements(settings: &Settings) -> Vec<Value> {
    let policy = settings.policy.as_deref().and_then(|text| serde_json::from_str(text).ok());
    policy.and_then(|policy: Value| policy["Statement"].as_array().cloned()).unwrap_or_default()
}

fn set_statements(settings: &mut Settings, arn: &str, statements: Vec<Value>) {
    let policy = json!({
        "Version": "2008-10-17",
        "Id": format!("{arn}/SQSDefaultPolicy"),
        "Statement": statements,
    });
    let is_empty = policy["Statement"].as_array().is_none_or(Vec::is_empty);
    settings.policy = (!is_empty).then(|| policy.to_string());
}
