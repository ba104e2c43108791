//! Policies of buses: kept and shown, not enforced.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::service::ServiceError;

use super::Core;
use super::names::{check_name, not_found};

/// Bytes of a policy at most.
const MAX_POLICY: usize = 10 << 10;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutPermission {
    event_bus_name: Option<String>,
    action: Option<String>,
    principal: Option<String>,
    statement_id: Option<String>,
    condition: Option<Condition>,
    policy: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Condition {
    r#type: String,
    key: String,
    value: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RemovePermission {
    event_bus_name: Option<String>,
    statement_id: Option<String>,
    #[serde(default)]
    remove_all_permissions: bool,
}

impl Core {
    pub(super) fn put_permission(&self, request: &PutPermission) -> Result<(), ServiceError> {
        let name = self.bus_name(request.event_bus_name.as_deref());
        let now = self.clock.now();
        self.kept.change(|state| {
            let bus = state.bus_mut(name)?;
            let policy = match &request.policy {
                Some(policy) => whole_policy(policy)?,
                None => with_statement(bus.policy.as_ref(), self.statement(name, request)?),
            };
            if policy.to_string().len() > MAX_POLICY {
                let message = "The policy is longer than 10240 bytes.";
                return Err(ServiceError::new("PolicyLengthExceededException", message));
            }
            bus.policy = Some(policy);
            bus.modified_at = now;
            Ok(())
        })
    }

    pub(super) fn remove_permission(&self, request: &RemovePermission) -> Result<(), ServiceError> {
        let name = self.bus_name(request.event_bus_name.as_deref());
        let now = self.clock.now();
        self.kept.change(|state| {
            let bus = state.bus_mut(name)?;
            let kept = match (&bus.policy, request.remove_all_permissions) {
                (_, true) => None,
                (None, false) => return Err(not_found("EventBus does not have a policy.")),
                (Some(policy), false) => without(policy, request.statement_id.as_deref())?,
            };
            bus.policy = kept;
            bus.modified_at = now;
            Ok(())
        })
    }

    fn statement(&self, bus: &str, request: &PutPermission) -> Result<Value, ServiceError> {
        let required = |value: &Option<String>, name: &str| {
            let missing =
                || ServiceError::validation(format!("Parameter {name} must be specified."));
            value.clone().ok_or_else(missing)
        };
        let sid = required(&request.statement_id, "StatementId")?;
        check_name(&sid, "statementId", 64, "-_")?;
        let principal = match required(&request.principal, "Principal")?.as_str() {
            "*" => json!("*"),
            account => json!({"AWS": format!("arn:aws:iam::{account}:root")}),
        };
        let mut statement = json!({
            "Sid": sid,
            "Effect": "Allow",
            "Principal": principal,
            "Action": required(&request.action, "Action")?,
            "Resource": self.bus_arn(bus),
        });
        if let Some(Condition { r#type, key, value }) = &request.condition {
            statement["Condition"] = json!({r#type: {key: value}});
        }
        Ok(statement)
    }
}

fn whole_policy(policy: &str) -> Result<Value, ServiceError> {
    let policy: Option<Value> = serde_json::from_str(policy).ok();
    let policy = policy.filter(|policy| policy.get("Statement").is_some());
    policy.ok_or_else(|| {
        ServiceError::validation("This policy contains invalid Json or has no Statement")
    })
}

fn statements(policy: Option<&Value>) -> Vec<Value> {
    match policy.map(|policy| &policy["Statement"]) {
        Some(Value::Array(statements)) => statements.clone(),
        Some(statement @ Value::Object(_)) => vec![statement.clone()],
        Some(_) | None => Vec::new(),
    }
}

/// The policy with one statement more, or another of the same id.
fn with_statement(policy: Option<&Value>, statement: Value) -> Value {
    let mut statements = statements(policy);
    statements.retain(|other| other["Sid"] != statement["Sid"]);
    statements.push(statement);
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// The policy without the statement of this id; none, if that was the last.
fn without(policy: &Value, statement_id: Option<&str>) -> Result<Option<Value>, ServiceError> {
    let mut kept = statements(Some(policy));
    let before = kept.len();
    kept.retain(|statement| statement["Sid"].as_str() != statement_id);
    if kept.len() == before {
        return Err(not_found("Statement with the provided id does not exist."));
    }
    let policy = (!kept.is_empty()).then(|| {
        let mut policy = policy.clone();
        policy["Statement"] = Value::Array(kept);
        policy
    });
    Ok(policy)
}
