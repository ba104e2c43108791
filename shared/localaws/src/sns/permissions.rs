//! Policies of topics: kept and shown, not enforced.

use serde_json::{Value, json};

use crate::query::{Form, QueryError, Xml};

use super::topics::default_policy;
use super::{Sns, error, invalid, not_found, required};

impl Sns {
    pub(super) fn add_permission(&self, form: &Form) -> Result<Xml, QueryError> {
        let arn = required(form, "TopicArn")?;
        let label = required(form, "Label")?;
        let members = |name: &str| -> Vec<String> {
            form.list(name).filter_map(|member| member.value()).map(str::to_owned).collect()
        };
        let accounts = members("AWSAccountId.member");
        let actions = members("ActionName.member");
        if accounts.is_empty() || actions.is_empty() {
            return Err(invalid("AWSAccountId, ActionName", "each has at least one member"));
        }
        let roots = accounts.iter().map(|account| format!("arn:aws:iam::{account}:root"));
        let statement = json!({
            "Sid": label,
            "Effect": "Allow",
            "Principal": {"AWS": roots.collect::<Vec<_>>()},
            "Action": actions.iter().map(|name| format!("SNS:{name}")).collect::<Vec<_>>(),
            "Resource": arn,
        });
        self.change_policy(arn, |statements| {
            if statements.iter().any(|statement| statement["Sid"] == label) {
                let message = format!("Invalid parameter: Statement {label} already exists");
                return Err(error("InvalidParameter", message));
            }
            statements.push(statement);
            Ok(())
        })
    }

    /// A statement that is not there counts as removed.
    pub(super) fn remove_permission(&self, form: &Form) -> Result<Xml, QueryError> {
        let arn = required(form, "TopicArn")?;
        let label = required(form, "Label")?;
        self.change_policy(arn, |statements| {
            statements.retain(|statement| statement["Sid"] != label);
            Ok(())
        })
    }

    pub(super) fn put_data_protection_policy(&self, form: &Form) -> Result<Xml, QueryError> {
        let arn = required(form, "ResourceArn")?;
        let policy = required(form, "DataProtectionPolicy")?;
        if serde_json::from_str::<Value>(policy).is_err() {
            return Err(invalid("DataProtectionPolicy", "it is not valid JSON"));
        }
        self.change(|state| {
            let topic = state.topics.get_mut(arn).ok_or_else(|| not_found("Topic"))?;
            topic.attributes.insert("DataProtectionPolicy".to_owned(), policy.to_owned());
            Ok(())
        })?;
        Ok(Xml::default())
    }

    pub(super) fn get_data_protection_policy(&self, form: &Form) -> Result<Xml, QueryError> {
        let arn = required(form, "ResourceArn")?;
        let state = self.store.read();
        let topic = state.topics.get(arn).ok_or_else(|| not_found("Topic"))?;
        let mut xml = Xml::default();
        if let Some(policy) = topic.attributes.get("DataProtectionPolicy") {
            xml.text("DataProtectionPolicy", policy);
        }
        Ok(xml)
    }

    fn change_policy(
        &self,
        arn: &str,
        change: impl FnOnce(&mut Vec<Value>) -> Result<(), QueryError>,
    ) -> Result<Xml, QueryError> {
        self.change(|state| {
            let topic = state.topics.get_mut(arn).ok_or_else(|| not_found("Topic"))?;
            let default = || default_policy(arn, &self.account.id);
            let policy = topic.attributes.get("Policy").cloned().unwrap_or_else(default);
            let mut policy: Value = serde_json::from_str(&policy).unwrap_or_default();
            let mut statements = policy["Statement"].as_array().cloned().unwrap_or_default();
            change(&mut statements)?;
            policy["Statement"] = Value::Array(statements);
            topic.attributes.insert("Policy".to_owned(), policy.to_string());
            Ok(())
        })?;
        Ok(Xml::default())
    }
}
